//! Stage `background`: the fluorescence between the cells, interpolated beneath them.

use fovflow_common::config::ResolvedFl;
use fovflow_common::layout;
use fovflow_common::store::zarr::ZarrArray;
use ndarray::Array2;

use super::frames::{Steps, for_each_frame};
use super::images::{open_image, write_image};
use super::{StageContext, StageError};
use crate::imaging::background::{TileParams, estimate};
use crate::imaging::bitmask::Bitmask;
use crate::imaging::morphology::dilate_disk;

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    let channels = &context.config().fl;
    let is_wanted = |fl: &&ResolvedFl| context.wants(&layout::fl_background(fl.channel));
    let steps = Steps::new(channels.iter().filter(is_wanted).count() * context.frames());
    for fl in channels {
        write_image(context, &layout::fl_background(fl.channel), |background| {
            let frames = open_image::<u16>(context, &layout::fl(fl.channel))?;
            estimate_movie(context, &steps, fl.channel, &frames, background)
        })?;
    }
    Ok(())
}

fn estimate_movie(
    context: &StageContext<'_>,
    steps: &Steps,
    channel: u32,
    frames: &ZarrArray<u16>,
    background: &ZarrArray<f32>,
) -> Result<Vec<String>, StageError> {
    let labels = match &context.config().pc {
        Some(pc) => Some(open_image::<u16>(context, &layout::seg_labeled(pc.channel))?),
        None => None,
    };
    let params = &context.params().background;
    let tiles = TileParams {
        tile_size: params.tile_size as usize,
        overlap: params.tile_overlap,
        min_coverage: params.min_tile_coverage,
    };
    let is_fully_masked = for_each_frame(context, steps, |t| {
        let frame = frames.read_frame(t)?;
        let masked = match &labels {
            Some(labels) => mask_cells(&labels.read_frame(t)?, params.dilation_radius as usize),
            None => Array2::from_elem(frame.dim(), false),
        };
        let estimated = estimate(frame.view(), masked.view(), tiles);
        background.write_frame(t, estimated.image.view())?;
        Ok(estimated.fully_masked)
    })?;
    let masked: Vec<u32> = (0..context.frames()).filter(|&t| is_fully_masked[t]).map(|t| context.frame_id(t)).collect();
    let Some(first) = masked.first() else { return Ok(Vec::new()) };
    let count = masked.len();
    Ok(vec![format!(
        "channel {channel}: {count} frame(s), the first is {first}, have no pixel that is not masked; their background \
        is the frame's 1st percentile. A smaller dilation_radius leaves more of the background"
    )])
}

/// The pixels of cells and of their surroundings.
fn mask_cells(labels: &Array2<u16>, radius: usize) -> Array2<bool> {
    dilate_disk(&Bitmask::labelled(labels.view()), radius).to_array()
}
