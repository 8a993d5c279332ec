//! Which cells there are, from the metadata of the crops, and which of them are kept.

use fovflow_common::layout;
use fovflow_common::store::zarr::{Sample, ZarrArray, read_attributes};

use crate::stages::{StageContext, StageError};

/// `cells.zarr/metadata`.
pub(super) struct CellList {
    /// Tracked IDs, ascending.
    pub(super) ids: Vec<i32>,
    /// Frames of the movie.
    pub(super) frames: usize,
    frame_shape: [i32; 2],
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

    /// Whether a cell is seen in a frame.
    pub(super) fn is_valid(&self, index: usize, t: usize) -> bool {
        self.valid[index * self.frames + t]
    }

    /// `[y0, x0, y1, x1]` of a cell in a frame.
    pub(super) fn bbox(&self, index: usize, t: usize) -> [i32; 4] {
        let start = (index * self.frames + t) * 4;
        [self.boxes[start], self.boxes[start + 1], self.boxes[start + 2], self.boxes[start + 3]]
    }

    /// The indices of the cells that are seen long enough and never near an edge. Warns where none is left.
    pub(super) fn filter(&self, context: &StageContext<'_>, warnings: &mut Vec<String>) -> Vec<usize> {
        let params = &context.params().extraction;
        let all = 0..self.ids.len();
        let is_long =
            |index: usize| (0..self.frames).filter(|&t| self.is_valid(index, t)).count() >= params.min_frames as usize;
        let is_inside = |index: usize| !self.touches_border(index, i64::from(params.border_margin));
        let long: Vec<bool> = all.clone().map(is_long).collect();
        let inside: Vec<bool> = all.clone().map(is_inside).collect();
        let kept: Vec<usize> = all.filter(|&index| long[index] && inside[index]).collect();
        if self.ids.is_empty() {
            warnings.push("no cell was found in any frame".to_owned());
        } else if kept.is_empty() {
            let short_count = long.iter().filter(|is_long| !**is_long).count();
            let border_count = inside.iter().filter(|is_inside| !**is_inside).count();
            warnings.push(format!(
                "the filters drop all {} cells: min_frames = {} drops {short_count} (the movie has {} frames), border_margin = \
                {} px drops {border_count} (a frame is {} × {} px)",
                self.ids.len(), params.min_frames, self.frames, params.border_margin, self.frame_shape[0], self.frame_shape[1],
            ));
        }
        kept
    }

    /// Whether any pixel of the cell's mask lies within `margin` px of an edge in any frame. A bounding box is tight, so it
    /// tells.
    fn touches_border(&self, index: usize, margin: i64) -> bool {
        let [height, width] = self.frame_shape.map(i64::from);
        (0..self.frames).filter(|&t| self.is_valid(index, t)).any(|t| {
            let [y0, x0, y1, x1] = self.bbox(index, t).map(i64::from);
            y0 < margin || x0 < margin || y1 > height - margin || x1 > width - margin
        })
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
