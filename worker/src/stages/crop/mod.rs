//! Stage `crop`: one small movie per tracked cell and channel, zero outside the cell's own mask.
//!
//! The first pass over the labels finds where each cell is ([`windows`]). The second cuts all channels out, a block of frames
//! at a time, so that memory is bounded by the block ([`blocks`]).

mod blocks;
mod metadata;
mod windows;

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::CELLS;
use fovflow_common::store::zarr::write_group;
use serde_json::Map;

use self::windows::Windows;
use super::frames::{Steps, for_each_frame};
use super::images::open_image;
use super::{StageContext, StageError};
use crate::imaging::shape::regions;

/// Crops hold camera counts divided by this.
pub(super) const COUNTS_SCALE: f32 = 65_535.0;

/// The attribute of an array of crops that says what to multiply by to get camera counts.
pub(super) const SCALE_ATTRIBUTE: &str = "scale";

/// The type of sample that a channel's full frames have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Samples {
    /// Camera counts.
    Counts,
    /// An estimate in camera counts.
    Estimate,
}

/// The channels that are cropped, with the type of their full frames.
pub(super) fn channels(context: &StageContext<'_>) -> Vec<(String, Samples)> {
    let pc = context.config().pc.iter().map(|pc| (layout::pc(pc.channel), Samples::Counts));
    let fl = context.config().fl.iter().flat_map(|fl| {
        [(layout::fl(fl.channel), Samples::Counts), (layout::fl_background(fl.channel), Samples::Estimate)]
    });
    pc.chain(fl).collect()
}

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    let Some(pc) = &context.config().pc else { return Ok(()) };
    if !context.wants(CELLS) {
        return Ok(());
    }
    let cells = layout::cells(context.fov_id());
    context.store.delete_prefix(&cells)?;

    let tracked = open_image::<u16>(context, &layout::seg_tracked(pc.channel))?;
    let channels = channels(context);
    let steps = Steps::new(2 * context.frames());
    let regions_of_frames = for_each_frame(context, &steps, |t| Ok(regions(tracked.read_frame(t)?.view())))?;
    let windows = Windows::new(&regions_of_frames);
    drop(regions_of_frames);

    blocks::write(context, &steps, &tracked, &channels, &windows)?;
    metadata::write(context, &windows)?;
    write_group(context.store, &cells, Map::new())?;
    let counts = Counts { frames: context.frames() as u64, cells: windows.cells().len() as u64, ..Counts::default() };
    context.parts.finish(CELLS, cells, counts, Vec::new())
}
