//! Why a stage came to nothing.

use fovflow_common::message::FailureKind;
use fovflow_common::source::SourceError;
use fovflow_common::store::StoreError;
use fovflow_common::store::zarr::ZarrError;
use thiserror::Error;

/// Why a stage came to nothing.
#[derive(Debug, Error)]
pub enum StageError {
    /// The worker was told to stop.
    #[error("cancelled")]
    Cancelled,
    /// The source can't be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An array can't be read or written.
    #[error(transparent)]
    Zarr(#[from] ZarrError),
    /// The data or the parameters are such that there's no result.
    #[error("{0}")]
    Impossible(String),
}

impl StageError {
    /// Whether another attempt may succeed.
    pub fn kind(&self) -> FailureKind {
        let is_transient = match self {
            Self::Cancelled => true,
            Self::Source(error) => error.is_transient(),
            Self::Store(error) => error.is_transient(),
            Self::Zarr(error) => error.is_transient(),
            Self::Impossible(_) => false,
        };
        if is_transient { FailureKind::Transient } else { FailureKind::Permanent }
    }
}
