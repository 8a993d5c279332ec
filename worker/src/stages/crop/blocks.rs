//! Cutting the channels out, a block of frames at a time.

use std::ops::Range;

use fovflow_common::layout;
use fovflow_common::store::zarr::{ArraySpec, Sample, ZarrArray, write_group};
use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;
use serde_json::{Map, json};

use super::windows::{Cell, Windows};
use super::{COUNTS_SCALE, SCALE_ATTRIBUTE, Samples};
use crate::imaging::shape::BBox;
use crate::stages::frames::Steps;
use crate::stages::images::open_image;
use crate::stages::{StageContext, StageError};

/// The full frames of a channel.
enum Frames {
    Counts(ZarrArray<u16>),
    Estimate(ZarrArray<f32>),
}

impl Frames {
    fn open(context: &StageContext<'_>, name: &str, samples: Samples) -> Result<Self, StageError> {
        Ok(match samples {
            Samples::Counts => Self::Counts(open_image(context, name)?),
            Samples::Estimate => Self::Estimate(open_image(context, name)?),
        })
    }

    fn read(&self, t: usize) -> Result<Array2<f32>, StageError> {
        Ok(match self {
            Self::Counts(frames) => frames.read_frame(t)?.mapv(f32::from),
            Self::Estimate(frames) => frames.read_frame(t)?,
        })
    }
}

/// Writes the crops of all cells in all channels and in the channel `mask`.
///
/// A block of a cell is stored where the cell is seen in at least one of the block's frames.
pub(super) fn write(
    context: &StageContext<'_>,
    steps: &Steps,
    tracked: &ZarrArray<u16>,
    channels: &[(String, Samples)],
    windows: &Windows,
) -> Result<(), StageError> {
    let mask_arrays = create_channel::<bool>(context, layout::MASK, windows)?;
    let mut sources = Vec::with_capacity(channels.len());
    for (name, samples) in channels {
        let arrays = create_channel::<f32>(context, name, windows)?;
        sources.push((Frames::open(context, name, *samples)?, arrays));
    }
    let block_frames = windows.block_frames();
    for start in (0..windows.frames()).step_by(block_frames) {
        let block = start..(start + block_frames).min(windows.frames());
        let masks = cut(context, windows, &block, |t| Ok(tracked.read_frame(t)?), |cell, labels| labels == cell.id)?;
        write_block(windows, start / block_frames, &masks, &mask_arrays)?;
        for (frames, arrays) in &sources {
            let mut crops = cut(context, windows, &block, |t| frames.read(t), |_, value| value / COUNTS_SCALE)?;
            crops.par_iter_mut().zip(&masks).for_each(|(crop, mask)| clear_outside(crop, mask));
            write_block(windows, start / block_frames, &crops, arrays)?;
        }
        for _ in block {
            steps.advance(context);
        }
    }
    Ok(())
}

/// Makes the group of a channel and, for each cell, its group and its array.
fn create_channel<T: Sample>(
    context: &StageContext<'_>,
    name: &str,
    windows: &Windows,
) -> Result<Vec<ZarrArray<T>>, StageError> {
    let fov = context.fov_id();
    write_group(context.store, &layout::cells_channel(fov, name), Map::new())?;
    let create = |cell: &Cell| {
        context.check_cancelled()?;
        let group = layout::cell(fov, name, u32::from(cell.id));
        let (height, width) = (u64::from(cell.height), u64::from(cell.width));
        let shape = [windows.frames() as u64, height, width];
        let mut spec = ArraySpec::new(&shape, &[windows.block_frames() as u64, height, width], &["t", "y", "x"]);
        if name != layout::MASK {
            spec = spec
                .with_attribute(SCALE_ATTRIBUTE, json!(COUNTS_SCALE))
                .with_attribute("units", json!("camera counts"));
        }
        write_group(context.store, &group, Map::new())?;
        Ok(ZarrArray::create(context.store, &layout::level(&group, 0), &spec)?)
    };
    windows.cells().par_iter().map(create).collect()
}

/// Cuts every cell out of the frames of a block. A cell's samples are `(block, height, width)`, the default where the cell
/// isn't seen; cells that aren't seen in the block at all have none.
fn cut<S: Copy + Send + Sync, T: Sample>(
    context: &StageContext<'_>,
    windows: &Windows,
    block: &Range<usize>,
    read: impl Fn(usize) -> Result<Array2<S>, StageError> + Sync,
    sample: impl Fn(&Cell, S) -> T + Sync,
) -> Result<Vec<Vec<T>>, StageError> {
    let empty = |cell: &Cell| {
        let is_seen = !cell.boxes_in(block.start, block.end).is_empty();
        let samples = if is_seen { windows.block_frames() * cell.area() as usize } else { 0 };
        vec![T::default(); samples]
    };
    let mut crops: Vec<Vec<T>> = windows.cells().iter().map(empty).collect();
    for t in block.clone() {
        context.check_cancelled()?;
        let frame = read(t)?;
        crops.par_iter_mut().zip(windows.cells()).for_each(|(crop, cell)| {
            let [(_, bbox)] = cell.boxes_in(t, t + 1) else { return };
            let area = cell.area() as usize;
            let plane = &mut crop[(t - block.start) * area..][..area];
            cut_plane(cell, *bbox, frame.view(), &sample, plane);
        });
    }
    Ok(crops)
}

/// Fills the top-left of a cell's window from its bounding box; the rest keeps the default.
fn cut_plane<S: Copy, T: Copy>(
    cell: &Cell,
    bbox: BBox,
    frame: ArrayView2<S>,
    sample: &impl Fn(&Cell, S) -> T,
    plane: &mut [T],
) {
    let part = frame.slice(s![bbox.y0 as usize..bbox.y1 as usize, bbox.x0 as usize..bbox.x1 as usize]);
    for (row, into) in part.rows().into_iter().zip(plane.chunks_exact_mut(cell.width as usize)) {
        for (value, into) in row.iter().zip(into) {
            *into = sample(cell, *value);
        }
    }
}

fn clear_outside(crop: &mut [f32], mask: &[bool]) {
    for (value, is_inside) in crop.iter_mut().zip(mask) {
        if !is_inside {
            *value = 0.0;
        }
    }
}

fn write_block<T: Sample>(
    windows: &Windows,
    block: usize,
    crops: &[Vec<T>],
    arrays: &[ZarrArray<T>],
) -> Result<(), StageError> {
    debug_assert_eq!(crops.len(), windows.cells().len(), "one crop per cell");
    let seen = crops.par_iter().zip(arrays).filter(|(crop, _)| !crop.is_empty());
    let written: Result<(), StageError> =
        seen.map(|(crop, array)| Ok(array.write_chunk(&[block as u64, 0, 0], crop)?)).collect();
    written
}
