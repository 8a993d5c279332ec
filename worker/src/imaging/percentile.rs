//! Exact percentiles of a whole stack in constant memory.
//!
//! A percentile here is numpy's default (`method="linear"`) of the values as float64: with `n` values, the virtual index is
//! `(n − 1) · (q / 100)`; the order statistics on either side of it are found exactly by counting, then interpolated with
//! numpy's formula in float64. So results equal `np.percentile(stack.astype(np.float64), [q])` to the bit. (For a float32
//! array numpy subtracts the two neighbours in float32; that variant is not followed.)
//!
//! uint16 takes one pass with a counter for each value ([`U16Histogram`]). float32 takes two passes over bit patterns that
//! sort like the numbers: the first counts the high 16 bits ([`F32HighHistogram`]), the second the low 16 bits within those
//! few buckets that hold a wanted order statistic ([`F32LowHistogram`]). Counting is order-free, so neither the frames'
//! order nor how they are cut into slices matters.

/// One counter for each possible 16-bit pattern.
const BINS: usize = 1 << 16;

/// Marks a high half that the second pass does not count.
const NOT_WANTED: usize = usize::MAX;

/// The two neighbouring ranks (0-based) of a percentile among `total` sorted values, and how far it lies between them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct VirtualIndex {
    lower: u64,
    upper: u64,
    fraction: f64,
}

impl VirtualIndex {
    /// `percent` outside `[0, 100]` is clamped; `total` is at least 1.
    fn new(percent: f64, total: u64) -> Self {
        let last = total - 1;
        let virtual_index = last as f64 * (percent.clamp(0.0, 100.0) / 100.0);
        let lower = virtual_index.floor();
        let fraction = virtual_index - lower;
        let lower = (lower as u64).min(last);
        VirtualIndex { lower, upper: (lower + 1).min(last), fraction }
    }

    /// numpy's interpolation: measured from the nearer end, so that it never leaves `[low, high]`.
    fn interpolate(&self, low: f64, high: f64) -> f64 {
        let difference = high - low;
        if self.fraction >= 0.5 { high - difference * (1.0 - self.fraction) } else { low + difference * self.fraction }
    }
}

/// The bin that holds the value of a rank (0-based), and the rank within that bin. `None` if the counts end before it.
fn bin_of_rank(counts: &[u64], rank: u64) -> Option<(usize, u64)> {
    let mut rank_in_bin = rank;
    for (bin, count) in counts.iter().enumerate() {
        if rank_in_bin < *count {
            return Some((bin, rank_in_bin));
        }
        rank_in_bin -= count;
    }
    None
}

/// Counts of a stack of uint16 values: 512 KiB, whatever the size of the stack.
#[derive(Clone, Debug)]
pub struct U16Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for U16Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl U16Histogram {
    /// No values yet.
    pub fn new() -> Self {
        U16Histogram { counts: vec![0; BINS], total: 0 }
    }

    /// Counts the values of a frame or a part of one.
    pub fn add(&mut self, values: &[u16]) {
        for value in values {
            self.counts[usize::from(*value)] += 1;
        }
        self.total += values.len() as u64;
    }

    /// The number of values counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The smallest value, `None` before the first.
    pub fn min(&self) -> Option<u16> {
        self.counts.iter().position(|count| *count > 0).map(|value| value as u16)
    }

    /// The largest value, `None` before the first.
    pub fn max(&self) -> Option<u16> {
        self.counts.iter().rposition(|count| *count > 0).map(|value| value as u16)
    }

    /// The percentile `percent` in `[0, 100]`, `None` without values.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        if self.total == 0 {
            return None;
        }
        let index = VirtualIndex::new(percent, self.total);
        let (low, _) = bin_of_rank(&self.counts, index.lower)?;
        let (high, _) = bin_of_rank(&self.counts, index.upper)?;
        Some(index.interpolate(low as f64, high as f64))
    }
}

/// An integer that sorts as the number does (`f32::total_cmp`): the sign bit is flipped for positive numbers, all bits for
/// negative ones.
fn sort_key(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 0 { bits | 1 << 31 } else { !bits }
}

