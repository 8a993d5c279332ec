//! Sparse bipartite matching of least cost, exact in integers, with a rule for ties.
//!
//! Rows are matched to columns. A row may also stay without, at cost [`ONE`]; to have one kind of thing only, that is a
//! column too: each row has a *spare* column of its own, numbered after all real ones. So every row is always matched, and
//! columns may be free.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// IoU 1 in fixed point, and the cost of a row's spare column. Prices lie within ±`ONE` and distances within 4 · `ONE`, so
/// that `i64` cannot overflow.
pub(super) const ONE: i64 = 1 << 56;

/// Marks a free column, and a row not matched yet.
const NOBODY: usize = usize::MAX;

/// One candidate pair of a row: the column, and the cost in `0..=ONE`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) column: usize,
    pub(super) cost: i64,
}

/// A matching under construction, with prices that prove it optimal for the rows seen so far:
/// `cost ≥ row_price + column_price` for every pair, with equality (a *tight* pair) for those matched, and
/// `column_price ≤ 0`, with equality for free columns.
#[derive(Debug)]
pub(super) struct Matching {
    num_real_columns: usize,
    edges: Vec<Vec<Edge>>,
    column_of_row: Vec<usize>,
    row_of_column: Vec<usize>,
    row_price: Vec<i64>,
    column_price: Vec<i64>,
}

impl Matching {
    /// Nothing matched yet. `edges[row]` lists the row's candidates, columns ascending and below `num_columns`.
    pub(super) fn new(mut edges: Vec<Vec<Edge>>, num_columns: usize) -> Self {
        let num_rows = edges.len();
        for (row, row_edges) in edges.iter_mut().enumerate() {
            row_edges.push(Edge { column: num_columns + row, cost: ONE });
        }
        Matching {
            num_real_columns: num_columns,
            edges,
            column_of_row: vec![NOBODY; num_rows],
            row_of_column: vec![NOBODY; num_columns + num_rows],
            row_price: vec![0; num_rows],
            column_price: vec![0; num_columns + num_rows],
        }
    }

    /// The column of each row, `None` for a row without.
    pub(super) fn into_columns(self) -> Vec<Option<usize>> {
        let real = |column| (column < self.num_real_columns).then_some(column);
        self.column_of_row.into_iter().map(real).collect()
    }

    /// Makes the matching one of least total cost: takes in one row after the other, each along a shortest path.
    pub(super) fn minimise_cost(&mut self) {
        let mut paths = ShortestPaths::new(self.row_of_column.len());
        for row in 0..self.edges.len() {
            let end = paths.search(self, row);
            let length = paths.distance[end];
            for (scanned_row, distance) in &paths.rows {
                self.row_price[*scanned_row] += length - distance;
            }
            for column in &paths.reached {
                self.column_price[*column] -= (length - paths.distance[*column]).max(0);
            }
            // each row on the path gets the column that follows it, from the path's end back to its start
            let mut column = end;
            while column != NOBODY {
                let receiver = paths.from_row[column];
                self.row_of_column[column] = receiver;
                column = std::mem::replace(&mut self.column_of_row[receiver], column);
            }
            paths.reset();
        }
    }

    /// Turns a matching of least cost into the lexicographically smallest one of the same cost: the first row gets the
    /// lowest column it can have in any of them (its spare comes last), then the second given the first, and so on.
    ///
    /// The matchings of least cost are those of tight pairs that leave no column free whose price is below 0. So a row may
    /// have a lower tight column if whoever loses it can be served otherwise, along tight pairs and without the rows before.
    pub(super) fn prefer_low_columns(&mut self) {
        let mut exchange = Exchange::new(self.edges.len());
        for row in 0..self.edges.len() {
            for column in self.tight_columns(row) {
                if column >= self.column_of_row[row] || exchange.run(self, row, column) {
                    break;
                }
            }
        }
    }

    /// The columns that a row may have in a matching of least cost, ascending.
    fn tight_columns(&self, row: usize) -> Vec<usize> {
        let is_tight = |edge: &&Edge| edge.cost == self.row_price[row] + self.column_price[edge.column];
        self.edges[row].iter().filter(is_tight).map(|edge| edge.column).collect()
    }
}

/// Dijkstra's algorithm from one row, over reduced costs `cost − row_price − column_price`.
#[derive(Debug)]
struct ShortestPaths {
    /// The shortest distance found so far, `i64::MAX` for columns not reached.
    distance: Vec<i64>,
    /// The row from which a column was reached.
    from_row: Vec<usize>,
    /// The columns reached.
    reached: Vec<usize>,
    /// The rows on shortest paths, each with its distance.
    rows: Vec<(usize, i64)>,
    queue: BinaryHeap<Reverse<(i64, usize)>>,
}

