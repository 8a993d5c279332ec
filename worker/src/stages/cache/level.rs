//! One level `/1` from its level `/0`.

use std::ops::Range;

use fovflow_common::layout;
use fovflow_common::store::zarr::{ArraySpec, Sample, ZarrArray, ZarrError};
use ndarray::{Array2, ArrayView2};
use serde_json::json;

use crate::imaging::downsample::{display_range, half_intensity, half_labels, half_length};
use crate::imaging::percentile::{F32HighHistogram, U16Histogram};
use crate::stages::{StageContext, StageError};

/// Chunks are at most this long and wide.
const MAX_CHUNK: usize = 256;

/// The percentiles that become 0 and 255.
const PERCENTS: [f64; 2] = [1.0, 99.0];

/// What an array holds, which decides how it's shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Intensities in camera counts.
    Counts,
    /// Intensities as float32.
    Float,
    /// Labels.
    Labels,
    /// A binary mask.
    Mask,
}

/// What an absent block of the full resolution means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gaps<'a> {
    /// Full frames are stored without a gap, so something is missing.
    Forbidden,
    /// A crop isn't stored in blocks in which its cell isn't seen: zeros. Tells in which frames it is.
    WhereUnseen(&'a [bool]),
}

impl Gaps<'_> {
    fn may_be_at(self, mut frames: Range<usize>) -> bool {
        match self {
            Self::Forbidden => false,
            Self::WhereUnseen(presence) => !frames.any(|t| presence.get(t).copied().unwrap_or(true)),
        }
    }
}

/// Writes the level `/1` of a group, replacing what was there.
pub(super) fn write(context: &StageContext<'_>, group: &str, kind: Kind, gaps: Gaps<'_>) -> Result<(), StageError> {
    context.store.delete_prefix(&layout::level(group, 1))?;
    match kind {
        Kind::Counts => {
            let movie = Movie::<u16>::open(context, group, gaps)?;
            let range = range_of_counts(context, &movie)?;
            movie.write_half(context, range, |plane| half_intensity(plane, range))
        }
        Kind::Float => {
            let movie = Movie::<f32>::open(context, group, gaps)?;
            let range = range_of_floats(context, &movie)?;
            movie.write_half(context, range, |plane| half_intensity(plane, range))
        }
        Kind::Labels => {
            let movie = Movie::<u16>::open(context, group, gaps)?;
            let mut largest = 0;
            movie.for_each_block(context, |samples| largest = samples.iter().copied().fold(largest, u16::max))?;
            movie.write_half(context, None, |plane| half_labels(plane, largest))
        }
        Kind::Mask => {
            let movie = Movie::<bool>::open(context, group, gaps)?;
            movie.write_half(context, None, |plane| half_labels(plane, 1))
        }
    }
}

/// The display range of a stack of counts.
fn range_of_counts(context: &StageContext<'_>, movie: &Movie<'_, u16>) -> Result<Option<(f64, f64)>, StageError> {
    let mut histogram = U16Histogram::new();
    movie.for_each_block(context, |samples| histogram.add(samples))?;
    let percentiles = PERCENTS.map(|percent| histogram.percentile(percent));
    Ok(match (percentiles, histogram.min(), histogram.max()) {
        ([Some(low), Some(high)], Some(min), Some(max)) => display_range(low, high, f64::from(min), f64::from(max)),
        _ => None,
    })
}

/// The display range of a stack of floats.
fn range_of_floats(context: &StageContext<'_>, movie: &Movie<'_, f32>) -> Result<Option<(f64, f64)>, StageError> {
    let mut histogram = F32HighHistogram::new();
    movie.for_each_block(context, |samples| histogram.add(samples))?;
    let mut refined = histogram.refine(&PERCENTS);
    movie.for_each_block(context, |samples| refined.add(samples))?;
    Ok(match (refined.percentiles().as_deref(), histogram.min(), histogram.max()) {
        (Some([low, high]), Some(min), Some(max)) => display_range(*low, *high, f64::from(min), f64::from(max)),
        _ => None,
    })
}

