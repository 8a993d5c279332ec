//! Thresholds that separate cells from background in a log-STD image.
//!
//! Foreground is what lies strictly above the threshold. Values must be finite, as those of
//! [`log_std`](super::box_filter::log_std) are.
//!
//! A frame without contrast, where all values are the same (or so close that they cannot be divided into bins), has nothing
//! to separate: both functions return its largest value, so that nothing is foreground.

use ndarray::ArrayView2;

use super::histogram::Histogram;
use super::signal::{end_of_plateau, find_peaks, gaussian_filter1d};

/// Bins of the histogram, between the least and the largest value.
const BINS: usize = 200;

/// Standard deviation of the Gaussian that smooths the histogram, in bins.
const SMOOTHING_SIGMA: f64 = 2.0;

/// Least prominence of the second peak, as a fraction of the main peak's height.
const MIN_RELATIVE_PROMINENCE: f64 = 0.01;

/// Standard deviations between the background's mode and the threshold of [`mode_sigma`].
const SIGMAS_ABOVE_MODE: f64 = 3.0;

/// The valley between the two modes of the values, or [`mode_sigma`] where there is only one mode.
///
/// All of this refers to the 200-bin histogram smoothed by a Gaussian of σ = 2 bins (the counts as `f64`, not rounded to
/// integers after smoothing):
/// - The main peak is the highest bin, the leftmost on a tie. It may be the first or the last bin.
/// - The second peak is the highest (the leftmost on a tie) of the peaks right of it whose prominence is at least 1 % of the
///   main peak's height. Where the main peak is a plateau, the plateau's own middle is not a second peak.
/// - The threshold is the centre of the lowest bin (the leftmost on a tie) strictly between the two.
pub fn valley(values: ArrayView2<'_, f64>) -> f64 {
    let histogram = Histogram::new(values, BINS);
    if histogram.is_flat() {
        return histogram.largest();
    }
    match valley_bin(histogram.counts()) {
        Some(bin) => histogram.centre(bin),
        None => mode_sigma_of(&histogram, values),
    }
}

/// Three standard deviations above the background's mode.
///
/// The mode is the centre of the highest bin (the leftmost on a tie) of the 200-bin histogram, not smoothed. The standard
/// deviation is that of the population of values up to and including the mode, about their own mean.
pub fn mode_sigma(values: ArrayView2<'_, f64>) -> f64 {
    let histogram = Histogram::new(values, BINS);
    if histogram.is_flat() {
        return histogram.largest();
    }
    mode_sigma_of(&histogram, values)
}

fn valley_bin(counts: &[u64]) -> Option<usize> {
    let counts: Vec<f64> = counts.iter().map(|&count| count as f64).collect();
    let smoothed = gaussian_filter1d(&counts, SMOOTHING_SIGMA);
    let main_peak = leftmost_highest(&smoothed);
    let end_of_main_peak = end_of_plateau(&smoothed, main_peak);

    let min_prominence = MIN_RELATIVE_PROMINENCE * smoothed[main_peak];
    let mut second_peak: Option<usize> = None;
    for peak in find_peaks(&smoothed, min_prominence) {
        let is_right_of_main = peak.index >= end_of_main_peak;
        let is_highest = second_peak.is_none_or(|highest| smoothed[peak.index] > smoothed[highest]);
        if is_right_of_main && is_highest {
            second_peak = Some(peak.index);
        }
    }

    let between = main_peak + 1..second_peak?;
    between.min_by(|&a, &b| smoothed[a].total_cmp(&smoothed[b]))
}

fn mode_sigma_of(histogram: &Histogram, values: ArrayView2<'_, f64>) -> f64 {
    let mode = histogram.centre(leftmost_highest(histogram.counts()));
    mode + SIGMAS_ABOVE_MODE * standard_deviation_up_to(mode, values)
}

/// The population standard deviation of the values up to and including `limit`; 0 where there are none.
fn standard_deviation_up_to(limit: f64, values: ArrayView2<'_, f64>) -> f64 {
    let mut count = 0_u64;
    let mut sum = 0.0;
    // Summing row by row keeps the rounding error of a large frame small.
    for row in values.rows() {
        let mut row_sum = 0.0;
        for &value in row.iter().filter(|&&value| value <= limit) {
            count += 1;
            row_sum += value;
        }
        sum += row_sum;
    }
    if count == 0 {
        return 0.0;
    }

    let mean = sum / count as f64;
    let mut squares = 0.0;
    for row in values.rows() {
        let mut row_squares = 0.0;
        for &value in row.iter().filter(|&&value| value <= limit) {
            row_squares += (value - mean) * (value - mean);
        }
        squares += row_squares;
    }
    (squares / count as f64).sqrt()
}

