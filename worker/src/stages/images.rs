//! What all stages that write an array of `images.zarr` have in common.

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::ome_part;
use fovflow_common::store::zarr::{ArraySpec, Sample, ZarrArray, ome, write_group};

use super::{StageContext, StageError};

/// Makes the array `name` of `images.zarr` and its OME-NGFF metadata, as far as they're wanted. `write` fills the new array
/// and returns its warnings.
pub(super) fn write_image<T: Sample>(
    context: &StageContext<'_>,
    name: &str,
    write: impl FnOnce(&ZarrArray<T>) -> Result<Vec<String>, StageError>,
) -> Result<(), StageError> {
    let warnings = match begin_image(context, name)? {
        Some(array) => write(&array)?,
        None => Vec::new(),
    };
    finish_image(context, name, warnings)
}

/// The new array `name`, to be filled; `None` where it's current.
pub(super) fn begin_image<T: Sample>(
    context: &StageContext<'_>,
    name: &str,
) -> Result<Option<ZarrArray<T>>, StageError> {
    if !context.wants(name) {
        return Ok(None);
    }
    let group = layout::image_channel(context.fov_id(), name);
    context.store.delete_prefix(&group)?;
    let (height, width) = context.frame_size();
    let spec = ArraySpec::movie(context.frames() as u64, height as u64, width as u64);
    Ok(Some(ZarrArray::create(context.store, &layout::level(&group, 0), &spec)?))
}

/// Writes the OME-NGFF metadata of `name` and commits what was wanted of it.
pub(super) fn finish_image(context: &StageContext<'_>, name: &str, warnings: Vec<String>) -> Result<(), StageError> {
    let group = layout::image_channel(context.fov_id(), name);
    let ome_part = ome_part(name);
    if context.wants(&ome_part) {
        write_group(context.store, &group, ome::multiscales(name, context.scale()))?;
    }
    if context.wants(name) {
        let counts = Counts { frames: context.frames() as u64, ..Counts::default() };
        context.parts.finish(name, group.clone(), counts, warnings)?;
    }
    if context.wants(&ome_part) {
        context.parts.finish(&ome_part, layout::zarr_document(&group), Counts::default(), Vec::new())?;
    }
    Ok(())
}

/// Opens the full-resolution array `name` of `images.zarr`.
pub(super) fn open_image<T: Sample>(context: &StageContext<'_>, name: &str) -> Result<ZarrArray<T>, StageError> {
    let key = layout::level(&layout::image_channel(context.fov_id(), name), 0);
    let array = ZarrArray::open(context.store, &key)?;
    let (height, width) = context.frame_size();
    let expected = [context.frames(), height, width];
    let found = array.movie_shape()?;
    if found != expected {
        return Err(StageError::Impossible(format!("{key} has the shape {found:?}, expected {expected:?}")));
    }
    Ok(array)
}
