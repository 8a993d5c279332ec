//! `fovflow simulate`: a movie of simulated cells.

use std::path::Path;
use std::time::Instant;

use fovflow_common::simulate::{Layout, SimulationParams, SimulationSummary, simulate_to_czi};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::args::{CellLayout, SimulateArgs};
use super::{Ending, print, units};

pub(super) fn run(args: &SimulateArgs, bars: &MultiProgress) -> anyhow::Result<Ending> {
    let params = SimulationParams {
        fovs: args.fovs,
        frames: args.frames,
        height: args.size,
        width: args.size,
        cells: args.cells,
        seed: args.seed,
        fluorescence_channels: args.fluorescence,
        layout: match args.layout {
            CellLayout::Mixed => Layout::Mixed,
            CellLayout::Separate => Layout::Separate,
            CellLayout::Crowded => Layout::Crowded,
        },
        ..SimulationParams::default()
    };
    let started = Instant::now();
    let summary = simulate(&params, &args.file, args.truth.as_deref(), bars)?;
    let took = units::duration(started.elapsed());
    print::line(&format!(
        "{}: {} planes, {} cells, {} divisions; {took}",
        args.file.display(),
        summary.planes,
        summary.cells,
        summary.divisions
    ));
    Ok(Ending::Done)
}

/// Simulates with a progress bar.
pub(super) fn simulate(
    params: &SimulationParams,
    file: &Path,
    truth: Option<&Path>,
    bars: &MultiProgress,
) -> anyhow::Result<SimulationSummary> {
    let style = ProgressStyle::with_template("{prefix:>10} {bar:30} {pos}/{len}  ETA {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = bars.add(ProgressBar::new(0).with_style(style).with_prefix("simulate"));
    let summary = simulate_to_czi(params, file, truth, &mut |done, total| {
        bar.set_length(u64::from(total));
        bar.set_position(u64::from(done));
    });
    bar.finish_and_clear();
    Ok(summary?)
}
