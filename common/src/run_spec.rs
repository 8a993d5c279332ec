//! All that a worker must know about a run. It's stored beside the output before the first task is published, so that
//! messages stay small and a worker needs nothing but the store.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::config::ResolvedConfig;
use crate::ids::RunId;
use crate::layout;
use crate::source::SourceInfo;
use crate::store::{Store, StoreError};

/// The version of the specification's own format.
pub const FORMAT: u32 = 1;

/// What a run computes, and from what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// Where the source is.
    pub source_location: String,
    /// What's in it.
    pub source: SourceInfo,
    /// What is computed.
    pub config: ResolvedConfig,
}

impl RunSpec {
    /// Stores the specification where workers look for it.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub async fn write(&self, store: &Store) -> Result<(), StoreError> {
        let text = serde_json::to_vec_pretty(self)
            .expect("a run specification is made of structs, strings, finite numbers and string-keyed maps");
        store.put(&layout::run_spec(&self.run), Bytes::from(text)).await
    }

    /// Reads the specification of a run.
    ///
    /// # Errors
    /// Where the store can't be read, or the specification is absent, damaged, or of another release.
    pub async fn read(store: &Store, run: &RunId) -> Result<Self, StoreError> {
        let key = layout::run_spec(run);
        let place = format!("{}/{key}", store.location());
        let Some(bytes) = store.get(&key).await? else {
            return Err(StoreError::damaged(
                place,
                "the run's specification is not there; submit the run again".to_owned(),
            ));
        };
        let spec: Self = serde_json::from_slice(&bytes)
            .map_err(|error| StoreError::damaged(place.clone(), format!("unreadable run specification: {error}")))?;
        if spec.format != FORMAT || spec.run != *run {
            let reason = format!(
                "specification of run {} in format {}, expected run {run} in format {FORMAT}",
                spec.run, spec.format
            );
            return Err(StoreError::damaged(place, reason));
        }
        Ok(spec)
    }
}
