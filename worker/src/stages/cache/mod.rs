//! Stage `cache`: a half-resolution level `/1` in 8 bits beside every full-resolution array, for display.

mod level;

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::CELLS;
use rayon::prelude::*;

use self::level::{Gaps, Kind};
use super::cell_list::CellList;
use super::crop;
use super::frames::Steps;
use super::{StageContext, StageError};

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    let images = image_arrays(context);
    let is_wanted = |(name, _): &&(String, Kind)| context.wants(&layout::level(name, 1));
    let images: Vec<_> = images.iter().filter(is_wanted).collect();
    let cells = layout::level(CELLS, 1);
    let list = if context.wants(&cells) { Some(CellList::read(context)?) } else { None };
    let crops = list.as_ref().map(|list| crop_arrays(context, list)).unwrap_or_default();

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
    let Some(list) = list else { return Ok(()) };
    let write_crops: Result<(), StageError> = crops
        .par_iter()
        .map(|crop| {
            level::write(context, &crop.group, crop.kind, Gaps::WhereUnseen(list.presence(crop.cell)))?;
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

/// One crop: its group, what it holds, and the index of its cell.
struct Crop {
    group: String,
    kind: Kind,
    cell: usize,
}

/// The crops of all cells in all channels.
fn crop_arrays(context: &StageContext<'_>, cells: &CellList) -> Vec<Crop> {
    let mut channels: Vec<_> = crop::channels(context).into_iter().map(|(name, _)| (name, Kind::Float)).collect();
    channels.push((layout::MASK.to_owned(), Kind::Mask));
    let crops_of = |(name, kind): &(String, Kind)| {
        let crop = |(cell, id): (usize, &i32)| {
            let group = layout::cell(context.fov_id(), name, id.unsigned_abs());
            Crop { group, kind: *kind, cell }
        };
        cells.ids.iter().enumerate().map(crop).collect::<Vec<_>>()
    };
    channels.iter().flat_map(crops_of).collect()
}
