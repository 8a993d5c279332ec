//! What the simulated service knows of one life of the scheduler. It checks every command against what may be said.

use std::collections::{BTreeMap, BTreeSet};

use fovflow_common::ids::RunId;
use fovflow_common::message::{Event, EventKind, Task};
use fovflow_common::plan::Stage;

use super::world::{Key, MAX_ATTEMPTS, RunPlan};
use super::*;

/// One life of the scheduler, as seen from outside.
#[derive(Default)]
pub(super) struct Ledger {
    /// The moment for which a tick is asked.
    pub(super) wake_at: Option<Millis>,
    /// Stages that the scheduler has been told are done.
    told_done: BTreeSet<Key>,
    /// Stages that it has said are done.
    said_done: BTreeSet<Key>,
    /// The last attempt that it published.
    attempts: BTreeMap<Key, u32>,
    /// Published attempts that it has not been told the end of.
    in_flight: BTreeMap<Key, u32>,
    /// When the next attempt of what backs off may be published.
    not_before: BTreeMap<Key, Millis>,
    /// FOVs of which something was published and that are not finished.
    active: BTreeMap<RunId, BTreeSet<u32>>,
    /// FOVs that are finished.
    outcomes: BTreeMap<(RunId, u32), FovOutcome>,
    cancelled: BTreeSet<RunId>,
    ended: BTreeSet<RunId>,
}

impl Ledger {
    /// Takes down what the scheduler is about to be told.
    pub(super) fn note_input(&mut self, input: &Input, now: Millis) {
        match input {
            Input::Submit(request) => {
                for fov in &request.fovs {
                    let done = Stage::ALL.into_iter().filter(|stage| fov.stages[stage.index()] == StageState::Done);
                    self.told_done.extend(done.map(|stage| (request.run.clone(), fov.fov, stage)));
                }
            }
            Input::Event(Event { run, fov, stage, attempt, kind, .. }) => {
                let key = (run.clone(), *fov, *stage);
                match kind {
                    EventKind::Started | EventKind::Progress { .. } => {}
                    EventKind::Completed(_) => {
                        self.in_flight.remove(&key);
                        self.not_before.remove(&key);
                        self.told_done.insert(key);
                    }
                    EventKind::Failed { .. } => self.note_failure(key, *attempt),
                }
            }
            Input::Dead { task, .. } => self.note_failure((task.run.clone(), task.fov, task.stage), task.attempt),
            Input::Cancel(run) => {
                self.cancelled.insert(run.clone());
                self.not_before.retain(|key, _| key.0 != *run);
            }
            Input::Tick => {
                assert!(self.wake_at.is_some_and(|at| at <= now));
                self.wake_at = None;
            }
        }
    }

    fn note_failure(&mut self, key: Key, attempt: u32) {
        if self.in_flight.get(&key) == Some(&attempt) {
            self.in_flight.remove(&key);
        }
    }

    /// Checks a command and takes it down.
    pub(super) fn check(
        &mut self,
        command: &Command,
        runs: &BTreeMap<RunId, RunPlan>,
        commits: &BTreeSet<Key>,
        now: Millis,
    ) {
        match command {
            Command::Publish(task) => self.check_publish(task, runs, commits, now),
            Command::WakeAt(at) => self.wake_at = Some(*at),
            Command::CancelRun(run) => assert!(self.cancelled.contains(run)),
            Command::StageDone { run, fov, stage, .. } => {
                let key = (run.clone(), *fov, *stage);
                assert!(commits.contains(&key), "{key:?} has no commit");
                assert!(self.said_done.insert(key.clone()), "{key:?} said to be done twice");
            }
            Command::StageFailed { run, fov, stage, attempt, verdict, .. } => {
                let key = (run.clone(), *fov, *stage);
                assert_eq!(self.attempts.get(&key), Some(attempt), "{key:?}: failure of an attempt that isn't current");
                match verdict {
                    Verdict::Retry { at } => {
                        assert!(*attempt < MAX_ATTEMPTS);
                        assert!(at.0 >= now.0 + 750, "{key:?} is tried again too soon");
                        self.not_before.insert(key, *at);
                    }
                    Verdict::FovFails => assert!(stage.is_critical()),
                    Verdict::Warning => assert!(!stage.is_critical()),
                }
            }
            Command::FovFinished { run, fov, outcome } => self.check_fov(run, *fov, outcome, runs, commits),
            Command::RunFinished { run, outcome, status } => self.check_run(run, *outcome, status, &runs[run]),
        }
    }

