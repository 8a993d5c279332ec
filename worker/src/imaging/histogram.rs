//! Histograms of floating-point images over equal bins, with the semantics of `numpy.histogram(values, bins=n)`.

use ndarray::ArrayView2;

/// Counts of values in equal bins between the least and the largest value.
///
/// Each bin holds the values from its lower edge up to, but not including, its upper edge; the last bin includes its upper
/// edge. Edges and counts are, bit for bit, those of `numpy.histogram`.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    edges: Vec<f64>,
    largest: f64,
    is_flat: bool,
}

impl Histogram {
    /// Counts `values` in `bins` equal bins.
    ///
    /// Where all values are the same, the range is widened by 0.5 on either side, as numpy does. The same is done where the
    /// values are so close together that their range has no `bins` distinct edges in `f64`, for which numpy raises an error;
    /// [`is_flat`](Self::is_flat) tells of both. Without any value the range is `0..=1`.
    ///
    /// Values that are not finite, for which numpy raises an error, are not counted. `bins` of 0 is taken as 1.
    pub fn new(values: ArrayView2<'_, f64>, bins: usize) -> Self {
        let bins = bins.max(1);
        let (mut least, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        for &value in values.iter().filter(|value| value.is_finite()) {
            least = least.min(value);
            largest = largest.max(value);
        }
        if least > largest {
            return Self { counts: vec![0; bins], edges: equal_edges(0.0, 1.0, bins), largest: 1.0, is_flat: true };
        }

        let mut edges = equal_edges(least, largest, bins);
        let is_flat = edges.windows(2).any(|pair| pair[0] >= pair[1]);
        if is_flat {
            edges = equal_edges(least - 0.5, largest + 0.5, bins);
        }
        let mut counts = vec![0; bins];
        for &value in values.iter().filter(|value| value.is_finite()) {
            counts[bin_of(value, &edges)] += 1;
        }
        Self { counts, edges, largest, is_flat }
    }

    /// The number of values in each bin.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The edges of the bins, ascending: one more than there are bins.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The middle of a bin: `(lower edge + upper edge) / 2`.
    pub fn centre(&self, bin: usize) -> f64 {
        (self.edges[bin] + self.edges[bin + 1]) / 2.0
    }

    /// The largest value counted; 1 where there is none.
    pub fn largest(&self) -> f64 {
        self.largest
    }

    /// Whether the values are all the same, or too close together to be told apart in bins.
    pub fn is_flat(&self) -> bool {
        self.is_flat
    }
}

/// `bins + 1` evenly spaced edges, rounded as `numpy.linspace` rounds them.
fn equal_edges(first: f64, last: f64, bins: usize) -> Vec<f64> {
    let step = (last - first) / bins as f64;
    let mut edges: Vec<f64> = (0..bins).map(|edge| edge as f64 * step + first).collect();
    edges.push(last);
    edges
}

/// The bin of a value within the range of the edges.
///
/// The quotient may be off by one where a value lies on an edge or next to it, so the edges have the last word.
fn bin_of(value: f64, edges: &[f64]) -> usize {
    let bins = edges.len() - 1;
    let (first, last) = (edges[0], edges[bins]);
    let quotient = (value - first) / (last - first) * bins as f64;
    let bin = (quotient as usize).min(bins - 1);
    if value < edges[bin] {
        bin - 1
    } else if bin < bins - 1 && value >= edges[bin + 1] {
        bin + 1
    } else {
        bin
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_are_half_open_and_the_last_is_closed() {
        let histogram = Histogram::new(array![[0.0, 1.0, 1.5], [2.0, 3.0, 4.0]].view(), 4);
        assert_eq!(histogram.edges(), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(histogram.counts(), [1, 2, 1, 2]);
        assert_eq!(histogram.centre(1), 1.5);
        assert_eq!(histogram.largest(), 4.0);
        assert!(!histogram.is_flat());
    }

    #[test]
    fn the_range_of_equal_values_is_widened_by_a_half() {
        let histogram = Histogram::new(Array2::from_elem((2, 3), 7.0).view(), 4);
        assert_eq!(histogram.edges(), [6.5, 6.75, 7.0, 7.25, 7.5]);
        assert_eq!(histogram.counts(), [0, 0, 6, 0]);
        assert!(histogram.is_flat());
    }

    #[test]
    fn values_too_close_for_distinct_edges_count_as_equal() {
        let histogram = Histogram::new(array![[1.0, 1.0 + f64::EPSILON]].view(), 200);
        assert!(histogram.is_flat());
        assert_eq!(histogram.counts().iter().sum::<u64>(), 2);
    }

    #[test]
    fn without_finite_values_nothing_is_counted() {
        for values in [Array2::zeros((0, 4)), Array2::from_elem((1, 2), f64::NAN)] {
            let histogram = Histogram::new(values.view(), 2);
            assert_eq!(histogram.edges(), [0.0, 0.5, 1.0]);
            assert_eq!(histogram.counts(), [0, 0]);
            assert!(histogram.is_flat());
        }
    }

    #[test]
    fn values_that_are_not_finite_are_left_out() {
        let histogram = Histogram::new(array![[0.0, f64::INFINITY, f64::NAN, 1.0, f64::NEG_INFINITY]].view(), 2);
        assert_eq!(histogram.edges(), [0.0, 0.5, 1.0]);
        assert_eq!(histogram.counts(), [1, 1]);
    }

    proptest! {
        #[test]
        fn a_value_on_an_edge_belongs_to_the_bin_above_and_one_just_below_to_the_bin_below(
            least in -3.0..3.0,
            range in 0.1..12.0,
        ) {
            let bins = 200;
            let limits = array![[least, least + range]];
            let edges = Histogram::new(limits.view(), bins).edges().to_vec();
            let just_below = edges[1..bins].iter().map(|edge| edge.next_down());
            let values: Vec<f64> = edges.iter().copied().chain(just_below).collect();
            let values = Array2::from_shape_vec((1, values.len()), values).unwrap();
            // In each bin its lower edge and the value below its upper edge; in the last both edges.
            let histogram = Histogram::new(values.view(), bins);
            prop_assert_eq!(histogram.counts(), vec![2; bins]);
        }

        #[test]
        fn each_value_lies_between_the_edges_of_its_bin(
            values in prop::collection::vec(prop_oneof![-3.0..12.0, (0_i32..40).prop_map(|tenth| f64::from(tenth) * 0.1)], 1..200),
            bins in 1_usize..40,
        ) {
            let values = Array2::from_shape_vec((1, values.len()), values).unwrap();
            let histogram = Histogram::new(values.view(), bins);
            let edges = histogram.edges();
            let mut expected = vec![0; bins];
            for &value in &values {
                let bin = (0..bins).rev().find(|&bin| value >= edges[bin]).unwrap();
                expected[bin] += 1;
            }
            prop_assert_eq!(histogram.counts(), expected);
        }
    }
}
