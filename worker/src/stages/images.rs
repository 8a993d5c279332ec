//! What all stages that write an array of `images.zarr` have in common.

use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::ome_part;
use fovflow_common::store::zarr::{ArraySpec, Sample, ZarrArray, ome, write_group};

use super::{StageContext, StageError};

/// Makes the array `name` of `images.zarr` and its OME-NGFF metadata, as far as they're wanted. `write` fills the new array
/// and returns what it counted and its warnings.
pub(super) fn write_image<T: Sample>(
    context: &StageContext<'_>,
    name: &str,
    write: impl FnOnce(&ZarrArray<T>) -> Result<Vec<String>, StageError>,
) -> Result<(), StageError> {
    let group = layout::image_channel(context.fov_id(), name);
    let is_array_wanted = context.wants(name);
    if is_array_wanted {
        context.store.delete_prefix(&group)?;
        let (height, width) = context.frame_size();
        let spec = ArraySpec::movie(context.frames() as u64, height as u64, width as u64);
        let array = ZarrArray::create(context.store, &layout::level(&group, 0), &spec)?;
        let warnings = write(&array)?;
        write_group(context.store, &group, ome::multiscales(name, context.scale()))?;
        let counts = Counts { frames: context.frames() as u64, ..Counts::default() };
        context.parts.finish(name, group.clone(), counts, warnings)?;
    } else if context.wants(&ome_part(name)) {
        write_group(context.store, &group, ome::multiscales(name, context.scale()))?;
    }
    if context.wants(&ome_part(name)) {
        let document = layout::zarr_document(&group);
        context.parts.finish(&ome_part(name), document, Counts::default(), Vec::new())?;
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
