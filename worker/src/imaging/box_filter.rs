//! Local standard deviation of a frame on a logarithmic scale (log-STD), the quantity that phase-contrast segmentation
//! thresholds: cells are textured, background is smooth.
//!
//! The sums over the window are integers and exact. They slide: a sum for each column moves down the frame by adding the row
//! that enters and subtracting the row that leaves, and the sum over the window moves along the row in the same way. The cost
//! of a pixel therefore does not depend on the window.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::reflect::reflect;

/// The largest window side in px that [`log_std`] accepts.
///
/// A window of side `w` holds `n = w²` pixels of at most 65 535, so `n · Σx² ≤ n² · 65 535²`. For `w = 256` that is just
/// below 2⁶⁴, the range of the sums; for `w = 257` it is above.
pub const MAX_WINDOW: usize = 256;

/// The window passed to [`log_std`] is zero or larger than [`MAX_WINDOW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("log-std window of {window} px is out of range: expected 1 to {MAX_WINDOW} px")]
pub struct WindowOutOfRange {
    /// The window side that was asked for, in px.
    pub window: usize,
}

/// `0.5 · ln(var)` of the `window × window` neighbourhood of each pixel, and 0 where `var ≤ 0`.
///
/// `var = (n · Σx² − (Σx)²) / n²` is the population variance over the `n = window²` pixels. Its numerator is computed in
/// integers; converting it to `f64` and dividing by `n²` are the only roundings before the logarithm.
///
/// The neighbourhood is that of `scipy.ndimage.uniform_filter(size=window, mode="reflect", origin=0)`: along each axis it
/// covers `position - window / 2 ..= position + (window - 1) / 2`, so an odd window is centred and an even one reaches one
/// pixel further towards the origin. Beyond the frame, pixels continue by reflection (`d c b a | a b c d | d c b a`), repeated where the
/// window is wider than the frame.
///
/// Input and output are `(H, W)`; an empty frame gives an empty result.
///
/// # Errors
/// [`WindowOutOfRange`] where `window` is not in `1..=`[`MAX_WINDOW`].
pub fn log_std(frame: ArrayView2<'_, u16>, window: usize) -> Result<Array2<f64>, WindowOutOfRange> {
    if !(1..=MAX_WINDOW).contains(&window) {
        return Err(WindowOutOfRange { window });
    }
    let (height, width) = frame.dim();
    let mut log_std = Array2::zeros((height, width));
    if frame.is_empty() {
        return Ok(log_std);
    }

    // A line padded for the window: the window of pixel `i` starts at padded position `i`.
    let padded = |len: usize| -> Vec<usize> {
        let first = -((window / 2) as isize);
        (first..first + (len + window - 1) as isize).map(|position| reflect(position, len)).collect()
    };
    let rows = padded(height);
    let columns = padded(width);
    let pixels_in_window = (window * window) as u64;

    let mut column_sums = ColumnSums::zeros(width);
    for &row in &rows[..window - 1] {
        column_sums.add(frame.row(row));
    }
    for (y, mut out_row) in log_std.outer_iter_mut().enumerate() {
        column_sums.add(frame.row(rows[y + window - 1]));

        let mut sums = Sums::default();
        for &column in &columns[..window - 1] {
            sums.add(column_sums.columns[column]);
        }
        for (x, value) in out_row.iter_mut().enumerate() {
            sums.add(column_sums.columns[columns[x + window - 1]]);
            *value = half_log_variance(sums, pixels_in_window);
            sums.subtract(column_sums.columns[columns[x]]);
        }

        column_sums.subtract(frame.row(rows[y]));
    }
    Ok(log_std)
}

/// `Σx` and `Σx²` over a set of pixels.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    sum: u64,
    sum_of_squares: u64,
}

impl Sums {
    fn add(&mut self, other: Sums) {
        self.sum += other.sum;
        self.sum_of_squares += other.sum_of_squares;
    }

    fn subtract(&mut self, other: Sums) {
        self.sum -= other.sum;
        self.sum_of_squares -= other.sum_of_squares;
    }

    fn of_pixel(value: u16) -> Sums {
        let value = u64::from(value);
        Sums { sum: value, sum_of_squares: value * value }
    }
}

/// The sums over the rows that the window covers, for each column of the frame.
struct ColumnSums {
    columns: Vec<Sums>,
}

impl ColumnSums {
    fn zeros(width: usize) -> Self {
        Self { columns: vec![Sums::default(); width] }
    }

    fn add(&mut self, row: ArrayView1<'_, u16>) {
        for (column, &value) in self.columns.iter_mut().zip(row) {
            column.add(Sums::of_pixel(value));
        }
    }

