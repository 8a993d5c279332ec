//! Which cells are kept.

use crate::stages::StageContext;
use crate::stages::cell_list::CellList;

/// The indices of the cells that are seen long enough and never near an edge. Warns where none is left.
pub(super) fn filter(cells: &CellList, context: &StageContext<'_>, warnings: &mut Vec<String>) -> Vec<usize> {
    let params = &context.params().extraction;
    let all = 0..cells.ids.len();
    let is_long =
        |index: usize| (0..cells.frames).filter(|&t| cells.is_valid(index, t)).count() >= params.min_frames as usize;
    let is_inside = |index: usize| !touches_border(cells, index, i64::from(params.border_margin));
    let long: Vec<bool> = all.clone().map(is_long).collect();
    let inside: Vec<bool> = all.clone().map(is_inside).collect();
    let kept: Vec<usize> = all.filter(|&index| long[index] && inside[index]).collect();
    if cells.ids.is_empty() {
        warnings.push("no cell was found in any frame".to_owned());
    } else if kept.is_empty() {
        let short_count = long.iter().filter(|is_long| !**is_long).count();
        let border_count = inside.iter().filter(|is_inside| !**is_inside).count();
        warnings.push(format!(
            "the filters drop all {} cells: min_frames = {} drops {short_count} (the movie has {} frames), border_margin = \
            {} px drops {border_count} (a frame is {} × {} px)",
            cells.ids.len(), params.min_frames, cells.frames, params.border_margin, cells.frame_shape[0], cells.frame_shape[1],
        ));
    }
    kept
}

/// Whether any pixel of the cell's mask lies within `margin` px of an edge in any frame. A bounding box is tight, so it
/// tells.
fn touches_border(cells: &CellList, index: usize, margin: i64) -> bool {
    let [height, width] = cells.frame_shape.map(i64::from);
    (0..cells.frames).filter(|&t| cells.is_valid(index, t)).any(|t| {
        let [y0, x0, y1, x1] = cells.bbox(index, t).map(i64::from);
        y0 < margin || x0 < margin || y1 > height - margin || x1 > width - margin
    })
}
