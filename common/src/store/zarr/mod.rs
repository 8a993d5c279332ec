//! Zarr v3 on the store: arrays written and read chunk by chunk, groups with attributes.
//!
//! Only core codecs: little-endian bytes, then Blosc with LZ4 and bit shuffling. Every chunk that a stage is to write is
//! stored, chunks of zeros too, so that an absent chunk is an error and never reads as silent zeros. Metadata documents
//! are made here to the byte, so that the same array is the same tree everywhere.

mod adapter;
mod array;
mod group;
mod metadata;
pub mod ome;

pub use array::{Sample, ZarrArray};
pub use group::{read_attributes, write_group};
pub use metadata::ArraySpec;

use thiserror::Error;

use super::StoreError;

/// What can go wrong with an array or a group.
#[derive(Debug, Error)]
pub enum ZarrError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There's no array or group.
    #[error("{0} is not there; the stage that writes it has not run, or its output was deleted")]
    Missing(String),
    /// A chunk isn't there.
    #[error(
        "chunk {index:?} of {array} is not there; delete the folder .fovflow/commits/fov_… of this FOV to compute it again"
    )]
    MissingChunk {
        /// The array's key.
        array: String,
        /// The chunk's index.
        index: Vec<u64>,
    },
    /// A chunk is there but can't be decoded.
    #[error(
        "chunk {index:?} of {array} is damaged ({reason}); delete the folder .fovflow/commits/fov_… of this FOV to compute it again"
    )]
    DamagedChunk {
        /// The array's key.
        array: String,
        /// The chunk's index.
        index: Vec<u64>,
        /// What's wrong.
        reason: String,
    },
    /// What's there can't be used.
    #[error("{place} cannot be used: {reason}")]
    Damaged {
        /// The array's or group's key.
        place: String,
        /// What's wrong.
        reason: String,
    },
}

impl ZarrError {
    /// Whether the same operation may succeed a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}

#[cfg(test)]
mod tests;
