//! `cells.zarr/metadata`: which cells there are, where, and in which frames.

use fovflow_common::layout;
use fovflow_common::store::zarr::{ArraySpec, Sample, ZarrArray, write_group};
use serde_json::{Map, json};

use super::windows::{Cell, Windows};
use crate::stages::{StageContext, StageError};

pub(super) fn write(context: &StageContext<'_>, windows: &Windows) -> Result<(), StageError> {
    let fov = context.fov_id();
    let (height, width) = context.frame_size();
    let mut attributes = Map::new();
    attributes.insert("frame_shape".to_owned(), json!([height, width]));
    write_group(context.store, &layout::cells_metadata(fov, ""), attributes)?;

    let cells = windows.cells();
    let (count, frames) = (cells.len() as u64, windows.frames() as u64);
    let ids: Vec<i32> = cells.iter().map(|cell| i32::from(cell.id)).collect();
    write_array(context, "cell_ids", &ArraySpec::new(&[count], &[count.max(1)], &["cell"]), &ids)?;

    let boxes: Vec<i32> = cells.iter().flat_map(|cell| boxes_in_time(cell, windows.frames())).collect();
    let spec = ArraySpec::new(&[count, frames, 4], &[count.max(1), frames.max(1), 4], &["cell", "t", "y0_x0_y1_x1"]);
    write_array(context, "bboxes", &spec, &boxes)?;

    let valid: Vec<bool> = cells.iter().flat_map(|cell| presence_in_time(cell, windows.frames())).collect();
    let spec = ArraySpec::new(&[count, frames], &[count.max(1), frames.max(1)], &["cell", "t"]);
    write_array(context, "valid_frames", &spec, &valid)
}

/// Writes a small array in one chunk; an array without elements has none.
fn write_array<T: Sample>(
    context: &StageContext<'_>,
    name: &str,
    spec: &ArraySpec,
    samples: &[T],
) -> Result<(), StageError> {
    let array = ZarrArray::create(context.store, &layout::cells_metadata(context.fov_id(), name), spec)?;
    if !samples.is_empty() {
        array.write_chunk(&vec![0; spec.shape.len()], samples)?;
    }
    Ok(())
}

/// `[y0, x0, y1, x1]` for each frame, −1 where the cell is absent.
fn boxes_in_time(cell: &Cell, frames: usize) -> Vec<i32> {
    let mut boxes = vec![-1; frames * 4];
    for (t, bbox) in &cell.boxes {
        let values = [bbox.y0, bbox.x0, bbox.y1, bbox.x1].map(|value| value as i32);
        boxes[*t as usize * 4..][..4].copy_from_slice(&values);
    }
    boxes
}

fn presence_in_time(cell: &Cell, frames: usize) -> Vec<bool> {
    let mut presence = vec![false; frames];
    for (t, _) in &cell.boxes {
        presence[*t as usize] = true;
    }
    presence
}
