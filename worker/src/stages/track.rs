//! Stage `track`: regions linked from frame to frame by the IoU of their bounding boxes, so that a cell keeps its ID.

use fovflow_common::config::Tracking;
use fovflow_common::layout;
use fovflow_common::store::zarr::ZarrArray;
use ndarray::Array2;

use super::frames::{Steps, for_each_frame};
use super::images::{open_image, write_image};
use super::{StageContext, StageError};
use crate::imaging::assignment::match_regions;
use crate::imaging::shape::{BBox, Region, regions};

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    let Some(pc) = &context.config().pc else { return Ok(()) };
    write_image(context, &layout::seg_tracked(pc.channel), |tracked| {
        let labels = open_image::<u16>(context, &layout::seg_labeled(pc.channel))?;
        track_movie(context, &labels, tracked)
    })
}

/// Regions first, for every frame; then the links, which need them in order; then the new labels.
fn track_movie(
    context: &StageContext<'_>,
    labels: &ZarrArray<u16>,
    tracked: &ZarrArray<u16>,
) -> Result<Vec<String>, StageError> {
    let steps = Steps::new(2 * context.frames());
    let regions_of_frames = for_each_frame(context, &steps, |t| Ok(regions(labels.read_frame(t)?.view())))?;
    let ids_of_frames = link(&regions_of_frames, &context.params().tracking).map_err(|t| {
        let frame = context.frame_id(t);
        StageError::Impossible(format!(
            "frame {frame}: more than {} cells so far, which is as many as a 16-bit image can \
            number; process fewer frames, raise min_object_size, or lower min_iou",
            u16::MAX
        ))
    })?;
    for_each_frame(context, &steps, |t| {
        let relabelled = relabel(labels.read_frame(t)?, &ids_of_frames[t]);
        tracked.write_frame(t, relabelled.view())?;
        Ok(())
    })?;
    Ok(Vec::new())
}

/// The ID of each label of each frame: `ids[t][label]`, 0 for labels that are dropped or don't occur.
///
/// Frame 0 numbers its regions 1..N in the order of labels. A region that's matched inherits the ID; one that isn't gets the
/// next ID, in the order of labels; IDs aren't used again.
///
/// # Errors
/// The index of the frame in which the IDs exceed 65 535.
fn link(regions_of_frames: &[Vec<Region>], params: &Tracking) -> Result<Vec<Vec<u16>>, usize> {
    let is_kept = |region: &&Region| {
        params.min_size.is_none_or(|size| region.area >= size) && params.max_size.is_none_or(|size| region.area <= size)
    };
    let mut next_id: u32 = 1;
    let mut previous: Vec<(BBox, u16)> = Vec::new();
    let mut ids_of_frames = Vec::with_capacity(regions_of_frames.len());
    for (t, frame) in regions_of_frames.iter().enumerate() {
        let current: Vec<&Region> = frame.iter().filter(is_kept).collect();
        let previous_boxes: Vec<BBox> = previous.iter().map(|(bbox, _)| *bbox).collect();
        let current_boxes: Vec<BBox> = current.iter().map(|region| region.bbox).collect();
        let matches = match_regions(&previous_boxes, &current_boxes, params.min_iou);
        let largest_label = current.last().map_or(0, |region| region.label);
        let mut ids = vec![0; usize::from(largest_label) + 1];
        let mut linked = Vec::with_capacity(current.len());
        for (region, matched) in current.iter().zip(matches) {
            let id = match matched {
                Some(index) => previous[index].1,
                None => {
                    let id = u16::try_from(next_id).map_err(|_| t)?;
                    next_id += 1;
                    id
                }
            };
            ids[usize::from(region.label)] = id;
            linked.push((region.bbox, id));
        }
        ids_of_frames.push(ids);
        previous = linked;
    }
    Ok(ids_of_frames)
}

fn relabel(labels: Array2<u16>, ids: &[u16]) -> Array2<u16> {
    labels.mapv_into(|label| ids.get(usize::from(label)).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(label: u16, y0: u32, x0: u32, side: u32) -> Region {
        let bbox = BBox { y0, x0, y1: y0 + side, x1: x0 + side };
        Region { label, area: u64::from(side) * u64::from(side), bbox }
    }

    #[test]
    fn ids_follow_cells_and_are_never_used_again() {
        let frames = [
            vec![region(1, 0, 0, 10), region(2, 50, 50, 10)],
            vec![region(1, 1, 1, 10)],
            vec![region(1, 2, 2, 10), region(2, 50, 50, 10)],
        ];
        let ids = link(&frames, &Tracking::default()).unwrap();
        assert_eq!(ids, [vec![0, 1, 2], vec![0, 1], vec![0, 1, 3]]);
    }

    #[test]
    fn regions_outside_the_sizes_are_dropped_first() {
        let params = Tracking { min_size: Some(50), max_size: Some(150), ..Tracking::default() };
        let frames = [vec![region(1, 0, 0, 5), region(2, 50, 50, 10), region(3, 90, 90, 20)]];
        assert_eq!(link(&frames, &params).unwrap(), [vec![0, 0, 1]]);
    }

    #[test]
    fn too_many_ids_name_the_frame() {
        let frame = |shift: u32| (1..=40_000).map(|label| region(label, u32::from(label) * 4 + shift, 0, 2)).collect();
        let frames: Vec<Vec<Region>> = vec![frame(0), frame(2)];
        assert_eq!(link(&frames, &Tracking::default()), Err(1));
    }

    #[test]
    fn labels_without_an_id_become_background() {
        let labels = ndarray::arr2(&[[0, 1, 2], [3, 2, 1]]);
        assert_eq!(relabel(labels, &[0, 7, 0]), ndarray::arr2(&[[0, 7, 0], [0, 0, 7]]));
    }
}
