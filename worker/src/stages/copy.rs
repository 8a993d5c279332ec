//! Stage `copy`: each configured channel of a FOV from the microscope's file into an array of `images.zarr`.

use std::sync::PoisonError;

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::IMAGES;
use fovflow_common::source::PlaneIndex;
use fovflow_common::store::zarr::{ZarrArray, write_group};
use serde_json::Map;

use super::frames::Steps;
use super::images::{begin_image, finish_image};
use super::{StageContext, StageError};

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    if context.wants(IMAGES) {
        let images = layout::images(context.fov_id());
        write_group(context.store, &images, Map::new())?;
        context.parts.finish(IMAGES, layout::zarr_document(&images), Counts::default(), Vec::new())?;
    }
    let pc = context.config().pc.iter().map(|pc| (layout::pc(pc.channel), pc.channel));
    let fl = context.config().fl.iter().map(|fl| (layout::fl(fl.channel), fl.channel));
    let channels: Vec<_> = pc.chain(fl).collect();
    let mut wanted = Vec::with_capacity(channels.len());
    for (name, channel) in &channels {
        if let Some(array) = begin_image::<u16>(context, name)? {
            wanted.push((*channel, array));
        }
    }
    copy_planes(context, &wanted)?;
    for (name, _) in &channels {
        finish_image(context, name, Vec::new())?;
    }
    Ok(())
}

/// Frame by frame, because a file may hold all channels of a frame together.
fn copy_planes(context: &StageContext<'_>, channels: &[(u32, ZarrArray<u16>)]) -> Result<(), StageError> {
    let Some(source) = &context.source else {
        return Err(StageError::Impossible("the stage copy was started without its source".to_owned()));
    };
    let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
    let steps = Steps::new(channels.len() * context.frames());
    for (t, &frame) in context.config().frames.iter().enumerate() {
        for (channel, array) in channels {
            context.check_cancelled()?;
            let index = PlaneIndex { fov: context.fov_id(), frame, channel: *channel, z: context.config().z };
            let plane = source.read_plane(index)?;
            if plane.dim() != context.frame_size() {
                let (height, width) = context.frame_size();
                let (found_height, found_width) = plane.dim();
                return Err(StageError::Impossible(format!(
                    "{index} has {found_height} × {found_width} pixels, expected {height} × {width}, as the FOV has"
                )));
            }
            array.write_frame(t, plane.view())?;
            steps.advance(context);
        }
    }
    Ok(())
}