/// The number that [`sort_key`] came from.
fn value_of_key(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & !(1 << 31) } else { !key })
}

/// First pass over a stack of float32 values: counts of the high 16 bits of their sort keys, and the extremes.
///
/// Values are taken as finite. Should there be others, they sort as in `f32::total_cmp`: infinities at the ends, NaN beyond.
#[derive(Clone, Debug)]
pub struct F32HighHistogram {
    counts: Vec<u64>,
    total: u64,
    min_key: u32,
    max_key: u32,
}

impl Default for F32HighHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl F32HighHistogram {
    /// No values yet.
    pub fn new() -> Self {
        F32HighHistogram { counts: vec![0; BINS], total: 0, min_key: u32::MAX, max_key: 0 }
    }

    /// Counts the values of a frame or a part of one.
    pub fn add(&mut self, values: &[f32]) {
        for value in values {
            let key = sort_key(*value);
            self.counts[(key >> 16) as usize] += 1;
            self.min_key = self.min_key.min(key);
            self.max_key = self.max_key.max(key);
        }
        self.total += values.len() as u64;
    }

    /// The number of values counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The smallest value, `None` before the first.
    pub fn min(&self) -> Option<f32> {
        (self.total > 0).then(|| value_of_key(self.min_key))
    }

    /// The largest value, `None` before the first.
    pub fn max(&self) -> Option<f32> {
        (self.total > 0).then(|| value_of_key(self.max_key))
    }

    /// The second pass for the percentiles `percents`: at most two buckets of 512 KiB for each.
    pub fn refine(&self, percents: &[f64]) -> F32LowHistogram {
        let mut refined =
            F32LowHistogram { bucket_of_high: vec![NOT_WANTED; BINS], buckets: Vec::new(), wanted: Vec::new() };
        if self.total == 0 {
            return refined;
        }
        for percent in percents {
            let index = VirtualIndex::new(*percent, self.total);
            let lower = bin_of_rank(&self.counts, index.lower);
            let upper = bin_of_rank(&self.counts, index.upper);
            if let (Some(lower), Some(upper)) = (lower, upper) {
                let lower = refined.want(lower);
                let upper = refined.want(upper);
                refined.wanted.push(Wanted { index, lower, upper });
            }
        }
        refined
    }
}

/// Where to find an order statistic: its high 16 bits, and its rank among the values that share them.
#[derive(Clone, Copy, Debug)]
struct RankInBucket {
    high: usize,
    rank: u64,
}

/// One percentile that was asked for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    index: VirtualIndex,
    lower: RankInBucket,
    upper: RankInBucket,
}

/// Second pass over the same stack of float32 values; see [`F32HighHistogram::refine`].
#[derive(Clone, Debug)]
pub struct F32LowHistogram {
    bucket_of_high: Vec<usize>,
    buckets: Vec<Vec<u64>>,
    wanted: Vec<Wanted>,
}

impl F32LowHistogram {
    fn want(&mut self, (high, rank): (usize, u64)) -> RankInBucket {
        if self.bucket_of_high[high] == NOT_WANTED {
            self.bucket_of_high[high] = self.buckets.len();
            self.buckets.push(vec![0; BINS]);
        }
        RankInBucket { high, rank }
    }

    /// Counts the values of a frame or a part of one. In total these must be the values of the first pass, in any order.
    pub fn add(&mut self, values: &[f32]) {
        for value in values {
            let key = sort_key(*value);
            let bucket = self.bucket_of_high[(key >> 16) as usize];
            if bucket != NOT_WANTED {
                self.buckets[bucket][(key & 0xffff) as usize] += 1;
            }
        }
    }

    /// The percentiles in the order they were asked for. `None` without values, or when this pass was given fewer values
    /// than the first.
    pub fn percentiles(&self) -> Option<Vec<f64>> {
        if self.wanted.is_empty() {
            return None;
        }
        let mut percentiles = Vec::with_capacity(self.wanted.len());
        for wanted in &self.wanted {
            let low = f64::from(self.value(wanted.lower)?);
            let high = f64::from(self.value(wanted.upper)?);
            percentiles.push(wanted.index.interpolate(low, high));
        }
        Some(percentiles)
    }

