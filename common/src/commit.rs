//! Commits: the objects that say that a stage of a FOV is done.
//!
//! A commit is written after all of a stage's outputs. It's the truth; whatever a message says is a hint. Before a stage
//! writes over a part, the part leaves the commit, so that a commit never vouches for an output that's being changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::plan::{PartPlan, Stage};

/// The version of the commit's own format.
pub const FORMAT: u32 = 1;

/// What stands in a commit object, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// [`FORMAT`]; an object of another format counts as absent.
    pub format: u32,
    /// The FOV's ID.
    pub fov: u32,
    /// The stage.
    pub stage: Stage,
    /// The parts that are whole, by name.
    pub parts: BTreeMap<String, PartCommit>,
}

/// One part of a stage, as it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartCommit {
    /// What the part was made from.
    pub fingerprint: Fingerprint,
    /// The key or folder that holds it.
    pub output: String,
    /// Objects written.
    pub objects: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Warnings that arose, shown again by a run that finds the part done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What was counted while it was made.
    #[serde(default)]
    pub counts: Counts,
    /// Seconds of work, with the reading and writing.
    pub seconds: f64,
    /// Which worker made it.
    pub worker: String,
    /// When it was done, in seconds since the Unix epoch.
    pub finished_unix_s: u64,
}

/// What a run's summary adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Frames processed.
    pub frames: u64,
    /// Cells: tracked (crop) or kept (extract).
    pub cells: u64,
    /// Rows of the CSV.
    pub rows: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.frames += other.frames;
        self.cells += other.cells;
        self.rows += other.rows;
    }
}

impl Commit {
    /// A commit without any part.
    pub fn empty(fov: u32, stage: Stage) -> Self {
        Self { format: FORMAT, fov, stage, parts: BTreeMap::new() }
    }

    /// The parts of a plan that this commit doesn't hold as planned.
    pub fn stale(&self, plan: &PartPlan) -> Vec<String> {
        let is_current = |name: &String, fingerprint: &Fingerprint| {
            self.parts.get(name).is_some_and(|part| part.fingerprint == *fingerprint)
        };
        plan.iter().filter(|(name, fingerprint)| !is_current(name, fingerprint)).map(|(name, _)| name.clone()).collect()
    }

    /// Whether every part of a plan is there as planned.
    pub fn is_current(&self, plan: &PartPlan) -> bool {
        self.stale(plan).is_empty()
    }
}