impl ShortestPaths {
    fn new(num_columns: usize) -> Self {
        ShortestPaths {
            distance: vec![i64::MAX; num_columns],
            from_row: vec![NOBODY; num_columns],
            reached: Vec::new(),
            rows: Vec::new(),
            queue: BinaryHeap::new(),
        }
    }

    /// Clears what the last search touched, and no more.
    fn reset(&mut self) {
        for column in self.reached.drain(..) {
            self.distance[column] = i64::MAX;
        }
        self.rows.clear();
        self.queue.clear();
    }

    /// Finds the free column nearest to a row that is not matched yet. There is one: the row's own spare.
    fn search(&mut self, matching: &Matching, start: usize) -> usize {
        let mut row = start;
        let mut row_distance = 0;
        let mut nearest_free_distance = i64::MAX;
        loop {
            self.rows.push((row, row_distance));
            for edge in &matching.edges[row] {
                let reduced_cost = edge.cost - matching.row_price[row] - matching.column_price[edge.column];
                let distance = row_distance + reduced_cost;
                if distance < self.distance[edge.column] && distance < nearest_free_distance {
                    self.reach(edge.column, row, distance);
                    if matching.row_of_column[edge.column] == NOBODY {
                        nearest_free_distance = distance;
                    }
                }
            }
            let column = self.take_nearest();
            row_distance = self.distance[column];
            row = matching.row_of_column[column];
            if row == NOBODY {
                return column;
            }
        }
    }

    fn reach(&mut self, column: usize, from_row: usize, distance: i64) {
        if self.distance[column] == i64::MAX {
            self.reached.push(column);
        }
        self.distance[column] = distance;
        self.from_row[column] = from_row;
        self.queue.push(Reverse((distance, column)));
    }

    /// Takes the nearest column from the queue, past entries that were shortened later.
    fn take_nearest(&mut self) -> usize {
        loop {
            let Reverse((distance, column)) =
                self.queue.pop().expect("a free column is in reach: at the latest the first row's own spare");
            if distance == self.distance[column] {
                return column;
            }
        }
    }
}

/// The search for a way to give a row a column at no cost. Whoever loses a column takes another, whose holder takes another,
/// until someone takes what the row gave up. The parties are the rows and *nobody*, who holds all free columns.
#[derive(Debug)]
struct Exchange {
    /// Per party, nobody last: the row for which it was last asked to give up a column. Who cannot make up for one of a
    /// row's wishes cannot for the others.
    asked_for: Vec<usize>,
    /// Per party asked: who takes a column from it, and which.
    taken_by: Vec<(usize, usize)>,
    /// Parties that lose a column and have not looked for another yet.
    losers: Vec<usize>,
}

impl Exchange {
    fn new(num_rows: usize) -> Self {
        Exchange {
            asked_for: vec![NOBODY; num_rows + 1],
            taken_by: vec![(NOBODY, NOBODY); num_rows + 1],
            losers: Vec::new(),
        }
    }

    /// Gives `row` the tight column `wanted` in exchange for the one it holds, if the rows after it can make up for that.
    fn run(&mut self, matching: &mut Matching, row: usize, wanted: usize) -> bool {
        let given_up = matching.column_of_row[row];
        self.losers.clear();
        self.ask(matching, row, row, wanted);
        while let Some(loser) = self.losers.pop() {
            for column in options(matching, loser) {
                if column == given_up {
                    self.hand_over(matching, row, loser, given_up);
                    return true;
                }
                self.ask(matching, row, loser, column);
            }
        }
        false
    }

    /// Lets `taker` take a column from its holder, unless that is `row`, a row before it, or was asked already.
    fn ask(&mut self, matching: &Matching, row: usize, taker: usize, column: usize) {
        let holder = matching.row_of_column[column];
        let slot = holder.min(self.asked_for.len() - 1);
        if holder <= row || self.asked_for[slot] == row {
            return;
        }
        self.asked_for[slot] = row;
        self.taken_by[slot] = (taker, column);
        self.losers.push(holder);
    }

    /// Hands the columns on along the chain: the last loser gets what `row` gave up, and so on back to `row`.
    fn hand_over(&self, matching: &mut Matching, row: usize, last_loser: usize, given_up: usize) {
        let mut party = last_loser;
        let mut column = given_up;
        loop {
            matching.row_of_column[column] = party;
            if party != NOBODY {
                matching.column_of_row[party] = column;
            }
            if party == row {
                return;
            }
            (party, column) = self.taken_by[party.min(self.taken_by.len() - 1)];
        }
    }
}

/// The columns that a party may hold in a matching of least cost.
fn options(matching: &Matching, party: usize) -> Vec<usize> {
    if party != NOBODY {
        return matching.tight_columns(party);
    }
    let may_be_free = |column: &usize| matching.column_price[*column] == 0;
    (0..matching.column_price.len()).filter(may_be_free).collect()
}
