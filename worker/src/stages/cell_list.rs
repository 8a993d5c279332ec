//! Which cells there are, where, and in which frames: `cells.zarr/metadata`, as `extract` and `cache` read it.

use fovflow_common::layout;
use fovflow_common::store::zarr::{Sample, ZarrArray, read_attributes};

use super::{StageContext, StageError};

/// `cells.zarr/metadata`.
pub(super) struct CellList {
    /// Tracked IDs, ascending.
    pub(super) ids: Vec<i32>,
    /// Frames of the movie.
    pub(super) frames: usize,
    /// Height and width of a frame.
    pub(super) frame_shape: [i32; 2],
    boxes: Vec<i32>,
    valid: Vec<bool>,
}

impl CellList {
    pub(super) fn read(context: &StageContext<'_>) -> Result<Self, StageError> {
        let fov = context.fov_id();
        let group = layout::cells_metadata(fov, "");
        let attributes = read_attributes(context.store, &group)?;
        let frame_shape: Option<[i32; 2]> =
            attributes.get("frame_shape").and_then(|shape| serde_json::from_value(shape.clone()).ok());
        let Some(frame_shape) = frame_shape else {
            return Err(StageError::Impossible(format!("{group} has no attribute frame_shape [height, width]")));
        };
        let ids: Vec<i32> = read_array(context, "cell_ids")?;
        let boxes: Vec<i32> = read_array(context, "bboxes")?;
        let valid: Vec<bool> = read_array(context, "valid_frames")?;
        let frames = context.frames();
        let cells = ids.len();
        if boxes.len() != cells * frames * 4 || valid.len() != cells * frames {
            let reason = format!(
                "{group} does not fit together: {cells} cells and {frames} frames, but {} box corners and \
                {} valid_frames",
                boxes.len(),
                valid.len()
            );
            return Err(StageError::Impossible(reason));
        }
        Ok(Self { ids, frames, frame_shape, boxes, valid })
    }

    /// In which frames a cell is seen.
    pub(super) fn presence(&self, index: usize) -> &[bool] {
        &self.valid[index * self.frames..][..self.frames]
    }

    /// Whether a cell is seen in a frame.
    pub(super) fn is_valid(&self, index: usize, t: usize) -> bool {
        self.valid[index * self.frames + t]
    }

    /// `[y0, x0, y1, x1]` of a cell in a frame.
    pub(super) fn bbox(&self, index: usize, t: usize) -> [i32; 4] {
        let start = (index * self.frames + t) * 4;
        [self.boxes[start], self.boxes[start + 1], self.boxes[start + 2], self.boxes[start + 3]]
    }
}

/// Reads a small array that's stored in one chunk, or in none where it has no elements.
fn read_array<T: Sample>(context: &StageContext<'_>, name: &str) -> Result<Vec<T>, StageError> {
    let array = ZarrArray::<T>::open(context.store, &layout::cells_metadata(context.fov_id(), name))?;
    if array.shape().contains(&0) {
        return Ok(Vec::new());
    }
    Ok(array.read_chunk(&vec![0; array.shape().len()])?)
}
