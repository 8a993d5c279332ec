//! Stage `copy`: each configured channel of a FOV from the microscope's file into an array of `images.zarr`.

use std::sync::PoisonError;

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::IMAGES;
use fovflow_common::source::PlaneIndex;
use fovflow_common::store::zarr::{ZarrArray, write_group};
use serde_json::Map;

use super::frames::Steps;
use super::images::write_image;
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
    let wanted = channels.iter().filter(|(name, _)| context.wants(name)).count();
    let steps = Steps::new(wanted * context.frames());
    for (name, channel) in &channels {
        write_image(context, name, |array| copy_channel(context, &steps, *channel, array))?;
    }
    Ok(())
}

fn copy_channel(
    context: &StageContext<'_>,
    steps: &Steps,
    channel: u32,
    array: &ZarrArray<u16>,
) -> Result<Vec<String>, StageError> {
    let Some(source) = &context.source else {
        return Err(StageError::Impossible("the stage copy was started without its source".to_owned()));
    };
    let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
    for (t, &frame) in context.config().frames.iter().enumerate() {
        context.check_cancelled()?;
        let plane = source.read_plane(PlaneIndex { fov: context.fov_id(), frame, channel, z: context.config().z })?;
        if plane.dim() != context.frame_size() {
            let reason = format!(
                "FOV {} frame {frame} channel {channel} has {} × {} pixels, the FOV's other planes {} × {}",
                context.fov_id(),
                plane.nrows(),
                plane.ncols(),
                context.fov.height,
                context.fov.width
            );
            return Err(StageError::Impossible(reason));
        }
        array.write_frame(t, plane.view())?;
        steps.advance(context);
    }
    Ok(Vec::new())
}
