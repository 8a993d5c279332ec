//! What the coordinator tells whoever watches a run.

use fovflow_common::message::Completion;
use fovflow_common::plan::Stage;

use crate::scheduler::{FovOutcome, RunOutcome, Verdict};

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// A worker is at work on a stage of a FOV.
    Progress {
        /// The FOV.
        fov: u32,
        /// The stage.
        stage: Stage,
        /// Steps done.
        done: u64,
        /// Steps in all.
        total: u64,
    },
    /// A stage of a FOV is committed.
    StageDone {
        /// The FOV.
        fov: u32,
        /// The stage.
        stage: Stage,
        /// What it did.
        completion: Completion,
    },
    /// An attempt failed.
    StageFailed {
        /// The FOV.
        fov: u32,
        /// The stage.
        stage: Stage,
        /// Which attempt.
        attempt: u32,
        /// Why.
        cause: String,
        /// What follows.
        verdict: Verdict,
    },
    /// Nothing more will happen for a FOV.
    FovFinished {
        /// The FOV.
        fov: u32,
        /// How it ended.
        outcome: FovOutcome,
    },
    /// Nothing more will happen for the run.
    RunFinished {
        /// How it ended.
        outcome: RunOutcome,
    },
}
