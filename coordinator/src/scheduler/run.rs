//! Where one run stands, and every step that a run can take.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use fovflow_common::ids::RunId;
use fovflow_common::message::{Completion, Task};
use fovflow_common::plan::Stage;

use super::command::{Command, FovOutcome, RunOutcome, Verdict};
use super::fov::{Fov, Phase, Step};
use super::input::{Millis, RunRequest};
use super::retry::{Retry, delay_millis};
use super::status::RunStatus;

/// One active run.
#[derive(Debug)]
pub(super) struct Run {
    id: RunId,
    output: String,
    batch_size: u64,
    max_attempts: u32,
    fovs: BTreeMap<u32, Fov>,
    /// FOVs to be admitted, in order. One that's complete before its turn is passed over.
    queue: VecDeque<u32>,
    /// Why a FOV that isn't finished yet will end as failed.
    causes: BTreeMap<u32, (Stage, String)>,
    status: RunStatus,
}

impl Run {
    /// A run of which nothing is published yet.
    pub(super) fn new(request: RunRequest) -> Self {
        let mut run = Self {
            id: request.run,
            output: request.output,
            batch_size: u64::from(request.batch_size.max(1)),
            max_attempts: request.max_attempts.clamp(1, u32::from(u8::MAX)),
            fovs: BTreeMap::new(),
            queue: VecDeque::with_capacity(request.fovs.len()),
            causes: BTreeMap::new(),
            status: RunStatus::default(),
        };
        for fov in request.fovs {
            if let Entry::Vacant(entry) = run.fovs.entry(fov.fov) {
                entry.insert(Fov::new(fov.stages, &mut run.status));
                run.queue.push_back(fov.fov);
            }
        }
        run
    }

    /// How far the run is.
    pub(super) fn status(&self) -> &RunStatus {
        &self.status
    }

    /// Finishes the FOVs that are complete already and admits the first others.
    pub(super) fn start(&mut self, commands: &mut Vec<Command>) {
        for fov in std::mem::take(&mut self.queue) {
            self.settle(fov, commands);
            if self.fovs.get(&fov).is_some_and(|fov| fov.phase() == Phase::Waiting) {
                self.queue.push_back(fov);
            }
        }
        self.admit(commands);
    }

    /// A worker is at work on an attempt.
    pub(super) fn began(&mut self, fov: u32, stage: Stage, attempt: u32) {
        let Some(fov) = self.fovs.get_mut(&fov) else { return };
        if fov.is_in_flight(stage, attempt) {
            fov.set_step(stage, Step::Running, &mut self.status);
        }
    }

    /// The commit of a stage is there, whoever wrote it and whenever.
    pub(super) fn completed(&mut self, id: u32, stage: Stage, completion: Completion, commands: &mut Vec<Command>) {
        let Some(fov) = self.fovs.get_mut(&id) else { return };
        if matches!(fov.step(stage), Step::Skipped | Step::Done | Step::Failed) {
            return;
        }
        fov.set_step(stage, Step::Done, &mut self.status);
        commands.push(Command::StageDone { run: self.id.clone(), fov: id, stage, completion });
        self.settle(id, commands);
        self.admit(commands);
    }

    /// An attempt failed, and another may not. Returns the back-off until that one, if there is to be one.
    pub(super) fn failed_for_now(
        &mut self,
        id: u32,
        stage: Stage,
        attempt: u32,
        cause: String,
        now: Millis,
        commands: &mut Vec<Command>,
    ) -> Option<Retry> {
        if attempt >= self.max_attempts && !self.status.is_cancelled {
            let cause = format!("attempt {attempt} of {}: {cause}", self.max_attempts);
            self.failed_for_good(id, stage, attempt, cause, commands);
            return None;
        }
        let fov = self.fovs.get_mut(&id)?;
        if !fov.is_in_flight(stage, attempt) {
            return None;
        }
        if self.status.is_cancelled {
            fov.set_step(stage, Step::Waiting, &mut self.status);
            self.settle(id, commands);
            return None;
        }
        fov.set_step(stage, Step::BackingOff, &mut self.status);
        let run = self.id.clone();
        let at = now.after(delay_millis(&run, id, stage, attempt));
        let verdict = Verdict::Retry { at };
        commands.push(Command::StageFailed { run: run.clone(), fov: id, stage, attempt, cause, verdict });
        Some(Retry { at, run, fov: id, stage, attempt })
    }

    /// An attempt failed, and any other would.
    pub(super) fn failed_for_good(
        &mut self,
        id: u32,
        stage: Stage,
        attempt: u32,
        cause: String,
        commands: &mut Vec<Command>,
    ) {
        let Some(fov) = self.fovs.get_mut(&id) else { return };
        if !fov.is_in_flight(stage, attempt) {
            return;
        }
        fov.set_step(stage, Step::Failed, &mut self.status);
        let mut verdict = Verdict::Warning;
        if stage.is_critical() {
            verdict = Verdict::FovFails;
            self.causes.entry(id).or_insert_with(|| (stage, cause.clone()));
        }
        commands.push(Command::StageFailed { run: self.id.clone(), fov: id, stage, attempt, cause, verdict });
        self.settle(id, commands);
        self.admit(commands);
    }

