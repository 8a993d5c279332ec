//! The background of one fluorescence frame: tile medians of what is not cell, gaps filled, a spline through them.

use ndarray::{Array2, ArrayView2};

use super::percentile::U16Histogram;
use super::spline;
use super::tiles::{self, fill::fill_missing};

/// The percentile that stands for the background where no pixel is free of cells.
const FULLY_MASKED_PERCENTILE: f64 = 1.0;

/// How a frame is tiled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileParams {
    /// The side of a tile in px, at least 1.
    pub tile_size: usize,
    /// The fraction of a tile that it shares with the next, in `[0, 1)`.
    pub overlap: f64,
    /// The fraction of a tile's pixels that must be unmasked for its median to count, in `[0, 1]`.
    pub min_coverage: f64,
}

/// The background estimate of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Background {
    /// `(H, W)`, in camera counts.
    pub image: Array2<f32>,
    /// Whether the frame had no unmasked pixel, so that the estimate is a guess worth a warning.
    pub fully_masked: bool,
}

/// Estimates the background of an `(H, W)` frame from its unmasked pixels.
///
/// `masked` is true for pixels that are not background; it is taken as it is, so dilate it first. The medians of overlapping
/// tiles (see [`tiles`]) with the missing ones filled (see [`tiles::fill`]) are interpolated by a spline through the tile
/// centres (see [`spline`]). A spline may overshoot the medians, below 0 even; it is not clipped.
///
/// Where no tile reaches `min_coverage`, the background is constant: the median of all unmasked pixels. Where no pixel is
/// unmasked, it is the 1st percentile of the frame, and `fully_masked` is set.
///
/// # Panics
/// If `masked` has another shape than `frame`.
pub fn estimate(frame: ArrayView2<'_, u16>, masked: ArrayView2<'_, bool>, params: TileParams) -> Background {
    let (height, width) = frame.dim();
    let rows = tiles::axis(height, params.tile_size, params.overlap);
    let columns = tiles::axis(width, params.tile_size, params.overlap);
    let medians = tiles::tile_medians(frame, masked, &rows, &columns, params.min_coverage);
    let Some(filled) = fill_missing(&medians) else {
        return constant_background(frame, masked);
    };
    let (y_centres, x_centres) = (tiles::centres(&rows), tiles::centres(&columns));
    let image = spline::interpolate(&y_centres, &x_centres, filled.view(), height, width);
    Background { image, fully_masked: false }
}

/// The background where tiles tell nothing.
fn constant_background(frame: ArrayView2<'_, u16>, masked: ArrayView2<'_, bool>) -> Background {
    let unmasked_median = tiles::unmasked_median(frame, masked);
    let level = unmasked_median.or_else(|| frame_percentile(frame)).unwrap_or(0.0);
    Background { image: Array2::from_elem(frame.dim(), level as f32), fully_masked: unmasked_median.is_none() }
}

/// `None` for a frame without pixels.
fn frame_percentile(frame: ArrayView2<'_, u16>) -> Option<f64> {
    let mut histogram = U16Histogram::new();
    for row in frame.rows() {
        histogram.add(&row.to_vec());
    }
    histogram.percentile(FULLY_MASKED_PERCENTILE)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn params(tile_size: usize, min_coverage: f64) -> TileParams {
        TileParams { tile_size, overlap: 0.5, min_coverage }
    }

    #[test]
    fn a_slope_shows_through_under_a_masked_cell() {
        let slope = |(y, x): (usize, usize)| (1000 + 10 * y + 4 * x) as u16;
        let is_cell = |y: usize, x: usize| (30..50).contains(&y) && (40..70).contains(&x);
        let frame = Array2::from_shape_fn((90, 120), |(y, x)| slope((y, x)) + if is_cell(y, x) { 20_000 } else { 0 });
        let masked = Array2::from_shape_fn((90, 120), |(y, x)| is_cell(y, x));
        let background = estimate(frame.view(), masked.view(), params(10, 0.1));
        assert!(!background.fully_masked);
        for ((y, x), value) in background.image.indexed_iter() {
            let is_inside = (5..85).contains(&y) && (5..115).contains(&x);
            // symmetric tiles have the slope's own value at their centre; those cut by the cell's edge are a little off
            assert!(!is_inside || (f64::from(*value) - f64::from(slope((y, x)))).abs() < 40.0, "{y} {x} {value}");
        }
    }

    #[test]
    fn too_few_unmasked_pixels_give_their_median() {
        let frame = Array2::from_shape_fn((20, 20), |(y, x)| (y * 20 + x) as u16);
        let masked = Array2::from_shape_fn((20, 20), |(y, x)| y > 0 || x > 3);
        let background = estimate(frame.view(), masked.view(), params(10, 0.5));
        assert_eq!(background, Background { image: Array2::from_elem((20, 20), 1.5), fully_masked: false });
    }

    #[test]
    fn a_fully_masked_frame_gives_its_first_percentile() {
        let frame = Array2::from_shape_fn((1, 201), |(_, x)| 3 * x as u16);
        let masked = Array2::from_elem((1, 201), true);
        let background = estimate(frame.view(), masked.view(), params(100, 0.0));
        assert_eq!(background, Background { image: Array2::from_elem((1, 201), 6.0), fully_masked: true });
    }

    proptest! {
        #[test]
        fn a_constant_frame_is_its_own_background(
            height in 1usize..40, width in 1usize..40, tile_size in 1usize..20, level in 0u16..=65535,
            mask_seed in prop::collection::vec(any::<bool>(), 1600),
        ) {
            let frame = Array2::from_elem((height, width), level);
            let masked = Array2::from_shape_fn((height, width), |(y, x)| mask_seed[40 * y + x]);
            let background = estimate(frame.view(), masked.view(), params(tile_size, 0.3));
            prop_assert_eq!(background.fully_masked, masked.iter().all(|is_masked| *is_masked));
            let tolerance = f32::from(level) * 1e-6;
            prop_assert!(background.image.iter().all(|value| (value - f32::from(level)).abs() <= tolerance));
        }
    }
}
