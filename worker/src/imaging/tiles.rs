//! Overlapping tiles over a frame: where they lie, and the median of the unmasked pixels in each.
//!
//! [`fill`] completes the grid of medians where a tile has too few unmasked pixels.

pub mod fill;

use ndarray::{Array2, ArrayView2};

/// The pixels `start..start + len` of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileSpan {
    /// First pixel.
    pub start: usize,
    /// Number of pixels, at least 1.
    pub len: usize,
}

impl TileSpan {
    /// The centre in pixel coordinates, where pixel `i` lies at `i`: `start + (len − 1) / 2`.
    pub fn centre(&self) -> f64 {
        self.start as f64 + (self.len as f64 - 1.0) / 2.0
    }
}

/// The tiles along an axis of `length` pixels, in ascending order with no two alike.
///
/// With `tile = min(tile_size, length)`, `travel = length − tile` and `stride = tile · (1 − overlap)`, there are
/// `n = max(2, ⌈travel / stride⌉ + 1)` tiles, 1 where `travel` is 0, and the k-th starts at `rint(k · (travel / (n − 1)))`
/// (the last at `travel`): numpy's `rint(linspace(0, travel, n))`, ties to even, in double precision.
///
/// With strides below one pixel several of these starts coincide. Only distinct ones are kept, since the spline needs
/// centres that increase strictly; they are then all of `0..=travel`.
///
/// `tile_size` is at least 1 and `overlap` in `[0, 1)`; a `tile_size` of 0 counts as 1, an `overlap` of 1 or more puts a
/// tile at every pixel. An axis of length 0 has no tiles.
pub fn axis(length: usize, tile_size: usize, overlap: f64) -> Vec<TileSpan> {
    if length == 0 {
        return Vec::new();
    }
    let len = tile_size.clamp(1, length);
    let travel = length - len;
    let stride = len as f64 * (1.0 - overlap);
    let num_steps = (travel as f64 / stride).ceil().max(1.0);
    let is_at_every_pixel = stride <= 0.0 || num_steps >= travel as f64;
    if is_at_every_pixel {
        return (0..=travel).map(|start| TileSpan { start, len }).collect();
    }
    let num_steps = num_steps as usize;
    let step = travel as f64 / num_steps as f64;
    let mut spans = Vec::with_capacity(num_steps + 1);
    for k in 0..num_steps {
        let start = (k as f64 * step).round_ties_even() as usize;
        spans.push(TileSpan { start, len });
    }
    spans.push(TileSpan { start: travel, len });
    spans
}

/// The centres of tiles, strictly increasing.
pub fn centres(spans: &[TileSpan]) -> Vec<f64> {
    spans.iter().map(TileSpan::centre).collect()
}

/// The median of the unmasked pixels of each tile, `(rows, columns)`; numpy's median: the mean of the two middle values
/// where their number is even.
///
/// `None` where the unmasked pixels are less than the fraction `min_coverage` of the tile's, and where there are none.
///
/// # Panics
/// If `masked` has another shape than `frame`, or a span reaches beyond it.
pub fn tile_medians(
    frame: ArrayView2<'_, u16>,
    masked: ArrayView2<'_, bool>,
    rows: &[TileSpan],
    columns: &[TileSpan],
    min_coverage: f64,
) -> Array2<Option<f64>> {
    assert_eq!(frame.dim(), masked.dim(), "the mask has the frame's shape");
    let width = frame.ncols();
    let is_masked: Vec<bool> = masked.iter().copied().collect();
    let raised = raise_masked(frame, masked);
    let mut pixels = Vec::new();
    // neighbouring tiles have similar medians
    let mut guess = 0;
    let mut medians = Array2::from_elem((rows.len(), columns.len()), None);
    for ((tile_y, tile_x), tile_median) in medians.indexed_iter_mut() {
        let (row_span, column_span) = (rows[tile_y], columns[tile_x]);
        pixels.clear();
        let mut num_masked = 0;
        for y in row_span.start..row_span.start + row_span.len {
            let start = y * width + column_span.start;
            let in_row = start..start + column_span.len;
            pixels.extend_from_slice(&raised[in_row.clone()]);
            num_masked += is_masked[in_row].iter().filter(|is_masked| **is_masked).count();
        }
        let num_unmasked = pixels.len() - num_masked;
        let coverage = num_unmasked as f64 / pixels.len() as f64;
        if coverage >= min_coverage {
            *tile_median = median_of_smallest(&pixels, num_unmasked, guess);
            guess = tile_median.map_or(guess, |median| median as u16);
        }
    }
    medians
}

