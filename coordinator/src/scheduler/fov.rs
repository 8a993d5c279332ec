//! Where one FOV stands, in 15 bytes.

use fovflow_common::plan::Stage;

use super::input::StageState;
use super::status::RunStatus;

/// One FOV of a run.
#[derive(Debug)]
pub(super) struct Fov {
    phase: Phase,
    steps: [Step; Stage::ALL.len()],
    attempts: [u8; Stage::ALL.len()],
}

/// Where a FOV stands as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not admitted yet.
    Waiting,
    /// In the window.
    Active,
    /// Ended well.
    Done,
    /// Ended with a failed critical stage.
    Failed,
    /// Ended by cancelling.
    Cancelled,
}

/// Where a stage of a FOV stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The plan skips it.
    Skipped,
    /// Its turn hasn't come.
    Waiting,
    /// Published.
    Queued,
    /// Published, and a worker said that it began.
    Running,
    /// Failed; will be published again.
    BackingOff,
    /// Its commit is current.
    Done,
    /// Failed for good.
    Failed,
}

impl Fov {
    /// A FOV that isn't admitted yet, counted in `status`.
    pub(super) fn new(stages: [StageState; Stage::ALL.len()], status: &mut RunStatus) -> Self {
        let steps = stages.map(|state| match state {
            StageState::Skipped => Step::Skipped,
            StageState::Done => Step::Done,
            StageState::Todo => Step::Waiting,
        });
        let fov = Self { phase: Phase::Waiting, steps, attempts: [0; Stage::ALL.len()] };
        fov.count_into(status);
        fov
    }

    /// Adds the FOV to the counters.
    pub(super) fn count_into(&self, status: &mut RunStatus) {
        status.enter_phase(self.phase);
        for stage in Stage::ALL {
            status.enter_step(stage, self.step(stage));
        }
    }

    /// Where the FOV stands.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Where a stage stands.
    pub(super) fn step(&self, stage: Stage) -> Step {
        self.steps[stage.index()]
    }

    /// How often a stage has been published.
    pub(super) fn attempt(&self, stage: Stage) -> u32 {
        u32::from(self.attempts[stage.index()])
    }

    /// Moves the FOV on.
    pub(super) fn set_phase(&mut self, phase: Phase, status: &mut RunStatus) {
        status.leave_phase(self.phase);
        status.enter_phase(phase);
        self.phase = phase;
    }

    /// Moves a stage on.
    pub(super) fn set_step(&mut self, stage: Stage, step: Step, status: &mut RunStatus) {
        status.leave_step(stage, self.step(stage));
        status.enter_step(stage, step);
        self.steps[stage.index()] = step;
    }

    /// Begins the next attempt at a stage and returns its number. The caller keeps it within 255.
    pub(super) fn next_attempt(&mut self, stage: Stage, status: &mut RunStatus) -> u32 {
        self.set_step(stage, Step::Queued, status);
        self.attempts[stage.index()] += 1;
        self.attempt(stage)
    }

    /// Whether this attempt at a stage is published and hasn't been reported on.
    pub(super) fn is_in_flight(&self, stage: Stage, attempt: u32) -> bool {
        matches!(self.step(stage), Step::Queued | Step::Running) && self.attempt(stage) == attempt
    }

    /// Whether a stage may be published now: it waits, and everything upstream is done or skipped.
    pub(super) fn is_ready(&self, stage: Stage) -> bool {
        self.step(stage) == Step::Waiting && self.needs_are_done(stage)
    }

    /// Whether everything upstream of a stage is done or skipped, not just what it needs directly: a stage's commit
    /// can be there while one further up is being made again, whose output the stage may read too.
    fn needs_are_done(&self, stage: Stage) -> bool {
        let is_done = |need: Stage| matches!(self.step(need), Step::Done | Step::Skipped);
        stage.needs().iter().all(|&need| is_done(need) && self.needs_are_done(need))
    }

    /// Whether nothing is published or about to be published again.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Queued | Step::Running | Step::BackingOff))
    }

    /// Whether there's nothing left to do: every stage is done or skipped, or has failed and isn't critical.
    pub(super) fn is_complete(&self) -> bool {
        Stage::ALL.into_iter().all(|stage| match self.step(stage) {
            Step::Done | Step::Skipped => true,
            Step::Failed => !stage.is_critical(),
            Step::Waiting | Step::Queued | Step::Running | Step::BackingOff => false,
        })
    }
}
