//! The configuration after it was checked against a source: every channel an index, every selection a list.

use serde::{Deserialize, Serialize};

use super::model::{FlFeature, Params, PcFeature};

/// What one run computes. Every default is filled in and every value is checked; it's stored with the run, sent to no
/// one, and written to `processing_config.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolvedConfig {
    /// FOV IDs of the file, in the order in which they're processed.
    pub fovs: Vec<u32>,
    /// Frame IDs of the file, ascending; an array's index `t` stands for `frames[t]`.
    pub frames: Vec<u32>,
    /// The Z plane.
    pub z: u32,
    /// The phase-contrast channel.
    pub pc: Option<ResolvedPc>,
    /// The fluorescence channels, in the configured order.
    pub fl: Vec<ResolvedFl>,
    /// Parameters of the stages.
    pub params: Params,
    /// Minutes between frames: as configured, else as the file states, else 10.
    pub frame_interval_min: f64,
}

/// The phase-contrast channel, by index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedPc {
    /// Index in the file.
    pub channel: u32,
    /// Features, in column order.
    pub features: Vec<PcFeature>,
}

/// A fluorescence channel, by index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResolvedFl {
    /// Index in the file.
    pub channel: u32,
    /// Features, in column order.
    pub features: Vec<FlFeature>,
}