/// A full-resolution stack, read a block of frames (a chunk) at a time.
struct Movie<'a, T> {
    array: ZarrArray<T>,
    group: String,
    gaps: Gaps<'a>,
    frames: usize,
    block_frames: usize,
    height: usize,
    width: usize,
}

impl<'a, T: Sample> Movie<'a, T> {
    fn open(context: &StageContext<'_>, group: &str, gaps: Gaps<'a>) -> Result<Self, StageError> {
        let array = ZarrArray::<T>::open(context.store, &layout::level(group, 0))?;
        let [frames, height, width] = array.movie_shape()?;
        let block_frames = array.chunk_shape()[0] as usize;
        if array.chunk_shape()[1..] != array.shape()[1..] {
            let reason = format!("{} has chunks {:?}, expected whole frames", array.key(), array.chunk_shape());
            return Err(StageError::Impossible(reason));
        }
        Ok(Self { array, group: group.to_owned(), gaps, frames, block_frames, height, width })
    }

    /// The samples of one block, as many frames as the movie has there; and whether the block is stored. A block in which a
    /// cell isn't seen isn't, and reads as zeros.
    fn read_block(&self, start: usize) -> Result<(Vec<T>, bool), StageError> {
        let samples_in = |frames: usize| frames * self.height * self.width;
        let frames = self.block_frames.min(self.frames - start);
        match self.array.read_chunk(&[(start / self.block_frames) as u64, 0, 0]) {
            Ok(mut samples) => {
                samples.truncate(samples_in(frames));
                Ok((samples, true))
            }
            Err(ZarrError::MissingChunk { .. }) if self.gaps.may_be_at(start..start + frames) => {
                Ok((vec![T::default(); samples_in(frames)], false))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn for_each_block(&self, context: &StageContext<'_>, mut work: impl FnMut(&[T])) -> Result<(), StageError> {
        for start in (0..self.frames).step_by(self.block_frames) {
            context.check_cancelled()?;
            work(&self.read_block(start)?.0);
        }
        Ok(())
    }

    /// Writes the level `/1`, a block at a time. `half` makes one frame of it.
    fn write_half(
        &self,
        context: &StageContext<'_>,
        range: Option<(f64, f64)>,
        half: impl Fn(ArrayView2<T>) -> Array2<u8>,
    ) -> Result<(), StageError> {
        let (height, width) = (half_length(self.height), half_length(self.width));
        let chunk = (height.min(MAX_CHUNK), width.min(MAX_CHUNK));
        let shard = (height.next_multiple_of(chunk.0), width.next_multiple_of(chunk.1));
        let mut spec = ArraySpec::new(
            &[self.frames as u64, height as u64, width as u64],
            &[self.block_frames as u64, shard.0 as u64, shard.1 as u64],
            &["t", "y", "x"],
        )
        .with_inner_chunk(&[1, chunk.0 as u64, chunk.1 as u64]);
        if let Some((low, high)) = range {
            spec = spec.with_attribute("display_range", json!([low, high]));
        }
        let level = ZarrArray::<u8>::create(context.store, &layout::level(&self.group, 1), &spec)?;
        for start in (0..self.frames).step_by(self.block_frames) {
            context.check_cancelled()?;
            let (samples, is_stored) = self.read_block(start)?;
            let mut halves = vec![0; self.block_frames * shard.0 * shard.1];
            let planes = samples.chunks_exact(self.height * self.width);
            for (plane, into) in planes.zip(halves.chunks_exact_mut(shard.0 * shard.1)) {
                let plane = ArrayView2::from_shape((self.height, self.width), plane)
                    .map_err(|error| StageError::Impossible(format!("{}: {error}", self.array.key())))?;
                copy_rows(&half(plane), into, shard.1);
            }
            if is_stored || halves.iter().any(|value| *value != 0) {
                level.write_chunk(&[(start / self.block_frames) as u64, 0, 0], &halves)?;
            }
        }
        Ok(())
    }
}

/// Copies a frame into the top-left of a wider one.
fn copy_rows(frame: &Array2<u8>, into: &mut [u8], stride: usize) {
    for (row, into) in frame.rows().into_iter().zip(into.chunks_exact_mut(stride)) {
        for (value, into) in row.iter().zip(into) {
            *into = *value;
        }
    }
}
