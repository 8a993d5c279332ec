//! Half-resolution uint8 copies for display: the `/1` level of every array.
//!
//! In numpy, with `H` and `W` even and `f` a frame as float64:
//!
//! ```text
//! mean  = (f[0::2, 0::2] + f[0::2, 1::2] + f[1::2, 0::2] + f[1::2, 1::2]) * 0.25
//! image = np.rint(np.clip((mean - lo) * 255 / (hi - lo), 0, 255)).astype(np.uint8)
//! label = labels[0::2, 0::2].astype(np.float64)
//! label = np.where(label == 0, 0, np.maximum(1, np.rint(label * 255 / largest))).astype(np.uint8)
//! ```
//!
//! An odd last row or column is dropped. An axis of length 1 keeps it: the block is then 1 × 2, 2 × 1 or 1 × 1 and the mean
//! is of what exists.

use ndarray::{Array2, ArrayView2};

/// The largest uint8, as the scale of a display value.
const WHITE: f64 = 255.0;

/// The length of an axis at half resolution: `⌊length / 2⌋`, and 1 for a length of 1.
pub fn half_length(length: usize) -> usize {
    if length == 1 { 1 } else { length / 2 }
}

/// The range of values to show as 0..255: the 1st to the 99th percentile; where these are equal, the minimum to the maximum;
/// `None` where those are equal too, which [`half_intensity`] shows as 0 throughout.
pub fn display_range(p1: f64, p99: f64, min: f64, max: f64) -> Option<(f64, f64)> {
    if p1 < p99 {
        return Some((p1, p99));
    }
    (min < max).then_some((min, max))
}

/// Halves an `(H, W)` intensity frame: the mean of 2 × 2 pixels, scaled from `range` to 0..255, rounded half to even.
pub fn half_intensity<T>(frame: ArrayView2<'_, T>, range: Option<(f64, f64)>) -> Array2<u8>
where
    T: Copy + Into<f64>,
{
    let (height, width) = frame.dim();
    let shape = (half_length(height), half_length(width));
    let Some((low, high)) = range else {
        return Array2::zeros(shape);
    };
    // on an axis of length 1, both pixels of a pair are the same one, which leaves the mean as it should be
    let next_y = usize::from(height > 1);
    let next_x = usize::from(width > 1);
    Array2::from_shape_fn(shape, |(half_y, half_x)| {
        let (y, x) = (2 * half_y, 2 * half_x);
        let top: [f64; 2] = [frame[[y, x]].into(), frame[[y, x + next_x]].into()];
        let bottom: [f64; 2] = [frame[[y + next_y, x]].into(), frame[[y + next_y, x + next_x]].into()];
        let mean = (top[0] + top[1] + bottom[0] + bottom[1]) * 0.25;
        let scaled = (mean - low) * WHITE / (high - low);
        scaled.clamp(0.0, WHITE).round_ties_even() as u8
    })
}

/// Halves an `(H, W)` frame of labels: the top-left pixel of each 2 × 2 block, so that no label is invented, scaled by
/// `largest`, the largest label of the whole stack. A label is never shown as background: the smallest become 1.
///
/// Takes uint16 labels, and masks as `bool` with `largest` = 1.
pub fn half_labels<T>(labels: ArrayView2<'_, T>, largest: u16) -> Array2<u8>
where
    T: Copy + Into<u16>,
{
    let (height, width) = labels.dim();
    Array2::from_shape_fn((half_length(height), half_length(width)), |(half_y, half_x)| {
        let label: u16 = labels[[2 * half_y, 2 * half_x]].into();
        if label == 0 {
            return 0;
        }
        let scaled = f64::from(label) * WHITE / f64::from(largest.max(label));
        scaled.round_ties_even().max(1.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn intensity_is_the_scaled_mean_of_blocks() {
        let frame: Array2<u16> = array![[0, 10, 100, 100, 9], [20, 30, 100, 101, 9], [9, 9, 9, 9, 9]];
        // means 15 and 100.25, and 15 → 25.5 rounds to the even 26
        let half = half_intensity(frame.view(), Some((5.0, 105.0)));
        assert_eq!(half, array![[26, 243]]);
        let clipped = half_intensity(frame.view(), Some((20.0, 100.0)));
        assert_eq!(clipped, array![[0, 255]]);
        assert_eq!(half_intensity(frame.view(), None), array![[0, 0]]);
    }

    #[test]
    fn halves_round_to_even() {
        let frame: Array2<f32> = array![[0.5, 0.5, 1.5, 1.5], [0.5, 0.5, 1.5, 1.5]];
        assert_eq!(half_intensity(frame.view(), Some((0.0, 255.0))), array![[0, 2]]);
    }

    #[test]
    fn axes_of_length_one_keep_a_pixel() {
        let range = Some((0.0, 255.0));
        assert_eq!(half_intensity(array![[7u16]].view(), range), array![[7]]);
        assert_eq!(half_intensity(array![[7u16, 9, 100]].view(), range), array![[8]]);
        assert_eq!(half_intensity(array![[7u16], [9], [1], [3]].view(), range), array![[8], [2]]);
        assert_eq!(half_labels(array![[3u16], [9], [0], [3]].view(), 3), array![[255], [0]]);
    }

    #[test]
    fn labels_keep_their_proportions_and_never_vanish() {
        let labels: Array2<u16> = array![[1, 5, 0, 5, 1000], [5, 5, 5, 5, 5]];
        assert_eq!(half_labels(labels.view(), 1000), array![[1, 0]]);
        assert_eq!(half_labels(array![[500u16, 0], [0, 0]].view(), 1000), array![[128]]);
        assert_eq!(half_labels(array![[1u16, 0], [0, 0]].view(), 0), array![[255]]);
        assert_eq!(half_labels(array![[true, false, false, true]].view(), 1), array![[255, 0]]);
    }

    #[test]
    fn display_range_falls_back_to_the_extremes() {
        assert_eq!(display_range(1.0, 9.0, 0.0, 10.0), Some((1.0, 9.0)));
        assert_eq!(display_range(4.0, 4.0, 0.0, 10.0), Some((0.0, 10.0)));
        assert_eq!(display_range(4.0, 4.0, 4.0, 4.0), None);
    }

    proptest! {
        #[test]
        fn shape_is_half_and_every_label_was_there(
            height in 1usize..9, width in 1usize..9, seed in prop::collection::vec(0u16..300, 64),
        ) {
            let labels = Array2::from_shape_fn((height, width), |(y, x)| seed[8 * y + x]);
            let half = half_labels(labels.view(), 299);
            prop_assert_eq!(half.dim(), ((height / 2).max(1), (width / 2).max(1)));
            for ((y, x), shown) in half.indexed_iter() {
                let label = labels[[2 * y, 2 * x]];
                prop_assert_eq!(*shown == 0, label == 0);
                prop_assert!((f64::from(*shown) - f64::from(label) * 255.0 / 299.0).abs() <= 1.0);
            }
        }
    }
}
