//! Tests of the matching against exhaustive search, and of its speed-relevant shortcuts.

use proptest::prelude::*;

use super::*;

fn bbox(y0: u32, x0: u32, y1: u32, x1: u32) -> BBox {
    BBox { y0, x0, y1, x1 }
}

fn boxes(max_count: usize, field: u32, max_size: u32) -> impl Strategy<Value = Vec<BBox>> {
    let one_box = (0..field, 0..field, 1..=max_size, 1..=max_size)
        .prop_map(|(y, x, height, width)| bbox(y, x, y + height, x + width));
    prop::collection::vec(one_box, 0..=max_count)
}

/// The total in units of 1/`ONE` of every way to match, and the ways, by plain recursion.
fn all_matchings(previous: &[BBox], current: &[BBox]) -> Vec<(i64, Vec<Option<usize>>)> {
    let mut complete = vec![(0, Vec::new())];
    for region in current {
        let mut extended = Vec::new();
        for (total, columns) in &complete {
            for column in (0..previous.len()).map(Some).chain([None]) {
                let weight = column.map_or(0, |column| fixed_point_iou(&previous[column], region));
                let is_new = column.is_none() || (weight > 0 && !columns.contains(&column));
                if is_new {
                    let longer: Vec<Option<usize>> = columns.iter().copied().chain([column]).collect();
                    extended.push((total + weight, longer));
                }
            }
        }
        complete = extended;
    }
    complete
}

fn smallest_best_matching(previous: &[BBox], current: &[BBox]) -> Vec<Option<usize>> {
    let none_last = |columns: &[Option<usize>]| -> Vec<usize> {
        columns.iter().map(|column| column.unwrap_or(usize::MAX)).collect()
    };
    let matchings = all_matchings(previous, current);
    let greatest = matchings.iter().map(|(total, _)| *total).max().unwrap();
    let best = matchings.into_iter().filter(|(total, _)| *total == greatest);
    best.map(|(_, columns)| columns).min_by_key(|columns| none_last(columns)).unwrap()
}

/// A lattice of squares of side 4 at a pitch of 4, moved by `dy`, `dx`.
fn lattice(side: u32, dy: u32, dx: u32) -> Vec<BBox> {
    let cell = |index: u32| {
        let (y, x) = (4 * (index / side) + dy, 4 * (index % side) + dx);
        bbox(y, x, y + 4, x + 4)
    };
    (0..side * side).map(cell).collect()
}

#[test]
fn nothing_to_match() {
    let one = [bbox(0, 0, 2, 2)];
    assert_eq!(match_regions(&[], &[], 0.1), vec![]);
    assert_eq!(match_regions(&one, &[], 0.1), vec![]);
    assert_eq!(match_regions(&[], &one, 0.1), vec![None]);
    assert_eq!(match_regions(&one, &[bbox(0, 2, 2, 4)], 0.1), vec![None]);
}

#[test]
fn the_best_total_beats_the_best_single_pair() {
    // greedily current 0 would take previous 0 (IoU 3/5) and leave current 1 without
    let previous = [bbox(0, 0, 1, 4), bbox(0, 4, 1, 8)];
    let current = [bbox(0, 1, 1, 5), bbox(0, 0, 1, 3)];
    assert_eq!(match_regions(&previous, &current, 0.1), vec![Some(1), Some(0)]);
}

#[test]
fn weak_pairs_are_rejected_after_the_assignment() {
    // the total prefers the pairs (0, 1) at 1/7 and (1, 0) at 3/4; the former falls to min_iou and is not re-matched
    let previous = [bbox(0, 0, 1, 4), bbox(0, 4, 1, 8)];
    let current = [bbox(0, 1, 1, 5), bbox(0, 0, 1, 3)];
    assert_eq!(match_regions(&previous, &current, 0.2), vec![None, Some(0)]);
    let exactly_a_seventh = 1.0 / 7.0;
    assert_eq!(match_regions(&previous, &current, exactly_a_seventh), vec![Some(1), Some(0)]);
}

#[test]
fn equal_daughters_the_first_inherits() {
    let mother = [bbox(0, 0, 4, 8)];
    let daughters = [bbox(0, 0, 4, 4), bbox(0, 4, 4, 8)];
    assert_eq!(match_regions(&mother, &daughters, 0.1), vec![Some(0), None]);
    // and of two equal mothers the first is continued
    assert_eq!(match_regions(&daughters, &mother, 0.1), vec![Some(0)]);
}

#[test]
fn a_lattice_moved_by_half_a_cell_keeps_its_order() {
    // every cell overlaps two previous ones equally: thousands of ties in long chains
    let side = 70;
    let previous = lattice(side, 0, 0);
    let expected: Vec<Option<usize>> = (0..previous.len()).map(Some).collect();
    assert_eq!(match_regions(&previous, &lattice(side, 0, 2), 0.1), expected);
    assert_eq!(match_regions(&previous, &lattice(side, 2, 0), 0.1), expected);
}

#[test]
fn fixed_point_iou_rounds_to_nearest() {
    let whole = bbox(0, 0, 1, 3);
    let third = fixed_point_iou(&whole, &bbox(0, 0, 1, 1));
    let two_thirds = fixed_point_iou(&whole, &bbox(0, 0, 1, 2));
    assert_eq!(third + two_thirds, ONE);
    assert_eq!(third, ONE / 3);
    assert_eq!(fixed_point_iou(&whole, &whole), ONE);
    let huge = bbox(0, 0, u32::MAX, u32::MAX);
    assert_eq!(fixed_point_iou(&huge, &huge), ONE);
    assert_eq!(fixed_point_iou(&whole, &bbox(5, 5, 6, 6)), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn equals_exhaustive_search(previous in boxes(5, 6, 6), current in boxes(5, 6, 6)) {
        let matched = match_regions(&previous, &current, f64::MIN_POSITIVE);
        prop_assert_eq!(matched, smallest_best_matching(&previous, &current));
    }

    #[test]
    fn equals_exhaustive_search_among_many_ties(previous in boxes(6, 3, 2), current in boxes(6, 3, 2)) {
        let matched = match_regions(&previous, &current, f64::MIN_POSITIVE);
        prop_assert_eq!(matched, smallest_best_matching(&previous, &current));
    }

    #[test]
    fn candidates_are_all_overlapping_pairs(previous in boxes(30, 60, 25), current in boxes(30, 60, 25)) {
        let pairs = overlapping_pairs(&previous, &current);
        for (row, region) in current.iter().enumerate() {
            let found: Vec<usize> = pairs[row].iter().map(|edge| edge.column).collect();
            let expected: Vec<usize> =
                (0..previous.len()).filter(|column| iou(&previous[*column], region) > 0.0).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
