//! One task, on a thread that may block: from its message to its commit.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fovflow_common::commit::{Commit, Counts};
use fovflow_common::message::{Completion, Task, wire};
use fovflow_common::plan::{FovPlan, PartPlan, Stage, ome_part};
use fovflow_common::run_spec::RunSpec;
use fovflow_common::source::{FovInfo, Source};
use fovflow_common::store::{BlockingStore, Store, commits};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::committer::{Committer, withdraw};
use super::resources::Resources;
use crate::stages::{self, StageContext, StageError};

/// Progress is reported at most this often.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// Warnings reported of a task; the commits hold all of them.
const MAX_WARNINGS: usize = 5;

/// How far a stage is.
pub(super) struct Progress {
    pub(super) done: u64,
    pub(super) total: u64,
}

/// A task and what it needs.
pub(super) struct Job {
    pub(super) task: Task,
    pub(super) worker: String,
    pub(super) resources: Arc<Resources>,
    pub(super) abandon: CancellationToken,
    pub(super) runtime: Handle,
    pub(super) progress: mpsc::Sender<Progress>,
}

impl Job {
    /// Does the task: makes the parts that aren't current, and commits each.
    pub(super) fn run(self) -> Result<Completion, StageError> {
        let Task { run, output, fov, stage, .. } = &self.task;
        let store = self.resources.store(output)?;
        let spec = self.resources.spec(&self.runtime, &store, run)?;
        let Some(fov_info) = spec.source.fov(*fov) else {
            return Err(StageError::Impossible(format!("FOV {fov} is not in {}", spec.source.name)));
        };
        let plan = FovPlan::new(&spec.config, &spec.source, *fov);
        let Some(parts) = plan.stage(*stage).parts() else { return Ok(Completion::default()) };

        let mut commit = self.runtime.block_on(commits::read(&store, *fov, *stage))?;
        let stale: BTreeSet<String> = commit.stale(parts).into_iter().collect();
        if stale.is_empty() {
            return Ok(completion(&commit, parts, &BTreeSet::new(), 0.0));
        }
        // The metadata lies in the array's folder, which is made anew.
        let with_metadata = stale.iter().map(|name| ome_part(name)).filter(|name| parts.contains_key(name));
        let stale: BTreeSet<String> = with_metadata.chain(stale.iter().cloned()).collect();
        let source = match stage {
            Stage::Copy => Some(self.resources.checkout_source(&self.runtime, &spec)?),
            _ => None,
        };
        if self.abandon.is_cancelled() {
            return Err(StageError::Cancelled);
        }
        let started = Instant::now();
        {
            let _one_at_a_time = self.resources.lock_withdrawals();
            withdraw(&self.runtime, &store, &mut commit, &stale)?;
        }
        let committer = Committer::new(&self.runtime, &store, &self.worker, parts, commit);
        self.run_stage(&spec, fov_info, &store, source, stale.clone(), &committer)?;
        let commit = committer.into_commit();
        let seconds = started.elapsed().as_secs_f64();
        let unfinished = commit.stale(parts);
        if !unfinished.is_empty() {
            let reason = format!("the stage {stage} ended without making {}", unfinished.join(", "));
            return Err(StageError::Impossible(reason));
        }
        debug!(fov, stage = %stage, seconds, "stage done");
        Ok(completion(&commit, parts, &stale, seconds))
    }

    fn run_stage(
        &self,
        spec: &RunSpec,
        fov: &FovInfo,
        store: &Store,
        source: Option<Box<dyn Source>>,
        wanted: BTreeSet<String>,
        committer: &Committer<'_>,
    ) -> Result<(), StageError> {
        let last_report = Mutex::new(Instant::now());
        let progress = |done: u64, total: u64| {
            let mut last_report = last_report.lock().unwrap_or_else(PoisonError::into_inner);
            if last_report.elapsed() >= REPORT_INTERVAL {
                *last_report = Instant::now();
                // A report that finds the channel full is one too many.
                let _ = self.progress.try_send(Progress { done, total });
            }
        };
        let blocking_store = BlockingStore::new(store.clone(), self.runtime.clone());
        let context = StageContext {
            spec,
            fov,
            store: &blocking_store,
            source: source.map(Mutex::new),
            wanted,
            cancel: self.abandon.clone(),
            progress: &progress,
            parts: &committer.with_store(&blocking_store),
        };
        let result = stages::run(self.task.stage, &context);
        if let Some(source) = context.source {
            self.resources.return_source(spec, source.into_inner().unwrap_or_else(PoisonError::into_inner));
        }
        result
    }
}

/// What a commit says about a stage, `made` being the parts that were made just now.
fn completion(commit: &Commit, plan: &PartPlan, made: &BTreeSet<String>, seconds: f64) -> Completion {
    let mut counts = Counts::default();
    let mut bytes = 0;
    let mut warnings = Vec::new();
    for (name, part) in commit.parts.iter().filter(|(name, _)| plan.contains_key(*name)) {
        counts += part.counts;
        warnings.extend(&part.warnings);
        if made.contains(name) {
            bytes += part.bytes;
        }
    }
    let warnings = warnings.iter().take(MAX_WARNINGS).map(|warning| wire::shorten(warning)).collect();
    Completion { computed: !made.is_empty(), counts, bytes, seconds, warnings }
}