/// The median of all unmasked pixels of a frame, `None` where there are none.
///
/// # Panics
/// If `masked` has another shape than `frame`.
pub fn unmasked_median(frame: ArrayView2<'_, u16>, masked: ArrayView2<'_, bool>) -> Option<f64> {
    assert_eq!(frame.dim(), masked.dim(), "the mask has the frame's shape");
    let num_unmasked = masked.iter().filter(|is_masked| !**is_masked).count();
    median_of_smallest(&raise_masked(frame, masked), num_unmasked, 0)
}

/// The pixels in raster order, masked ones raised to the largest value, so that the unmasked ones are the smallest.
fn raise_masked(frame: ArrayView2<'_, u16>, masked: ArrayView2<'_, bool>) -> Vec<u16> {
    let raise = |(pixel, is_masked): (&u16, &bool)| if *is_masked { u16::MAX } else { *pixel };
    frame.iter().zip(masked).map(raise).collect()
}

/// The median of the `count` smallest values, `None` of nothing. A good `guess` saves time and changes nothing else.
fn median_of_smallest(values: &[u16], count: usize, guess: u16) -> Option<f64> {
    if count == 0 {
        return None;
    }
    let lower = nth_smallest(values, (count - 1) / 2, guess);
    let is_upper_the_same = count_at_most(values, lower) > count / 2;
    if is_upper_the_same {
        return Some(f64::from(lower));
    }
    let above = values.iter().map(|value| if *value > lower { *value } else { u16::MAX });
    let upper = above.min().unwrap_or(lower);
    Some((f64::from(lower) + f64::from(upper)) / 2.0)
}

