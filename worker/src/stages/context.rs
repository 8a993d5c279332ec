//! What a stage is given, and how it declares its parts done.

use std::collections::BTreeSet;
use std::sync::Mutex;

use fovflow_common::commit::Counts;
use fovflow_common::config::{Params, ResolvedConfig};
use fovflow_common::run_spec::RunSpec;
use fovflow_common::source::{FovInfo, Source};
use fovflow_common::store::BlockingStore;
use fovflow_common::store::zarr::ome::Scale;
use tokio_util::sync::CancellationToken;

use super::StageError;

/// Where finished parts go: the runtime commits them.
pub trait PartWriter: Sync {
    /// Commits a part whose output is whole in the store. `output` is its key or folder.
    ///
    /// # Errors
    /// Where the commit can't be written.
    fn finish(&self, part: &str, output: String, counts: Counts, warnings: Vec<String>) -> Result<(), StageError>;
}

/// What a stage of a FOV is given.
pub struct StageContext<'a> {
    /// What the run computes.
    pub spec: &'a RunSpec,
    /// The FOV, as the source describes it.
    pub fov: &'a FovInfo,
    /// The output.
    pub store: &'a BlockingStore,
    /// The source; only `copy` has one.
    pub source: Option<Mutex<Box<dyn Source>>>,
    /// The parts to make. Others are current and must not be touched.
    pub wanted: BTreeSet<String>,
    /// Tells the stage to stop.
    pub cancel: CancellationToken,
    /// Told how many frames of how many are done.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
    /// Where finished parts go.
    pub parts: &'a dyn PartWriter,
}

impl StageContext<'_> {
    /// What is computed.
    pub fn config(&self) -> &ResolvedConfig {
        &self.spec.config
    }

    /// Parameters of the stages.
    pub fn params(&self) -> &Params {
        &self.spec.config.params
    }

    /// The FOV's ID.
    pub fn fov_id(&self) -> u32 {
        self.fov.id
    }

    /// Frames of the movie.
    pub fn frames(&self) -> usize {
        self.spec.config.frames.len()
    }

    /// Height and width of a frame.
    pub fn frame_size(&self) -> (usize, usize) {
        (self.fov.height as usize, self.fov.width as usize)
    }

    /// The frame's ID in the file, for messages.
    pub fn frame_id(&self, t: usize) -> u32 {
        self.spec.config.frames[t]
    }

    /// Whether a part is to be made.
    pub fn wants(&self, part: &str) -> bool {
        self.wanted.contains(part)
    }

    /// The physical size of a voxel.
    pub fn scale(&self) -> Scale {
        Scale { frame_interval_min: self.spec.config.frame_interval_min, pixel_size_um: self.spec.source.pixel_size_um }
    }

    /// Stops the stage here if the worker was told to.
    ///
    /// # Errors
    /// [`StageError::Cancelled`].
    pub fn check_cancelled(&self) -> Result<(), StageError> {
        if self.cancel.is_cancelled() { Err(StageError::Cancelled) } else { Ok(()) }
    }
}