    fn subtract(&mut self, row: ArrayView1<'_, u16>) {
        for (column, &value) in self.columns.iter_mut().zip(row) {
            column.subtract(Sums::of_pixel(value));
        }
    }
}

/// `0.5 · ln(var)` from the sums over `n` pixels, 0 for a variance of zero.
fn half_log_variance(sums: Sums, n: u64) -> f64 {
    // Never negative, by the Cauchy-Schwarz inequality, which integers obey exactly.
    let numerator = n * sums.sum_of_squares - sums.sum * sums.sum;
    if numerator == 0 {
        return 0.0;
    }
    let variance = numerator as f64 / (n * n) as f64;
    0.5 * libm::log(variance)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    /// The definition, pixel by pixel, in 128-bit integers.
    fn naive(frame: &Array2<u16>, window: usize) -> Array2<f64> {
        let (height, width) = frame.dim();
        let half = (window / 2) as isize;
        Array2::from_shape_fn((height, width), |(y, x)| {
            let (mut sum, mut sum_of_squares) = (0_u128, 0_u128);
            for dy in 0..window as isize {
                for dx in 0..window as isize {
                    let source_y = reflect(y as isize + dy - half, height);
                    let source_x = reflect(x as isize + dx - half, width);
                    let value = u128::from(frame[[source_y, source_x]]);
                    sum += value;
                    sum_of_squares += value * value;
                }
            }
            let n = (window * window) as u128;
            let numerator = n * sum_of_squares - sum * sum;
            if numerator == 0 { 0.0 } else { 0.5 * libm::log(numerator as f64 / (n * n) as f64) }
        })
    }

    #[test]
    fn an_isolated_step_has_the_variance_computed_by_hand() {
        let frame = array![[0_u16, 0, 0, 9, 9, 9]];
        let result = log_std(frame.view(), 3).unwrap();
        // Of the nine pixels around the step, three (or six) are 9: var = 9² · 1/3 · 2/3 = 18.
        let at_step = 0.5 * libm::log(18.0);
        assert_eq!(result, array![[0.0, 0.0, at_step, at_step, 0.0, 0.0]]);
    }

    #[test]
    fn an_even_window_reaches_further_towards_the_origin() {
        let frame = array![[0_u16, 2, 2]];
        let result = log_std(frame.view(), 2).unwrap();
        // Windows: (0, 0), (0, 2), (2, 2), each twice; var of the second is 1, whose logarithm is 0 as well.
        assert_eq!(result, array![[0.0, 0.0, 0.0]]);
        let frame = array![[0_u16, 4, 4]];
        let result = log_std(frame.view(), 2).unwrap();
        assert_eq!(result, array![[0.0, 0.5 * libm::log(4.0), 0.0]]);
    }

    #[test]
    fn constant_and_saturated_frames_are_zero_at_every_permitted_window() {
        for window in [1, 2, 3, 255, MAX_WINDOW] {
            let frame = Array2::from_elem((3, 5), u16::MAX);
            assert_eq!(log_std(frame.view(), window).unwrap(), Array2::<f64>::zeros((3, 5)), "window {window}");
        }
    }

    #[test]
    fn the_largest_window_does_not_overflow() {
        let mut frame = Array2::from_elem((2, 2), u16::MAX);
        frame[[0, 0]] = 0;
        assert_eq!(log_std(frame.view(), MAX_WINDOW).unwrap(), naive(&frame, MAX_WINDOW));
    }

    #[test]
    fn a_window_outside_the_limits_is_an_error() {
        let frame = Array2::zeros((2, 2));
        for window in [0, MAX_WINDOW + 1] {
            assert_eq!(log_std(frame.view(), window), Err(WindowOutOfRange { window }));
        }
    }

    #[test]
    fn empty_frames_give_empty_results() {
        for shape in [(0, 0), (0, 3), (3, 0)] {
            assert_eq!(log_std(Array2::zeros(shape).view(), 3).unwrap().dim(), shape);
        }
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            (height, width, values) in (1_usize..9, 1_usize..9).prop_flat_map(|(height, width)| {
                let value = prop_oneof![Just(0), Just(u16::MAX), any::<u16>(), 0_u16..4];
                (Just(height), Just(width), prop::collection::vec(value, height * width))
            }),
            window in 1_usize..24,
        ) {
            let frame = Array2::from_shape_vec((height, width), values).unwrap();
            prop_assert_eq!(log_std(frame.view(), window).unwrap(), naive(&frame, window));
            // A view with strides of its own gives the same values.
            let transposed = frame.t();
            prop_assert_eq!(log_std(transposed, window).unwrap(), naive(&transposed.to_owned(), window));
        }
    }
}
