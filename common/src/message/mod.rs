//! What coordinator and workers say to each other. The bytes on the wire are made in [`wire`] and nowhere else.

pub mod wire;

use serde::{Deserialize, Serialize};

use crate::commit::Counts;
use crate::ids::RunId;
use crate::plan::Stage;

/// One stage of one FOV, to be done by whichever worker pulls it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Task {
    /// The run.
    pub run: RunId,
    /// Where the run's output and specification are: a location under the worker's store root.
    pub output: String,
    /// The FOV's ID.
    pub fov: u32,
    /// The stage.
    pub stage: Stage,
    /// 1 for the first try.
    pub attempt: u32,
}

/// What a worker reports about a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The run.
    pub run: RunId,
    /// The FOV's ID.
    pub fov: u32,
    /// The stage.
    pub stage: Stage,
    /// The attempt that this is about.
    pub attempt: u32,
    /// The worker that reports.
    pub worker: String,
    /// What happened.
    pub kind: EventKind,
}

/// What happened to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// A worker began.
    Started,
    /// A worker is at work.
    Progress {
        /// Frames done.
        done: u64,
        /// Frames in all.
        total: u64,
    },
    /// The commit is written, or was already there.
    Completed(Completion),
    /// The attempt came to nothing.
    Failed {
        /// Whether another attempt may succeed.
        kind: FailureKind,
        /// What went wrong, and what to do.
        cause: String,
    },
}

/// What a completed task did.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Completion {
    /// Whether anything was computed; false where the commit was already there.
    pub computed: bool,
    /// What was counted, in this attempt or in the one that committed.
    pub counts: Counts,
    /// Bytes written.
    pub bytes: u64,
    /// Seconds of work.
    pub seconds: f64,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Whether it's worth trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum FailureKind {
    /// Store or source out of reach: try again later.
    Transient,
    /// Bad input or an impossible value: it will fail again.
    Permanent,
}
