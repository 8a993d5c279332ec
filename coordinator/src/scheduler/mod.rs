//! The scheduler: decides which task is published when. A pure state machine without I/O, clock or randomness:
//! [`Scheduler::handle`] takes what happened and the time, and returns what to do. The same inputs give the same
//! commands on every machine.
//!
//! # The files
//! - `input`: what the scheduler is told, and `command`: what it wants done.
//! - `run`: every step that a run can take; `fov`: where one FOV stands, and when a stage of it is ready.
//! - `retry`: back-off. `status`: counters for whoever asks how far a run is.
//! - Tests: `tests` goes through the rules one by one; `properties` lets a simulated cluster, `world`, do its worst
//!   and checks every command against a `ledger`.
//!
//! # The rules
//! - **Window.** FOVs are admitted in the order given, at most `batch_size` at once. A FOV keeps its place until
//!   nothing of it is in flight or backing off. One without anything to do is finished at once and never takes a
//!   place.
//! - **Order.** A stage is published when everything upstream of it is done or skipped.
//! - **The store is the truth.** [`EventKind::Completed`] makes a stage done, whatever attempt reports it and whether
//!   or not it was published by this scheduler: its commit exists. It says nothing about the stages upstream, which
//!   are part of the result themselves: one that isn't done is still made, and what's downstream waits for it.
//! - **What's done stays done.** A stage that's known to be done is never published, and further reports are ignored.
//! - **Failures count once.** A failure or dead letter counts only where its attempt is the one in flight; of any
//!   other attempt it says nothing that matters now. One that a former coordinator published may bear the same number:
//!   then its failure is taken for this one's. A transient one costs an attempt; a permanent one or a dead letter
//!   fails the stage, as this one's would have.
//! - **A transient failure** is tried again after a back-off, up to `max_attempts` times; then it's permanent.
//! - **A permanent failure** of a critical stage fails the FOV. What doesn't depend on that stage still runs to its
//!   end, retries included, so that the output of a failed FOV doesn't depend on who was faster. Then the FOV is
//!   finished. The failure stands even if the stage's commit turns up later; the next run will find it. The cache is
//!   not critical: its failure is a warning.
//! - **Cancelling** stops all publishing and retrying. The run ends when the tasks in flight have reported, or at once
//!   on a second cancel. A FOV whose stage fails for good meanwhile still ends as failed.
//! - **A finished run is forgotten.** Events of unknown runs and FOVs, or of skipped stages, are ignored.
//!
//! The scheduler counts on a task that was published being reported on or dead-lettered in the end: the broker
//! delivers at least once, and workers acknowledge after their report is confirmed. It has no timeouts of its own.

mod command;
mod fov;
mod input;
mod retry;
mod run;
mod status;

#[cfg(test)]
mod ledger;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::collections::BTreeMap;

use fovflow_common::ids::RunId;
use fovflow_common::message::{Event, EventKind, FailureKind, Task};

pub use command::{Command, FovOutcome, RunOutcome, Verdict};
pub use input::{FovRequest, Input, Millis, RunRequest, StageState};
pub use status::{FovCounts, RunStatus, StageCounts};

use retry::Retries;
use run::Run;

/// The state of all active runs.
#[derive(Debug, Default)]
pub struct Scheduler {
    runs: BTreeMap<RunId, Run>,
    retries: Retries,
    /// The moment that the last [`Command::WakeAt`] asked for, unless it has come.
    wake_at: Option<Millis>,
}

impl Scheduler {
    /// A scheduler without any run.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what happened at `now` and returns what to do, in order. Work per call doesn't grow with the number of
    /// FOVs, except for submitting and cancelling.
    pub fn handle(&mut self, input: Input, now: Millis) -> Vec<Command> {
        let mut commands = Vec::new();
        match input {
            Input::Submit(request) => self.submit(request, &mut commands),
            Input::Event(event) => self.event(event, now, &mut commands),
            Input::Dead { task, reason } => self.dead(task, &reason, &mut commands),
            Input::Cancel(run) => self.cancel(&run, &mut commands),
            Input::Tick => self.tick(now, &mut commands),
        }
        self.ask_to_be_woken(&mut commands);
        commands
    }

    /// How far a run is; `None` where it isn't active. Costs the same for any number of FOVs.
    pub fn run_status(&self, run: &RunId) -> Option<&RunStatus> {
        self.runs.get(run).map(Run::status)
    }

    /// The active runs, by ID.
    pub fn runs(&self) -> impl Iterator<Item = &RunId> {
        self.runs.keys()
    }

    fn submit(&mut self, request: RunRequest, commands: &mut Vec<Command>) {
        if self.runs.contains_key(&request.run) {
            return;
        }
        let id = request.run.clone();
        let mut run = Run::new(request);
        run.start(commands);
        self.runs.insert(id.clone(), run);
        self.finish_if_over(&id, commands);
    }

    fn event(&mut self, event: Event, now: Millis, commands: &mut Vec<Command>) {
        let Event { run: id, fov, stage, attempt, worker: _, kind } = event;
        let Some(run) = self.runs.get_mut(&id) else { return };
        match kind {
            EventKind::Started | EventKind::Progress { .. } => run.began(fov, stage, attempt),
            EventKind::Completed(completion) => run.completed(fov, stage, completion, commands),
            EventKind::Failed { kind: FailureKind::Transient, cause } => {
                if let Some(retry) = run.failed_for_now(fov, stage, attempt, cause, now, commands) {
                    self.retries.push(retry);
                }
            }
            EventKind::Failed { kind: FailureKind::Permanent, cause } => {
                run.failed_for_good(fov, stage, attempt, cause, commands);
            }
        }
        self.finish_if_over(&id, commands);
    }

    fn dead(&mut self, task: Task, reason: &str, commands: &mut Vec<Command>) {
        let Task { run: id, output: _, fov, stage, attempt } = task;
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.failed_for_good(fov, stage, attempt, format!("dead-lettered: {reason}"), commands);
        self.finish_if_over(&id, commands);
    }

    fn cancel(&mut self, id: &RunId, commands: &mut Vec<Command>) {
        let Some(run) = self.runs.get_mut(id) else { return };
        run.cancel(commands);
        self.finish_if_over(id, commands);
    }

    fn tick(&mut self, now: Millis, commands: &mut Vec<Command>) {
        self.wake_at = None;
        for retry in self.retries.take_due(now) {
            if let Some(run) = self.runs.get_mut(&retry.run) {
                run.retry(&retry, commands);
            }
        }
    }

    /// Says a run's last word and forgets it, where it's over.
    fn finish_if_over(&mut self, id: &RunId, commands: &mut Vec<Command>) {
        let Some(outcome) = self.runs.get(id).and_then(Run::outcome) else { return };
        let Some(run) = self.runs.remove(id) else { return };
        self.retries.forget(id);
        commands.push(Command::RunFinished { run: id.clone(), outcome, status: Box::new(run.into_status()) });
    }

    /// Asks for the next tick, unless that's been done.
    fn ask_to_be_woken(&mut self, commands: &mut Vec<Command>) {
        let earliest = self.retries.earliest();
        if earliest == self.wake_at {
            return;
        }
        self.wake_at = earliest;
        commands.extend(earliest.map(Command::WakeAt));
    }
}
