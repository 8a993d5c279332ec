//! The stage graph: which stages a FOV goes through, in which order, and what each of their outputs depends on.
//!
//! A stage makes one or more *parts* (an array, a table). A part has a [`Fingerprint`](crate::fingerprint::Fingerprint) over all that it depends on: the
//! stage's version, its own parameters, the source, and the parts upstream. A stage is current when its commit holds
//! every part that the plan asks for, with the same fingerprint; otherwise just the other parts are made.

mod fov;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use fov::{Action, CELLS, FovPlan, IMAGES, PartPlan, SkipReason, StagePlan, TRACES, config_warnings, ome_part};

/// A step of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Frames from the microscope's file into arrays.
    Copy,
    /// Cells in the phase-contrast channel.
    Segment,
    /// Cells linked over time.
    Track,
    /// Fluorescence background.
    Background,
    /// One small movie per cell.
    Crop,
    /// The table of traces.
    Extract,
    /// Half-resolution levels for display.
    Cache,
}

/// Which kind of worker slot a stage occupies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pool {
    /// Waits for the source and the store.
    Io,
    /// Computes.
    Cpu,
}

impl Stage {
    /// All stages, in an order in which none stands before what it needs.
    pub const ALL: [Self; 7] =
        [Self::Copy, Self::Segment, Self::Track, Self::Background, Self::Crop, Self::Extract, Self::Cache];

    /// The stage's name in keys, logs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Segment => "segment",
            Self::Track => "track",
            Self::Background => "background",
            Self::Crop => "crop",
            Self::Extract => "extract",
            Self::Cache => "cache",
        }
    }

    /// Position in [`Self::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// Raised whenever a stage's output changes for the same input, so that old outputs are made again.
    pub fn version(self) -> u32 {
        match self {
            Self::Copy => 1,
            Self::Segment => 1,
            Self::Track => 1,
            Self::Background => 1,
            Self::Crop => 1,
            Self::Extract => 1,
            Self::Cache => 1,
        }
    }

    /// The stages that must be done, or skipped, before this one starts.
    pub fn needs(self) -> &'static [Self] {
        match self {
            Self::Copy => &[],
            Self::Segment => &[Self::Copy],
            Self::Track => &[Self::Segment],
            Self::Background => &[Self::Copy, Self::Segment],
            Self::Crop => &[Self::Track, Self::Background],
            Self::Extract => &[Self::Crop],
            Self::Cache => &[Self::Track, Self::Background, Self::Extract],
        }
    }

    /// The slots that the stage runs in.
    pub fn pool(self) -> Pool {
        match self {
            Self::Copy => Pool::Io,
            _ => Pool::Cpu,
        }
    }

    /// Whether the FOV counts as failed when this stage fails. A missing cache level is only a warning.
    pub fn is_critical(self) -> bool {
        self != Self::Cache
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Pool {
    /// Both pools.
    pub const ALL: [Self; 2] = [Self::Io, Self::Cpu];

    /// The pool's name in queues and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Cpu => "cpu",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stage_stands_before_what_it_needs() {
        for stage in Stage::ALL {
            assert_eq!(Stage::ALL[stage.index()], stage);
            for need in stage.needs() {
                assert!(need.index() < stage.index(), "{stage} needs {need}, which comes later");
            }
        }
    }
}
