//! What the scheduler wants done or known.

use fovflow_common::ids::RunId;
use fovflow_common::message::{Completion, Task};
use fovflow_common::plan::Stage;

use super::input::Millis;
use super::status::RunStatus;

/// What the service does next, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Publish this task.
    Publish(Task),
    /// Send [`Input::Tick`](super::Input::Tick) at this moment. It replaces the moment asked for before.
    WakeAt(Millis),
    /// Tell all workers that this run is cancelled.
    CancelRun(RunId),
    /// A stage of a FOV is done. Said once, however often it is reported.
    StageDone {
        /// The run.
        run: RunId,
        /// The FOV's ID.
        fov: u32,
        /// The stage.
        stage: Stage,
        /// What was done.
        completion: Completion,
    },
    /// An attempt at a stage came to nothing.
    StageFailed {
        /// The run.
        run: RunId,
        /// The FOV's ID.
        fov: u32,
        /// The stage.
        stage: Stage,
        /// The attempt that failed.
        attempt: u32,
        /// What went wrong.
        cause: String,
        /// What follows.
        verdict: Verdict,
    },
    /// A FOV's last word: nothing of it is in flight and nothing will be. Said once for each FOV, except for those
    /// that a cancelled run never began; [`Command::RunFinished`] counts these.
    FovFinished {
        /// The run.
        run: RunId,
        /// The FOV's ID.
        fov: u32,
        /// How it ended.
        outcome: FovOutcome,
    },
    /// A run's last word. The scheduler has forgotten the run when the service reads this.
    RunFinished {
        /// The run.
        run: RunId,
        /// How it ended.
        outcome: RunOutcome,
        /// How many stages and FOVs ended in which way.
        status: Box<RunStatus>,
    },
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another attempt.
    Retry {
        /// When it is published.
        at: Millis,
    },
    /// The stage fails, and its FOV with it.
    FovFails,
    /// The stage fails, but the FOV can do without.
    Warning,
}

/// How a FOV ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FovOutcome {
    /// Every critical stage is done or skipped.
    Done,
    /// A critical stage failed.
    Failed {
        /// The first that did.
        stage: Stage,
        /// Why.
        cause: String,
    },
    /// The run was cancelled first.
    Cancelled,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// All FOVs are done.
    Done,
    /// Every FOV is done or has failed, and at least one has failed.
    DoneWithFailures,
    /// Somebody cancelled it.
    Cancelled,
}
