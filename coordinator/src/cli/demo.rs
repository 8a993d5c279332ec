//! `fovflow demo`: simulate a small movie, process it, and show the result.

use anyhow::Context;
use fovflow_common::config::{ChannelRef, Channels};
use fovflow_common::config::{Config, FlChannel, FlFeature, PcChannel, PcFeature, resolve};
use fovflow_common::layout;
use fovflow_common::location::{Location, open_source};
use fovflow_common::simulate::SimulationParams;
use indicatif::MultiProgress;

use super::args::DemoArgs;
use super::run::{self, Job};
use super::{Ending, print, simulate};

pub(super) fn run(args: &DemoArgs, bars: &MultiProgress) -> anyhow::Result<Ending> {
    std::fs::create_dir_all(&args.folder).with_context(|| format!("cannot create {}", args.folder.display()))?;
    let workers = run::workers(args.workers);
    run::use_threads(workers);
    let movie = args.folder.join("movie.czi");
    let output = args.folder.join("results");
    let params = SimulationParams::default();
    if !movie.exists() {
        print::line(&format!("simulating {} ({} FOVs of {} frames)", movie.display(), params.fovs, params.frames));
        simulate::simulate(&params, &movie, Some(&args.folder.join("truth")), bars)?;
    }
    let runtime = run::runtime()?;
    let location = |path: &std::path::Path| Location::parse(&path.to_string_lossy());
    let source_location = location(&movie)?;
    let source = open_source(&source_location, runtime.handle())?.info().clone();
    let (config, _) = resolve(&config(), &source)?;
    let job = Job { source_location, source, config, output: location(&output)?, workers };
    let first_table = output.join(layout::traces(0, layout::basename(&job.source.name)));
    print::line(&format!(
        "processing it, as this command does:\n  fovflow run {} -o {} --pc 0:area,aspect_ratio --fl 1:intensity_total,intensity_mean\n",
        movie.display(),
        output.display()
    ));
    let (ending, summary) = run::process(&runtime, &job, bars)?;
    print::line(&summary.text());
    // A demo that was cancelled, or whose first FOV failed, has no table to show.
    if let Ok(table) = std::fs::read_to_string(&first_table) {
        let head: Vec<&str> = table.lines().take(4).collect();
        print::line(&format!("\nthe traces of FOV 0 begin so ({}):\n{}", first_table.display(), head.join("\n")));
    }
    Ok(ending)
}

/// Phase contrast in channel 0, fluorescence in channel 1, every feature.
fn config() -> Config {
    let pc = PcChannel { channel: ChannelRef::Index(0), features: vec![PcFeature::Area, PcFeature::AspectRatio] };
    let features = vec![FlFeature::IntensityTotal, FlFeature::IntensityMean];
    let fl = FlChannel { channel: ChannelRef::Index(1), features };
    Config { channels: Channels { pc: Some(pc), fl: vec![fl] }, ..Config::default() }
}
