//! Stage `segment`: cells in each frame of the phase-contrast channel, by the logarithm of the local standard deviation.

use fovflow_common::config::{CleanupStep, MorphShape, Segmentation, Threshold};
use fovflow_common::layout;
use fovflow_common::store::zarr::ZarrArray;
use ndarray::{Array2, ArrayView2};

use super::frames::{Steps, for_each_frame};
use super::images::{open_image, write_image};
use super::{StageContext, StageError};
use crate::imaging::bitmask::Bitmask;
use crate::imaging::fill_holes::fill_holes;
use crate::imaging::footprint::Footprint;
use crate::imaging::morphology::{binary_closing, binary_opening};
use crate::imaging::{box_filter, components, threshold};

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    let Some(pc) = &context.config().pc else { return Ok(()) };
    write_image(context, &layout::seg_labeled(pc.channel), |labels| {
        let frames = open_image::<u16>(context, &layout::pc(pc.channel))?;
        segment_movie(context, &frames, labels)
    })
}

fn segment_movie(
    context: &StageContext<'_>,
    frames: &ZarrArray<u16>,
    labels: &ZarrArray<u16>,
) -> Result<Vec<String>, StageError> {
    let steps = Steps::new(context.frames());
    for_each_frame(context, &steps, |t| {
        let frame = frames.read_frame(t)?;
        let labelled = segment(frame.view(), &context.params().segmentation)
            .map_err(|reason| StageError::Impossible(format!("frame {}: {reason}", context.frame_id(t))))?;
        labels.write_frame(t, labelled.view())?;
        Ok(())
    })?;
    Ok(Vec::new())
}

/// Labels the cells of one frame, 1..N in raster order; 0 is background.
fn segment(frame: ArrayView2<u16>, params: &Segmentation) -> Result<Array2<u16>, String> {
    let log_std = box_filter::log_std(frame, params.logstd_window_size as usize).map_err(|error| error.to_string())?;
    let threshold = match params.threshold {
        Threshold::Valley => threshold::valley(log_std.view()),
        Threshold::ModeSigma => threshold::mode_sigma(log_std.view()),
    };
    let footprint = match params.morph_shape {
        MorphShape::Disk => Footprint::disk_of_diameter(params.morph_size as usize),
        MorphShape::Square => Footprint::square(params.morph_size as usize),
    };
    let iterations = params.morph_iterations as usize;
    let min_size = params.min_object_size as usize;
    let mut mask = Bitmask::above(log_std.view(), threshold);
    for step in &params.cleanup {
        mask = match step {
            CleanupStep::Close => binary_closing(&mask, &footprint, iterations),
            CleanupStep::RemoveSmall => components::remove_small(&mask, min_size),
            CleanupStep::Fill => fill_holes(&mask),
            CleanupStep::Open => binary_opening(&mask, &footprint, iterations),
        };
    }
    let labels = components::label_filtered(&mask, min_size..=params.max_object_size as usize)
        .map_err(|error| error.to_string())?;
    Ok(labels.image)
}
