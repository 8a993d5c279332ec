//! One-dimensional signals: Gaussian smoothing and peaks, with the semantics of scipy.

use super::reflect::reflect;

/// How many standard deviations the Gaussian kernel reaches to either side, scipy's default.
const TRUNCATE: f64 = 4.0;

/// A local maximum of a signal, as [`find_peaks`] finds it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// Its sample; the middle one, rounded down, where the maximum is a plateau.
    pub index: usize,
    /// How far one has to descend from it before the signal rises above it: its height above the higher of the two lowest
    /// samples between it and the nearest higher sample (or the end of the signal) on either side.
    pub prominence: f64,
}

/// Smooths a signal with a Gaussian of standard deviation `sigma`, in samples.
///
/// This is `scipy.ndimage.gaussian_filter1d(signal, sigma, mode="reflect", truncate=4.0)` on `f64` samples: the kernel has
/// radius `⌊4 · sigma + 0.5⌋` and sums to 1, and the signal continues by reflection
/// (`d c b a | a b c d | d c b a`) beyond its ends. As in
/// scipy, the two samples at a distance are added before they are weighted, so a symmetric signal stays exactly symmetric
/// and a run of equal samples stays exactly level.
///
/// `sigma` must be positive and finite.
pub fn gaussian_filter1d(signal: &[f64], sigma: f64) -> Vec<f64> {
    let weights = gaussian_weights(sigma);
    let radius = weights.len() - 1;
    let at = |position: isize| signal[reflect(position, signal.len())];
    let smoothed_at = |index: usize| {
        let centre = index as isize;
        let mut smoothed = at(centre) * weights[0];
        for distance in (1..=radius).rev() {
            let pair = at(centre - distance as isize) + at(centre + distance as isize);
            smoothed += pair * weights[distance];
        }
        smoothed
    };
    (0..signal.len()).map(smoothed_at).collect()
}

/// The weights of a normalized Gaussian kernel at distances `0..=radius`.
fn gaussian_weights(sigma: f64) -> Vec<f64> {
    let radius = (TRUNCATE * sigma + 0.5) as usize;
    let falloff = -0.5 / (sigma * sigma);
    let unscaled: Vec<f64> = (0..=radius).map(|distance| libm::exp(falloff * (distance * distance) as f64)).collect();
    let one_side: f64 = unscaled[1..].iter().sum();
    let total = 2.0 * one_side + unscaled[0];
    unscaled.iter().map(|weight| weight / total).collect()
}

/// The peaks of a signal with at least `min_prominence`, from left to right.
///
/// This is `scipy.signal.find_peaks(signal, prominence=min_prominence)`, with prominences over the whole signal
/// (`wlen=None`). A peak is a sample, or a plateau of equal samples, with a lower neighbour on both sides; the first and the
/// last sample are therefore never part of one.
pub fn find_peaks(signal: &[f64], min_prominence: f64) -> Vec<Peak> {
    let mut peaks = Vec::new();
    let mut start = 1;
    while start + 1 < signal.len() {
        let height = signal[start];
        let end = end_of_plateau(signal, start);
        let is_peak = signal[start - 1] < height && end < signal.len() && signal[end] < height;
        if is_peak {
            let index = (start + end - 1) / 2;
            let prominence = prominence_at(signal, index);
            if prominence >= min_prominence {
                peaks.push(Peak { index, prominence });
            }
        }
        start = end;
    }
    peaks
}

/// The first sample after `start` that differs from it, or the length of the signal.
pub(super) fn end_of_plateau(signal: &[f64], start: usize) -> usize {
    let level = signal[start];
    signal[start..].iter().position(|&sample| sample != level).map_or(signal.len(), |length| start + length)
}

fn prominence_at(signal: &[f64], peak: usize) -> f64 {
    let height = signal[peak];
    let left_base = lowest_until_higher(signal[..=peak].iter().rev(), height);
    let right_base = lowest_until_higher(signal[peak..].iter(), height);
    height - left_base.max(right_base)
}

