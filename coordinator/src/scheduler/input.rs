//! What the scheduler is told.

use fovflow_common::ids::RunId;
use fovflow_common::message::{Event, Task};
use fovflow_common::plan::Stage;

/// A moment in milliseconds. The clock's zero is the caller's affair; it should not run backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// The moment `millis` milliseconds later.
    pub fn after(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// A run begins, or goes on after the coordinator lost its memory. Ignored where a run with this ID is active,
    /// since submissions are delivered at least once.
    Submit(RunRequest),
    /// A worker reports.
    Event(Event),
    /// The broker gave a task up: it killed too many workers, or none could read it.
    Dead {
        /// The task.
        task: Task,
        /// Why the broker gave it up.
        reason: String,
    },
    /// Somebody wants the run to stop. The second time, it ends without waiting for the tasks in flight.
    Cancel(RunId),
    /// The moment of the last [`Command::WakeAt`](super::Command::WakeAt) has come.
    Tick,
}

/// A run: what its FOVs go through, and what of that is done already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The run.
    pub run: RunId,
    /// Goes into every task as it is.
    pub output: String,
    /// How many FOVs are under way at once; 0 counts as 1.
    pub batch_size: u32,
    /// How often a stage of a FOV is tried; clamped to 1..=255.
    pub max_attempts: u32,
    /// The FOVs, in the order of admission. Where an ID comes twice, the first counts.
    pub fovs: Vec<FovRequest>,
}

impl RunRequest {
    /// The usual value of `max_attempts`.
    pub const DEFAULT_MAX_ATTEMPTS: u32 = 5;
}

/// One FOV of a [`RunRequest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FovRequest {
    /// The FOV's ID.
    pub fov: u32,
    /// Its stages, in the order of [`Stage::ALL`].
    pub stages: [StageState; Stage::ALL.len()],
}

/// What there is to do in a stage of a FOV, by its plan and its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageState {
    /// Nothing: the plan skips it.
    Skipped,
    /// Nothing: its commit is current.
    Done,
    /// Everything.
    Todo,
}
