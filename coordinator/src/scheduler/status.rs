//! How far a run is: counters that are kept up with every step, so that asking costs nothing.

use fovflow_common::plan::Stage;

use super::fov::{Phase, Step};

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunStatus {
    /// Where the FOVs stand in each stage, in the order of [`Stage::ALL`].
    pub stages: [StageCounts; Stage::ALL.len()],
    /// Where the FOVs stand as a whole.
    pub fovs: FovCounts,
    /// Whether somebody cancelled the run.
    pub is_cancelled: bool,
}

/// In how many FOVs a stage stands where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StageCounts {
    /// The plan skips it.
    pub skipped: u64,
    /// Its turn hasn't come, or never will since its FOV failed or its run was cancelled.
    pub waiting: u64,
    /// Published.
    pub queued: u64,
    /// A worker said that it began. A worker that dies doesn't take its word back.
    pub running: u64,
    /// Failed; will be published again.
    pub backing_off: u64,
    /// Its commit is current.
    pub done: u64,
    /// Failed for good.
    pub failed: u64,
}

/// How many FOVs stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FovCounts {
    /// Not admitted yet.
    pub waiting: u64,
    /// Admitted; at most `batch_size`.
    pub active: u64,
    /// Ended well.
    pub done: u64,
    /// Ended with a failed critical stage.
    pub failed: u64,
    /// Ended by cancelling.
    pub cancelled: u64,
}

impl RunStatus {
    /// Where the FOVs stand in one stage.
    pub fn stage(&self, stage: Stage) -> &StageCounts {
        &self.stages[stage.index()]
    }

    /// Counts a FOV's stage that now stands at `step`.
    pub(super) fn enter_step(&mut self, stage: Stage, step: Step) {
        *self.stages[stage.index()].slot(step) += 1;
    }

    /// Stops counting a FOV's stage that stood at `step`.
    pub(super) fn leave_step(&mut self, stage: Stage, step: Step) {
        *self.stages[stage.index()].slot(step) -= 1;
    }

    /// Counts a FOV that now is in `phase`.
    pub(super) fn enter_phase(&mut self, phase: Phase) {
        *self.fovs.slot(phase) += 1;
    }

    /// Stops counting a FOV that was in `phase`.
    pub(super) fn leave_phase(&mut self, phase: Phase) {
        *self.fovs.slot(phase) -= 1;
    }
}

impl StageCounts {
    fn slot(&mut self, step: Step) -> &mut u64 {
        match step {
            Step::Skipped => &mut self.skipped,
            Step::Waiting => &mut self.waiting,
            Step::Queued => &mut self.queued,
            Step::Running => &mut self.running,
            Step::BackingOff => &mut self.backing_off,
            Step::Done => &mut self.done,
            Step::Failed => &mut self.failed,
        }
    }
}

impl FovCounts {
    fn slot(&mut self, phase: Phase) -> &mut u64 {
        match phase {
            Phase::Waiting => &mut self.waiting,
            Phase::Active => &mut self.active,
            Phase::Done => &mut self.done,
            Phase::Failed => &mut self.failed,
            Phase::Cancelled => &mut self.cancelled,
        }
    }
}
