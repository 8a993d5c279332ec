//! Stage `cache`: a half-resolution level `/1` in 8 bits beside every full-resolution array, for display.

mod level;

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::CELLS;
use fovflow_common::store::zarr::ZarrArray;
use rayon::prelude::*;

use self::level::{Gaps, Kind};
use super::crop;
use super::frames::Steps;
use super::{StageContext, StageError};

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    let images = image_arrays(context);
    let is_wanted = |(name, _): &&(String, Kind)| context.wants(&layout::level(name, 1));
    let images: Vec<_> = images.iter().filter(is_wanted).collect();
    let cells = layout::level(CELLS, 1);
    let crops = if context.wants(&cells) { crop_arrays(context)? } else { Vec::new() };

    let steps = Steps::new(images.len() + crops.len());
    let write_images: Result<(), StageError> = images
        .par_iter()
        .map(|(name, kind)| {
            let group = layout::image_channel(context.fov_id(), name);
            level::write(context, &group, *kind, Gaps::Forbidden)?;
            steps.advance(context);
            let counts = Counts { frames: context.frames() as u64, ..Counts::default() };
            context.parts.finish(&layout::level(name, 1), layout::level(&group, 1), counts, Vec::new())
        })
        .collect();
    write_images?;
    if !context.wants(&cells) {
        return Ok(());
    }
    let write_crops: Result<(), StageError> = crops
        .par_iter()
        .map(|(group, kind)| {
            level::write(context, group, *kind, Gaps::AreZeros)?;
            steps.advance(context);
            Ok(())
        })
        .collect();
    write_crops?;
    let output = layout::cells(context.fov_id());
    context.parts.finish(&cells, output, Counts::default(), Vec::new())
}

/// The arrays of `images.zarr` that the configuration makes.
fn image_arrays(context: &StageContext<'_>) -> Vec<(String, Kind)> {
    let pc = context.config().pc.iter().flat_map(|pc| {
        [
            (layout::pc(pc.channel), Kind::Counts),
            (layout::seg_labeled(pc.channel), Kind::Labels),
            (layout::seg_tracked(pc.channel), Kind::Labels),
        ]
    });
    let fl = context
        .config()
        .fl
        .iter()
        .flat_map(|fl| [(layout::fl(fl.channel), Kind::Counts), (layout::fl_background(fl.channel), Kind::Float)]);
    pc.chain(fl).collect()
}

/// The groups of all crops, as `cells.zarr/metadata` lists the cells.
fn crop_arrays(context: &StageContext<'_>) -> Result<Vec<(String, Kind)>, StageError> {
    let fov = context.fov_id();
    let ids = ZarrArray::<i32>::open(context.store, &layout::cells_metadata(fov, "cell_ids"))?;
    let ids = if ids.shape() == [0] { Vec::new() } else { ids.read_chunk(&[0])? };
    let mut channels: Vec<_> = crop::channels(context).into_iter().map(|(name, _)| (name, Kind::Float)).collect();
    channels.push((layout::MASK.to_owned(), Kind::Mask));
    let groups = channels
        .iter()
        .flat_map(|(name, kind)| ids.iter().map(move |id| (layout::cell(fov, name, id.unsigned_abs()), *kind)));
    Ok(groups.collect())
}
