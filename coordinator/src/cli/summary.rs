//! The table at the end of a run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fovflow_common::commit::Counts;
use fovflow_common::location::Location;
use fovflow_common::plan::Stage;

use super::units;
use crate::scheduler::{FovOutcome, Verdict};
use crate::service::prepare::Outlook;
use crate::service::{Notice, Prepared};

/// What a run did, gathered from its notices and from the commits that were there before.
#[derive(Debug)]
pub(super) struct Summary {
    stages: [StageTotal; Stage::ALL.len()],
    fovs: usize,
    fovs_done: usize,
    fovs_already_done: usize,
    failures: BTreeMap<u32, (Stage, String)>,
    cache_failures: BTreeMap<u32, String>,
    warnings: BTreeMap<String, Vec<u32>>,
    traces: Counts,
    output: Location,
    started: Instant,
    elapsed: Duration,
}

#[derive(Debug, Clone, Copy, Default)]
struct StageTotal {
    made: usize,
    already: usize,
    skipped: usize,
    failed: usize,
    seconds: f64,
    bytes: u64,
}

impl Summary {
    pub(super) fn new(prepared: &Prepared) -> Self {
        let mut summary = Self {
            stages: Default::default(),
            fovs: prepared.fovs.len(),
            fovs_done: 0,
            fovs_already_done: 0,
            failures: BTreeMap::new(),
            cache_failures: BTreeMap::new(),
            warnings: BTreeMap::new(),
            traces: Counts::default(),
            output: prepared.output.clone(),
            started: Instant::now(),
            elapsed: Duration::ZERO,
        };
        for (_, outlooks) in &prepared.fovs {
            let is_done = |outlook: &Outlook| matches!(outlook, Outlook::Current | Outlook::Skipped);
            summary.fovs_already_done += usize::from(outlooks.iter().all(is_done));
            for (total, outlook) in summary.stages.iter_mut().zip(outlooks) {
                total.already += usize::from(*outlook == Outlook::Current);
                total.skipped += usize::from(*outlook == Outlook::Skipped);
            }
        }
        for ((fov, stage), commit) in &prepared.current {
            for part in commit.parts.values() {
                summary.count(*fov, *stage, part.counts, &part.warnings);
            }
        }
        summary
    }

    pub(super) fn add(&mut self, notice: &Notice) {
        match notice {
            Notice::StageDone { fov, stage, completion } => {
                let total = &mut self.stages[stage.index()];
                total.made += usize::from(completion.computed);
                total.already += usize::from(!completion.computed);
                total.seconds += completion.seconds;
                total.bytes += completion.bytes;
                self.count(*fov, *stage, completion.counts, &completion.warnings);
            }
            Notice::StageFailed { verdict: Verdict::Retry { .. }, .. } => {}
            Notice::StageFailed { fov, stage, cause, .. } => {
                self.stages[stage.index()].failed += 1;
                if !stage.is_critical() {
                    self.cache_failures.insert(*fov, cause.clone());
                }
            }
            Notice::FovFinished { fov, outcome } => match outcome {
                FovOutcome::Done => self.fovs_done += 1,
                FovOutcome::Cancelled => {}
                FovOutcome::Failed { stage, cause } => {
                    self.failures.insert(*fov, (*stage, cause.clone()));
                }
            },
            Notice::Progress { .. } | Notice::RunFinished { .. } => {}
        }
    }

    /// Stops the clock.
    pub(super) fn end(&mut self) {
        self.elapsed = self.started.elapsed();
    }

    fn count(&mut self, fov: u32, stage: Stage, counts: Counts, warnings: &[String]) {
        if stage == Stage::Extract {
            self.traces += counts;
        }
        for warning in warnings {
            self.warnings.entry(format!("{stage}: {warning}")).or_default().push(fov);
        }
    }

    /// The table.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<12}{:>8}{:>13}{:>9}{:>8}{:>11}{:>11}",
            "stage", "made", "already done", "skipped", "failed", "seconds", "written"
        )];
        for stage in Stage::ALL {
            let StageTotal { made, already, skipped, failed, seconds, bytes } = self.stages[stage.index()];
            let written = units::bytes(bytes);
            lines.push(format!(
                "{:<12}{made:>8}{already:>13}{skipped:>9}{failed:>8}{seconds:>11.2}{written:>11}",
                stage.name()
            ));
        }
        let mut fovs = format!("{} of {} done", self.fovs_done, units::count(self.fovs, "FOV"));
        if self.fovs_already_done > 0 {
            fovs.push_str(&format!(" ({} before this run)", self.fovs_already_done));
        }
        fovs.push_str(&format!(", {} failed", self.failures.len()));
        let unfinished = self.fovs - self.fovs_done - self.failures.len();
        if unfinished > 0 {
            fovs.push_str(&format!(", {unfinished} not finished"));
        }
        let elapsed = units::duration(self.elapsed);
        lines.push(format!("{fovs}; {} cells in {} rows; {elapsed}", self.traces.cells, self.traces.rows));
        lines.push(format!("results: {}", self.output));
        for (warning, fovs) in &self.warnings {
            lines.push(format!("warning: {warning} ({})", name_fovs(fovs)));
        }
        for (fov, cause) in &self.cache_failures {
            lines.push(format!("warning: FOV {fov} has no display levels, the stage cache failed: {cause}"));
        }
        for (fov, (stage, cause)) in &self.failures {
            lines.push(format!("failed: FOV {fov}, {stage}: {cause}"));
        }
        if unfinished > 0 {
            lines.push("cancelled: the same command goes on from here".to_owned());
        }
        lines.join("\n")
    }
}

fn name_fovs(fovs: &[u32]) -> String {
    match (fovs, fovs.iter().min(), fovs.iter().max()) {
        ([fov], ..) => format!("FOV {fov}"),
        (_, Some(first), Some(last)) => format!("{} FOVs, from {first} to {last}", fovs.len()),
        _ => "no FOV".to_owned(),
    }
}
