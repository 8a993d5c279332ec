//! `fovflow run`: a movie into traces, on this machine.

use std::num::NonZero;
use std::thread::available_parallelism;

use anyhow::Context;
use fovflow_common::config::{ResolvedConfig, resolve};
use fovflow_common::location::{Location, open_source};
use fovflow_common::plan::{Stage, config_warnings};
use fovflow_common::source::SourceInfo;
use fovflow_common::store::Store;
use indicatif::MultiProgress;
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::args::RunArgs;
use super::config::layers;
use super::progress::Progress;
use super::summary::Summary;
use super::{Ending, print, units};
use crate::scheduler::RunOutcome;
use crate::service::lock::OutputLock;
use crate::service::prepare::Outlook;
use crate::service::{Prepared, embedded, prepare};

/// What to process, and how.
pub(super) struct Job {
    pub(super) source_location: Location,
    pub(super) source: SourceInfo,
    pub(super) config: ResolvedConfig,
    pub(super) output: Location,
    pub(super) workers: usize,
}

pub(super) fn run(args: &RunArgs, bars: &MultiProgress) -> anyhow::Result<Ending> {
    let config = layers(&args.config)?.build()?;
    let output = Location::parse(&args.output).context("--output")?;
    let source_location = Location::parse(&args.file)?;
    let runtime = runtime()?;
    let source = open_source(&source_location, runtime.handle())?.info().clone();
    let (config, warnings) = resolve(&config, &source)?;
    for warning in warnings.iter().chain(&config_warnings(&config)) {
        warn!("{warning}");
    }
    let job = Job { source_location, source, config, output, workers: workers(args.workers) };
    if args.dry_run {
        let prepared = runtime.block_on(prepare(&job.output, &job.source_location, &job.source, &job.config))?;
        print::line(&outlook_table(&prepared));
        return Ok(Ending::Done);
    }
    let (ending, summary) = process(&runtime, &job, bars)?;
    print::line(&summary.text());
    Ok(ending)
}

/// The runtime that drives queue, store and coordinator. Stages compute on threads of their own.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        // Stages occupy such threads while their calls to the local store need others: with too few, all wait for ever. At
        // most 1024 workers have 1536 slots.
        .max_blocking_threads(8192)
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")
}

/// As many workers as asked for, or as there are cores.
pub(super) fn workers(asked: Option<u16>) -> usize {
    asked.map_or_else(|| available_parallelism().map_or(1, NonZero::get), usize::from)
}

/// Makes the pool that frames are computed on. The first call counts.
pub(super) fn use_threads(threads: usize) {
    let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
}

/// Processes a movie, and shows how it goes.
pub(super) fn process(runtime: &Runtime, job: &Job, bars: &MultiProgress) -> anyhow::Result<(Ending, Summary)> {
    use_threads(job.workers);
    let look = || runtime.block_on(prepare(&job.output, &job.source_location, &job.source, &job.config));
    // Once before anything is written, so that a folder of something else stays as it is, and again under the lock.
    look()?;
    let store = Store::open(&job.output)?;
    let _lock = match store.local_root() {
        Some(root) => Some(OutputLock::take(root)?),
        None => None,
    };
    let prepared = look()?;
    runtime.block_on(async {
        store.clear_staging().await?;
        prepared.write(&store).await
    })?;
    tell_outlook(&prepared, bars);

    let cancel = CancellationToken::new();
    let (notices, mut received) = mpsc::unbounded_channel();
    let mut summary = Summary::new(&prepared);
    let mut progress = Progress::new(&prepared, bars);
    let watching = async {
        while let Some(notice) = received.recv().await {
            progress.show(&notice);
            summary.add(&notice);
        }
    };
    let outcome = runtime.block_on(async {
        tokio::spawn(stop_on_signal(cancel.clone()));
        let running = embedded::run(prepared.request(), job.workers, cancel.clone(), notices);
        tokio::join!(running, watching).0
    })?;
    summary.end();
    let ending = match outcome {
        RunOutcome::Done => Ending::Done,
        RunOutcome::DoneWithFailures => Ending::DoneWithFailures,
        RunOutcome::Cancelled => Ending::Cancelled,
    };
    Ok((ending, summary))
}

/// The first signal stops cleanly, the second at once.
async fn stop_on_signal(cancel: CancellationToken) {
    wait_for_signal().await;
    warn!("stopping after the frames in hand; what is committed stays, and the same command goes on from there");
    cancel.cancel();
    wait_for_signal().await;
    std::process::exit(130);
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        result = tokio::signal::ctrl_c() => {
            if result.is_err() {
                std::future::pending::<()>().await;
            }
        }
        _ = terminated.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Says what's already done and what a changed parameter computes again.
fn tell_outlook(prepared: &Prepared, bars: &MultiProgress) {
    let tell = |text: String| {
        if bars.is_hidden() {
            info!("{text}");
        } else {
            // A terminal that can't be written to shows nothing anyway.
            let _ = bars.println(text);
        }
    };
    if prepared.is_complete() {
        tell("everything is already done".to_owned());
        return;
    }
    for stage in Stage::ALL {
        let changed = prepared.count(stage, Outlook::Changed);
        if changed > 0 {
            let fovs = units::count(changed, "FOV");
            tell(format!("{stage}: computed again for {fovs}: a parameter, or what it is made from, has changed"));
        }
        let current = prepared.count(stage, Outlook::Current);
        if current > 0 {
            tell(format!("{stage}: already done for {}", units::count(current, "FOV")));
        }
    }
}

/// What a run would do, a line for each stage.
fn outlook_table(prepared: &Prepared) -> String {
    let mut text = format!("{:<12}{:>9}{:>9}{:>9}{:>9}{:>9}\n", "stage", "done", "new", "changed", "partly", "skipped");
    for stage in Stage::ALL {
        let counts = [Outlook::Current, Outlook::New, Outlook::Changed, Outlook::Partly, Outlook::Skipped]
            .map(|outlook| format!("{:>9}", prepared.count(stage, outlook)));
        text.push_str(&format!("{:<12}{}\n", stage.name(), counts.concat()));
    }
    text.push_str(&format!(
        "FOVs whose stage is done, new, to be computed again because something changed, partly done, or skipped; output {}",
        prepared.output
    ));
    text
}