    /// A back-off is over.
    pub(super) fn retry(&mut self, retry: &Retry, commands: &mut Vec<Command>) {
        let Some(fov) = self.fovs.get_mut(&retry.fov) else { return };
        if fov.step(retry.stage) == Step::BackingOff && fov.attempt(retry.stage) == retry.attempt {
            self.publish(retry.fov, retry.stage, commands);
        }
    }

    /// Stops publishing. The first time, FOVs with tasks in flight wait for these; the second time they don't.
    pub(super) fn cancel(&mut self, commands: &mut Vec<Command>) {
        let waits_for_tasks = !self.status.is_cancelled;
        if waits_for_tasks {
            self.status.is_cancelled = true;
            commands.push(Command::CancelRun(self.id.clone()));
        }
        let mut active = Vec::new();
        for (&id, fov) in &mut self.fovs {
            if fov.phase() != Phase::Active {
                continue;
            }
            active.push(id);
            for stage in Stage::ALL {
                let is_given_up = match fov.step(stage) {
                    Step::BackingOff => true,
                    Step::Queued | Step::Running => !waits_for_tasks,
                    Step::Skipped | Step::Waiting | Step::Done | Step::Failed => false,
                };
                if is_given_up {
                    fov.set_step(stage, Step::Waiting, &mut self.status);
                }
            }
        }
        for id in active {
            self.settle(id, commands);
        }
    }

    /// How the run ended; `None` while it goes on. Where no FOV is active, none can be admitted either.
    pub(super) fn outcome(&self) -> Option<RunOutcome> {
        let fovs = &self.status.fovs;
        if fovs.active > 0 {
            return None;
        }
        Some(match (self.status.is_cancelled, fovs.failed) {
            (true, _) => RunOutcome::Cancelled,
            (false, 0) => RunOutcome::Done,
            (false, _) => RunOutcome::DoneWithFailures,
        })
    }

    /// The status of a run that's over. FOVs that a cancelled run never began count as cancelled.
    pub(super) fn into_status(self) -> RunStatus {
        let mut status = self.status;
        status.fovs.cancelled += std::mem::take(&mut status.fovs.waiting);
        status
    }

    /// Admits FOVs while there's room in the window.
    fn admit(&mut self, commands: &mut Vec<Command>) {
        while !self.status.is_cancelled && self.status.fovs.active < self.batch_size {
            let Some(id) = self.queue.pop_front() else { return };
            let Some(fov) = self.fovs.get_mut(&id) else { continue };
            if fov.phase() == Phase::Waiting {
                fov.set_phase(Phase::Active, &mut self.status);
                self.settle(id, commands);
            }
        }
    }

    /// After a change in a FOV: publishes what it made ready, and finishes the FOV where nothing is left to wait for.
    fn settle(&mut self, id: u32, commands: &mut Vec<Command>) {
        for stage in Stage::ALL {
            let Some(fov) = self.fovs.get(&id) else { return };
            if fov.phase() == Phase::Active && fov.is_ready(stage) && !self.status.is_cancelled {
                self.publish(id, stage, commands);
            }
        }
        let Some(fov) = self.fovs.get(&id) else { return };
        let is_over = match fov.phase() {
            Phase::Waiting => fov.is_complete(),
            Phase::Active => fov.is_at_rest(),
            Phase::Done | Phase::Failed | Phase::Cancelled => false,
        };
        if is_over {
            self.finish(id, commands);
        }
    }

    /// Publishes the next attempt at a stage.
    fn publish(&mut self, id: u32, stage: Stage, commands: &mut Vec<Command>) {
        let Some(fov) = self.fovs.get_mut(&id) else { return };
        let attempt = fov.next_attempt(stage, &mut self.status);
        commands.push(Command::Publish(Task {
            run: self.id.clone(),
            output: self.output.clone(),
            fov: id,
            stage,
            attempt,
        }));
    }

    /// Says a FOV's last word.
    fn finish(&mut self, id: u32, commands: &mut Vec<Command>) {
        let Some(fov) = self.fovs.get_mut(&id) else { return };
        let (phase, outcome) = match self.causes.remove(&id) {
            Some((stage, cause)) => (Phase::Failed, FovOutcome::Failed { stage, cause }),
            None if fov.is_complete() => (Phase::Done, FovOutcome::Done),
            None => (Phase::Cancelled, FovOutcome::Cancelled),
        };
        fov.set_phase(phase, &mut self.status);
        commands.push(Command::FovFinished { run: self.id.clone(), fov: id, outcome });
    }

    /// The status, counted anew.
    #[cfg(test)]
    pub(super) fn recount(&self) -> RunStatus {
        let mut status = RunStatus { is_cancelled: self.status.is_cancelled, ..RunStatus::default() };
        for fov in self.fovs.values() {
            fov.count_into(&mut status);
        }
        status
    }

    /// Asserts that no more FOVs are active, and no stage was tried more often, than was asked for.
    #[cfg(test)]
    pub(super) fn assert_within_limits(&self) {
        assert!(self.status.fovs.active <= self.batch_size);
        for fov in self.fovs.values() {
            assert!(Stage::ALL.into_iter().all(|stage| fov.attempt(stage) <= self.max_attempts));
        }
    }
}