/// The lowest of the samples that come before the first one higher than `height`.
fn lowest_until_higher<'a>(samples: impl Iterator<Item = &'a f64>, height: f64) -> f64 {
    samples.take_while(|&&sample| sample <= height).fold(height, |lowest, &sample| lowest.min(sample))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn indices(signal: &[f64], min_prominence: f64) -> Vec<usize> {
        find_peaks(signal, min_prominence).iter().map(|peak| peak.index).collect()
    }

    #[test]
    fn the_ends_are_never_peaks() {
        assert_eq!(indices(&[3.0, 1.0, 2.0], 0.0), Vec::<usize>::new());
        assert_eq!(indices(&[3.0, 3.0, 1.0, 2.0, 2.0], 0.0), Vec::<usize>::new());
        for flat in [&[][..], &[1.0], &[1.0, 1.0], &[1.0; 5]] {
            assert_eq!(indices(flat, 0.0), Vec::<usize>::new());
        }
    }

    #[test]
    fn a_plateau_counts_once_at_its_middle_rounded_down() {
        assert_eq!(indices(&[0.0, 1.0, 1.0, 1.0, 0.0], 0.0), [2]);
        assert_eq!(indices(&[0.0, 1.0, 1.0, 0.0], 0.0), [1]);
        // A ledge on the way up is not a peak.
        assert_eq!(indices(&[0.0, 1.0, 1.0, 2.0, 0.0], 0.0), [3]);
    }

    #[test]
    fn prominence_is_the_height_above_the_higher_base() {
        let signal = [1.0, 5.0, 2.0, 3.0, 0.0, 5.0, 4.0];
        let prominences: Vec<f64> = find_peaks(&signal, 0.0).iter().map(|peak| peak.prominence).collect();
        // An equally high peak does not end the descent: both of height 5 look past each other.
        assert_eq!(prominences, [4.0, 1.0, 1.0]);
        assert_eq!(indices(&signal, 1.0), [1, 3, 5], "the least prominence is included");
        assert_eq!(indices(&signal, 1.5), [1]);
    }

    #[test]
    fn smoothing_an_impulse_gives_the_kernel() {
        let mut impulse = vec![0.0; 41];
        impulse[20] = 1.0;
        let smoothed = gaussian_filter1d(&impulse, 2.0);
        for distance in 0..=8_usize {
            let ratio = smoothed[20 + distance] / smoothed[20];
            assert!((ratio - libm::exp(-((distance * distance) as f64) / 8.0)).abs() < 1e-15);
            assert_eq!(smoothed[20 + distance], smoothed[20 - distance]);
        }
        assert_eq!(smoothed[11], 0.0, "the kernel ends at four standard deviations");
        assert!((smoothed.iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn signals_shorter_than_the_kernel_are_reflected_again_and_again() {
        assert!((gaussian_filter1d(&[3.0], 2.0)[0] - 3.0).abs() < 1e-15);
        assert_eq!(gaussian_filter1d(&[], 2.0), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn smoothing_commutes_with_reversal(signal in prop::collection::vec(0_u32..1000, 1..60)) {
            let signal: Vec<f64> = signal.into_iter().map(f64::from).collect();
            let reversed: Vec<f64> = signal.iter().rev().copied().collect();
            let mut smoothed = gaussian_filter1d(&reversed, 2.0);
            smoothed.reverse();
            prop_assert_eq!(gaussian_filter1d(&signal, 2.0), smoothed);
        }

        #[test]
        fn peaks_and_prominences_equal_their_definition(signal in prop::collection::vec(0_u8..5, 0..40)) {
            let signal: Vec<f64> = signal.into_iter().map(f64::from).collect();
            let mut expected = Vec::new();
            for left in 1..signal.len().max(1) {
                for right in left..signal.len().saturating_sub(1) {
                    let height = signal[left];
                    let is_level = signal[left..=right].iter().all(|&sample| sample == height);
                    if !is_level || signal[left - 1] >= height || signal[right + 1] >= height {
                        continue;
                    }
                    let index = (left + right) / 2;
                    let from = (0..index).rev().find(|&i| signal[i] > height).map_or(0, |i| i + 1);
                    let to = (index..signal.len()).find(|&i| signal[i] > height).unwrap_or(signal.len());
                    let left_base = signal[from..=index].iter().copied().fold(f64::INFINITY, f64::min);
                    let right_base = signal[index..to].iter().copied().fold(f64::INFINITY, f64::min);
                    expected.push(Peak { index, prominence: height - left_base.max(right_base) });
                }
            }
            prop_assert_eq!(find_peaks(&signal, 0.0), expected);
        }
    }
}