    fn check_publish(&mut self, task: &Task, runs: &BTreeMap<RunId, RunPlan>, commits: &BTreeSet<Key>, now: Millis) {
        let Task { run, output, fov, stage, attempt } = task.clone();
        let key = (run.clone(), fov, stage);
        let plan = &runs[&run];
        assert_eq!(output, format!("out/{run}"));
        assert!(!self.cancelled.contains(&run), "{key:?} published after the run was cancelled");
        assert!(!self.ended.contains(&run), "{key:?} published after the run ended");
        assert!(!self.outcomes.contains_key(&(run.clone(), fov)), "{key:?} published after its FOV finished");

        let is_skipped = |stage: Stage| plan.fovs[fov as usize].skipped[stage.index()];
        assert!(!is_skipped(stage), "{key:?} published though it's skipped");
        assert!(!self.told_done.contains(&key), "{key:?} published though it's done");
        for need in upstream(stage) {
            let is_committed = commits.contains(&(run.clone(), fov, need));
            assert!(is_committed || is_skipped(need), "{key:?} published before {need}");
        }

        let last = self.attempts.insert(key.clone(), attempt).unwrap_or(0);
        assert_eq!(attempt, last + 1, "{key:?}: attempts out of order");
        assert!(attempt <= MAX_ATTEMPTS, "{key:?}: attempt {attempt}");
        assert!(
            self.not_before.remove(&key).is_none_or(|at| at <= now),
            "{key:?} published before its back-off is over"
        );
        assert_eq!(self.in_flight.insert(key.clone(), attempt), None, "{key:?} published while in flight");

        let active = self.active.entry(run).or_default();
        active.insert(fov);
        assert!(active.len() <= plan.batch_size as usize, "{key:?} published beyond the window: {active:?}");
    }

    fn check_fov(
        &mut self,
        run: &RunId,
        fov: u32,
        outcome: &FovOutcome,
        runs: &BTreeMap<RunId, RunPlan>,
        commits: &BTreeSet<Key>,
    ) {
        assert!(!self.in_flight.keys().any(|key| key.0 == *run && key.1 == fov), "FOV {fov} finished while in flight");
        self.active.entry(run.clone()).or_default().remove(&fov);
        match outcome {
            FovOutcome::Done => {
                let skipped = runs[run].fovs[fov as usize].skipped;
                for stage in Stage::ALL.into_iter().filter(|stage| stage.is_critical()) {
                    let is_committed = commits.contains(&(run.clone(), fov, stage));
                    assert!(is_committed || skipped[stage.index()], "FOV {fov} done without {stage}");
                }
            }
            FovOutcome::Failed { stage, cause } => {
                assert!(stage.is_critical() && !commits.contains(&(run.clone(), fov, *stage)));
                let known = ["dead-lettered: delivery limit", "bad input", "attempt 4 of 4: store out of reach"];
                assert!(known.contains(&cause.as_str()), "{cause}");
            }
            FovOutcome::Cancelled => assert!(self.cancelled.contains(run)),
        }
        let previous = self.outcomes.insert((run.clone(), fov), outcome.clone());
        assert_eq!(previous, None, "FOV {fov} finished twice");
    }

    fn check_run(&mut self, run: &RunId, outcome: RunOutcome, status: &RunStatus, plan: &RunPlan) {
        assert!(self.ended.insert(run.clone()), "{run} ended twice");
        let outcomes: Vec<_> =
            self.outcomes.iter().filter(|((id, _), _)| id == run).map(|(_, outcome)| outcome).collect();
        let count = |is: fn(&FovOutcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count() as u64;
        let fovs = status.fovs;
        assert_eq!(fovs.done, count(|outcome| *outcome == FovOutcome::Done));
        assert_eq!(fovs.failed, count(|outcome| matches!(outcome, FovOutcome::Failed { .. })));
        assert_eq!((fovs.waiting, fovs.active), (0, 0));
        assert_eq!(fovs.done + fovs.failed + fovs.cancelled, plan.fovs.len() as u64);
        let is_cancelled = self.cancelled.contains(run);
        assert_eq!(outcome == RunOutcome::Cancelled, is_cancelled);
        if !is_cancelled {
            assert_eq!(outcomes.len(), plan.fovs.len(), "{run} ended before all its FOVs");
            assert_eq!(outcome == RunOutcome::DoneWithFailures, fovs.failed > 0);
        }
    }

    /// Checks the counters of all active runs, against the scheduler's own state and against what was seen outside;
    /// and that the service will wake the scheduler in time.
    pub(super) fn check_status(&self, scheduler: &Scheduler) {
        if let Some(due) = self.not_before.values().min() {
            assert!(self.wake_at.is_some_and(|at| at <= *due), "due at {due:?}, woken at {:?}", self.wake_at);
        }
        for (id, run) in &scheduler.runs {
            let status = run.status();
            assert_eq!(*status, run.recount(), "{id}");
            let published = status.stages.iter().map(|stage| stage.queued + stage.running).sum::<u64>();
            assert_eq!(published, self.in_flight.keys().filter(|key| key.0 == *id).count() as u64, "{id}");
            assert_eq!(status.fovs.active, self.active.get(id).map_or(0, BTreeSet::len) as u64, "{id}");
        }
    }

    /// The FOVs of a run that failed.
    pub(super) fn failed_fovs(&self, run: &RunId) -> BTreeSet<u32> {
        let failed = self.outcomes.iter().filter(|(_, outcome)| matches!(outcome, FovOutcome::Failed { .. }));
        failed.filter(|((id, _), _)| id == run).map(|((_, fov), _)| *fov).collect()
    }
}

/// Everything upstream of a stage.
fn upstream(stage: Stage) -> BTreeSet<Stage> {
    let mut found = BTreeSet::new();
    let mut open = stage.needs().to_vec();
    while let Some(need) = open.pop() {
        found.insert(need);
        open.extend(need.needs());
    }
    found
}