fn leftmost_highest<T: PartialOrd>(bins: &[T]) -> usize {
    let mut highest = 0;
    for (bin, value) in bins.iter().enumerate() {
        if *value > bins[highest] {
            highest = bin;
        }
    }
    highest
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    /// Counts that are zero except for the given bins.
    fn counts_with(bins: &[(usize, u64)]) -> Vec<u64> {
        let mut counts = vec![0; BINS];
        for &(bin, count) in bins {
            counts[bin] = count;
        }
        counts
    }

    /// Values whose 200-bin histogram over `0..=200` has the given counts; the first and last bin must not be empty.
    fn values_with(counts: &[u64]) -> Array2<f64> {
        let mut values = vec![0.0, BINS as f64];
        for (bin, &count) in counts.iter().enumerate() {
            let already_there = u64::from(bin == 0 || bin == BINS - 1);
            values.extend(std::iter::repeat_n(bin as f64 + 0.5, (count - already_there) as usize));
        }
        Array2::from_shape_vec((1, values.len()), values).unwrap()
    }

    #[test]
    fn the_valley_is_the_leftmost_of_the_lowest_bins_between_two_peaks() {
        // The kernel reaches 8 bins, so the gap that stays empty begins 9 bins right of the main peak.
        assert_eq!(valley_bin(&counts_with(&[(50, 1000), (120, 400)])), Some(59));
        // Two bumps that meet have their lowest bin in the middle.
        assert_eq!(valley_bin(&counts_with(&[(50, 1000), (60, 1000)])), Some(55));
    }

    #[test]
    fn the_threshold_is_the_centre_of_the_valley() {
        let values = values_with(&counts_with(&[(0, 1), (50, 1000), (120, 400), (199, 1)]));
        assert_eq!(valley(values.view()), 59.5);
    }

    #[test]
    fn the_second_peak_is_the_highest_to_the_right_and_the_leftmost_on_a_tie() {
        // The floor falls after each peak, so the lowest bin between tells which peak was taken as the second.
        let mut counts = vec![3; BINS];
        counts[111..].fill(2);
        counts[141..].fill(1);
        for (peak, count) in [(20, 900), (80, 1000), (110, 50), (140, 60), (170, 90)] {
            counts[peak] += count;
        }
        assert_eq!(valley_bin(&counts), Some(149), "before the peak at 170");
        counts[140] += 60;
        assert_eq!(valley_bin(&counts), Some(119), "before the peak at 140");

        // Both bumps stand on the same floor as far as the kernel reaches, so they are exactly equally high.
        let mut tie = vec![3; BINS];
        tie[100..].fill(2);
        tie[155..].fill(1);
        tie[80] = 1000;
        tie[172..=188].fill(2);
        tie[130] = 62;
        tie[180] = 62;
        assert_eq!(valley_bin(&tie), Some(108), "before the peak at 130");
    }

    #[test]
    fn a_peak_counts_from_one_percent_of_the_main_peak() {
        assert_eq!(valley_bin(&counts_with(&[(50, 10_000), (120, 100)])), Some(59));
        assert_eq!(valley_bin(&counts_with(&[(50, 10_000), (120, 99)])), None);
    }

    #[test]
    fn a_peak_to_the_left_or_at_the_last_bin_is_no_second_peak() {
        assert_eq!(valley_bin(&counts_with(&[(20, 500), (120, 1000)])), None);
        assert_eq!(valley_bin(&counts_with(&[(20, 1000), (199, 500)])), None);
        assert_eq!(valley_bin(&vec![5; BINS]), None);
    }

    #[test]
    fn a_main_peak_at_the_first_bin_has_a_valley() {
        assert_eq!(valley_bin(&counts_with(&[(0, 1000), (120, 400)])), Some(9));
    }

    #[test]
    fn the_plateau_of_the_main_peak_is_not_its_own_second_peak() {
        let mut counts = vec![10; BINS];
        counts[80..120].fill(1000);
        assert_eq!(valley_bin(&counts), None);
        counts[160] = 700;
        assert!(valley_bin(&counts).is_some_and(|bin| (127..153).contains(&bin)));
    }

    #[test]
    fn with_one_mode_valley_equals_mode_sigma() {
        let mut counts = counts_with(&[(0, 1), (199, 1)]);
        for (bin, count) in counts.iter_mut().enumerate().take(60).skip(40) {
            *count = 100 - (bin as u64).abs_diff(50) * 5;
        }
        let values = values_with(&counts);
        assert_eq!(valley(values.view()), mode_sigma(values.view()));
    }

    #[test]
    fn mode_sigma_is_the_mode_and_three_population_deviations_of_the_values_up_to_it() {
        // The edges are 0, 1, …, 200 and the fullest bin is 4..5. Up to its centre lie 0, 2, 4, 4.5 and 4.5, with mean 3 and
        // variance (9 + 1 + 1 + 2.25 + 2.25) / 5.
        let values = array![[0.0, 2.0, 4.0, 4.5, 4.5], [4.75, 30.0, 31.0, 60.0, 200.0]];
        assert_eq!(mode_sigma(values.view()), 4.5 + 3.0 * 3.1_f64.sqrt());
    }

    #[test]
    fn a_frame_without_contrast_has_no_foreground() {
        for level in [0.0, -1.157, 0.3466, 5.2, 1e-300] {
            let values = Array2::from_elem((3, 4), level);
            for threshold in [valley(values.view()), mode_sigma(values.view())] {
                assert!(values.iter().all(|&value| value <= threshold), "level {level}, threshold {threshold}");
            }
        }
        let nearly_equal = array![[1.0, 1.0 + f64::EPSILON]];
        assert_eq!(valley(nearly_equal.view()), 1.0 + f64::EPSILON);
    }
}
