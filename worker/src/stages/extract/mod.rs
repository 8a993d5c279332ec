//! Stage `extract`: crops and their metadata into the table of traces.

mod features;
mod filter;
mod table;

use bytes::Bytes;
use fovflow_common::commit::Counts;
use fovflow_common::layout;
use fovflow_common::plan::TRACES;
use rayon::prelude::*;

use self::features::CellReader;
use super::cell_list::CellList;
use super::frames::Steps;
use super::{StageContext, StageError};

pub(super) fn run(context: &StageContext<'_>) -> Result<(), StageError> {
    if !context.wants(TRACES) {
        return Ok(());
    }
    let mut text = table::header(context.config());
    let mut counts = Counts::default();
    let mut warnings = Vec::new();
    if context.config().pc.is_some() {
        let cells = CellList::read(context)?;
        let kept = filter::filter(&cells, context, &mut warnings);
        let steps = Steps::new(kept.len());
        let traces: Result<Vec<(u64, String)>, StageError> = kept
            .par_iter()
            .map(|&index| {
                context.check_cancelled()?;
                let rows = trace(context, &cells, index)?;
                steps.advance(context);
                Ok(rows)
            })
            .collect();
        for (rows, trace) in traces? {
            text.push_str(&trace);
            counts.rows += rows;
        }
        counts.cells = kept.len() as u64;
    }
    let key = layout::traces(context.fov_id(), layout::basename(&context.spec.source.name));
    context.store.put(&key, Bytes::from(text))?;
    context.parts.finish(TRACES, key, counts, warnings)
}

/// The rows of one cell, by frame: how many, and their text.
fn trace(context: &StageContext<'_>, cells: &CellList, index: usize) -> Result<(u64, String), StageError> {
    let reader = CellReader::open(context, cells.ids[index])?;
    let mut text = String::new();
    let mut rows = 0;
    let block_frames = reader.block_frames();
    for start in (0..cells.frames).step_by(block_frames) {
        let end = (start + block_frames).min(cells.frames);
        if !(start..end).any(|t| cells.is_valid(index, t)) {
            continue;
        }
        let block = reader.read_block(start / block_frames)?;
        for t in (start..end).filter(|&t| cells.is_valid(index, t)) {
            let values = block.features(context, t - start);
            let row = table::Row {
                fov: context.fov_id(),
                cell: cells.ids[index],
                frame: context.frame_id(t),
                bbox: cells.bbox(index, t),
            };
            row.write(&values, &mut text);
            rows += 1;
        }
    }
    Ok((rows, text))
}