    fn value(&self, wanted: RankInBucket) -> Option<f32> {
        let bucket = &self.buckets[self.bucket_of_high[wanted.high]];
        let (low, _) = bin_of_rank(bucket, wanted.rank)?;
        Some(value_of_key((wanted.high as u32) << 16 | low as u32))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: sort, take the two neighbours, interpolate.
    fn naive_percentile(values: &[f64], percent: f64) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let position = (sorted.len() - 1) as f64 * (percent / 100.0);
        let low = sorted[position.floor() as usize];
        let high = sorted[(position.floor() as usize + 1).min(sorted.len() - 1)];
        let t = position - position.floor();
        if t < 0.5 { low + (high - low) * t } else { high - (high - low) * (1.0 - t) }
    }

    fn f32_percentiles(values: &[f32], percents: &[f64], slice: usize) -> Option<Vec<f64>> {
        let mut first = F32HighHistogram::new();
        values.chunks(slice).for_each(|chunk| first.add(chunk));
        let mut second = first.refine(percents);
        values.chunks(slice).rev().for_each(|chunk| second.add(chunk));
        second.percentiles()
    }

    #[test]
    fn known_percentiles() {
        let mut histogram = U16Histogram::new();
        assert_eq!((histogram.percentile(1.0), histogram.min(), histogram.max()), (None, None, None));
        histogram.add(&[10, 0, 65535]);
        histogram.add(&[20]);
        assert_eq!((histogram.min(), histogram.max(), histogram.total()), (Some(0), Some(65535), 4));
        assert_eq!(histogram.percentile(0.0), Some(0.0));
        assert_eq!(histogram.percentile(50.0), Some(15.0));
        assert_eq!(histogram.percentile(100.0), Some(65535.0));
        let one = f32_percentiles(&[-2.5], &[1.0, 99.0], 1);
        assert_eq!(one, Some(vec![-2.5, -2.5]));
        assert_eq!(f32_percentiles(&[], &[1.0], 1), None);
    }

    #[test]
    fn a_second_pass_over_fewer_values_is_noticed() {
        let mut first = F32HighHistogram::new();
        first.add(&[1.0, 2.0, 3.0]);
        let mut second = first.refine(&[99.0]);
        second.add(&[1.0]);
        assert_eq!(second.percentiles(), None);
    }

    #[test]
    fn sort_keys_order_all_kinds_of_numbers() {
        let ascending = [f32::NEG_INFINITY, -1e30, -1.0, -1e-45, -0.0, 0.0, 1e-45, 0.5, 1.0, f32::MAX, f32::INFINITY];
        for pair in ascending.windows(2) {
            assert!(sort_key(pair[0]) < sort_key(pair[1]), "{pair:?}");
        }
        for value in ascending {
            assert_eq!(value_of_key(sort_key(value)).to_bits(), value.to_bits());
        }
    }

    proptest! {
        #[test]
        fn u16_equals_sorting(values in prop::collection::vec(any::<u16>(), 1..300), percent in 0.0..=100.0f64) {
            let mut histogram = U16Histogram::new();
            values.chunks(7).for_each(|chunk| histogram.add(chunk));
            let as_f64: Vec<f64> = values.iter().copied().map(f64::from).collect();
            prop_assert_eq!(histogram.percentile(percent), Some(naive_percentile(&as_f64, percent)));
            prop_assert_eq!(histogram.min(), values.iter().copied().min());
            prop_assert_eq!(histogram.max(), values.iter().copied().max());
        }

        #[test]
        fn f32_equals_sorting(
            values in prop::collection::vec(prop_oneof![-1e3..1e3f32, 0.0..1.0f32, Just(0.25f32)], 1..300),
            slice in 1usize..50,
        ) {
            let as_f64: Vec<f64> = values.iter().copied().map(f64::from).collect();
            let percents = [1.0, 99.0, 50.0, 0.0, 100.0];
            let expected: Vec<f64> = percents.iter().map(|percent| naive_percentile(&as_f64, *percent)).collect();
            prop_assert_eq!(f32_percentiles(&values, &percents, slice), Some(expected));
        }
    }
}