/// The value of a rank (0-based), by bisection between bounds that widen from `guess`.
///
/// Counting is so much faster than moving values about that several rounds of it beat a selection: it compiles to eight
/// comparisons at once.
fn nth_smallest(values: &[u16], rank: usize, guess: u16) -> u16 {
    let is_reached_at = |limit: u16| count_at_most(values, limit) > rank;
    let mut reach: u16 = 8;
    let (mut low, mut high) = loop {
        let (low, high) = (guess.saturating_sub(reach), guess.saturating_add(reach));
        let is_below = low > 0 && is_reached_at(low - 1);
        let is_above = high < u16::MAX && !is_reached_at(high);
        if !is_below && !is_above {
            break (low, high);
        }
        reach = reach.saturating_mul(16);
    };
    while low < high {
        let middle = low + (high - low) / 2;
        if is_reached_at(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The number of values up to `limit`.
fn count_at_most(values: &[u16], limit: u16) -> usize {
    let count_block = |block: &[u16]| block.iter().map(|value| u16::from(*value <= limit)).sum::<u16>();
    // a block's count fits into the 16 bits of the values compared, which keeps all lanes of a vector in use
    values.chunks(1 << 15).map(|block| usize::from(count_block(block))).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    /// The definition as written, duplicates removed afterwards.
    fn naive_starts(length: usize, tile_size: usize, overlap: f64) -> Vec<usize> {
        let tile = tile_size.min(length);
        let travel = (length - tile) as f64;
        let num_tiles = (travel / (tile as f64 * (1.0 - overlap))).ceil().max(1.0) as usize + 1;
        let step = travel / (num_tiles - 1) as f64;
        let mut starts: Vec<f64> = (0..num_tiles).map(|k| k as f64 * step).collect();
        starts[num_tiles - 1] = travel;
        let mut starts: Vec<usize> = starts.iter().map(|start| start.round_ties_even() as usize).collect();
        starts.dedup();
        starts
    }

    fn starts(length: usize, tile_size: usize, overlap: f64) -> Vec<usize> {
        axis(length, tile_size, overlap).iter().map(|span| span.start).collect()
    }

    #[test]
    fn layout_of_known_axes() {
        assert_eq!(starts(100, 100, 0.5), [0]);
        assert_eq!(starts(1, 100, 0.5), [0]);
        assert_eq!(starts(101, 100, 0.5), [0, 1]);
        assert_eq!(starts(250, 100, 0.5), [0, 50, 100, 150]);
        // 37.5 and 112.5 go to the even neighbour
        assert_eq!(starts(250, 100, 0.6), [0, 38, 75, 112, 150]);
        assert_eq!(starts(0, 100, 0.5), [0; 0]);
        let spans = axis(7, 4, 0.5);
        assert_eq!(spans, [0, 2, 3].map(|start| TileSpan { start, len: 4 }));
        assert_eq!(centres(&spans), [1.5, 3.5, 4.5]);
    }

    #[test]
    fn values_beyond_their_range_end_in_a_layout_all_the_same() {
        assert_eq!(starts(5, 0, 0.0), [0, 1, 2, 3, 4]);
        assert_eq!(starts(6, 4, 1.0), [0, 1, 2]);
        assert_eq!(starts(6, 4, f64::NAN), [0, 2]);
        assert_eq!(starts(1_000_000, 999_990, 1.0 - 1e-15).len(), 11);
    }

    #[test]
    fn medians_of_known_tiles() {
        let frame: Array2<u16> = array![[1, 2, 9], [4, 65535, 9]];
        let masked = array![[false, false, true], [false, false, true]];
        let rows = [TileSpan { start: 0, len: 2 }];
        let columns = [0, 1].map(|start| TileSpan { start, len: 2 });
        let medians = |min_coverage| tile_medians(frame.view(), masked.view(), &rows, &columns, min_coverage);
        assert_eq!(medians(0.5), array![[Some(3.0), Some(32768.5)]]);
        assert_eq!(medians(0.51), array![[Some(3.0), None]]);
        assert_eq!(unmasked_median(frame.view(), masked.view()), Some(3.0));
        let all_masked = Array2::from_elem((2, 3), true);
        assert_eq!(tile_medians(frame.view(), all_masked.view(), &rows, &columns, 0.0), array![[None, None]]);
        assert_eq!(unmasked_median(frame.view(), all_masked.view()), None);
    }

    #[test]
    fn counts_beyond_sixteen_bits() {
        let frame = Array2::from_shape_fn((400, 400), |(y, _)| if y < 201 { 7 } else { 65535 });
        let masked = Array2::from_elem((400, 400), false);
        assert_eq!(unmasked_median(frame.view(), masked.view()), Some(7.0));
    }

    proptest! {
        #[test]
        fn layout_equals_the_definition(length in 1usize..700, tile_size in 1usize..150, overlap in 0.0..0.999f64) {
            prop_assert_eq!(starts(length, tile_size, overlap), naive_starts(length, tile_size, overlap));
            let centres = centres(&axis(length, tile_size, overlap));
            prop_assert!(centres.windows(2).all(|pair| pair[0] < pair[1]));
        }

        #[test]
        fn medians_equal_sorting(
            pixels in prop::collection::vec((prop_oneof![0..4u16, 65530..=65535u16, any::<u16>()], any::<bool>()), 63),
            tile_size in 1usize..9,
            min_coverage in 0.0..1.0f64,
        ) {
            let frame = Array2::from_shape_fn((7, 9), |(y, x)| pixels[9 * y + x].0);
            let masked = Array2::from_shape_fn((7, 9), |(y, x)| pixels[9 * y + x].1);
            let (rows, columns) = (axis(7, tile_size, 0.5), axis(9, tile_size, 0.5));
            let medians = tile_medians(frame.view(), masked.view(), &rows, &columns, min_coverage);
            for ((tile_y, tile_x), median) in medians.indexed_iter() {
                let mut unmasked = Vec::new();
                let (row, column) = (rows[tile_y], columns[tile_x]);
                for y in row.start..row.start + row.len {
                    for x in column.start..column.start + column.len {
                        if !masked[[y, x]] {
                            unmasked.push(frame[[y, x]]);
                        }
                    }
                }
                unmasked.sort_unstable();
                let count = unmasked.len();
                let is_covered = count > 0 && count as f64 / (row.len * column.len) as f64 >= min_coverage;
                let expected = is_covered.then(|| {
                    (f64::from(unmasked[(count - 1) / 2]) + f64::from(unmasked[count / 2])) / 2.0
                });
                prop_assert_eq!(*median, expected);
            }
        }

        #[test]
        fn no_guess_changes_a_rank(values in prop::collection::vec(any::<u16>(), 1..40), guess in any::<u16>()) {
            let mut sorted = values.clone();
            sorted.sort_unstable();
            for (rank, expected) in sorted.iter().enumerate() {
                prop_assert_eq!(nth_smallest(&values, rank, guess), *expected);
            }
        }
    }
}
