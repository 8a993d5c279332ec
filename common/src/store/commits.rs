//! Reading and writing commit objects.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{Store, StoreError};
use crate::commit::{Commit, FORMAT};
use crate::layout;
use crate::plan::Stage;

/// Commits read at the same time.
const CONCURRENT_READS: usize = 32;

/// The commit of a stage of a FOV. One that's absent, damaged or of another format counts as one without parts, and a part whose
/// output somebody deleted isn't there: the worst that follows is that something is computed again.
///
/// # Errors
/// Where the store can't be read.
pub async fn read(store: &Store, fov: u32, stage: Stage) -> Result<Commit, StoreError> {
    without_deleted(store, read_as_written(store, fov, stage).await?).await
}

/// As [`read`], but without looking whether the outputs are there: what a commit vouches for, rightly or not.
///
/// # Errors
/// As there.
pub async fn read_as_written(store: &Store, fov: u32, stage: Stage) -> Result<Commit, StoreError> {
    let key = layout::commit(fov, stage);
    let Some(bytes) = store.get(&key).await? else { return Ok(Commit::empty(fov, stage)) };
    match serde_json::from_slice::<Commit>(&bytes) {
        Ok(commit) if commit.format == FORMAT && commit.fov == fov && commit.stage == stage => Ok(commit),
        Ok(_) => {
            tracing::warn!(key, "commit of another format or place, its stage will run again");
            Ok(Commit::empty(fov, stage))
        }
        Err(error) => {
            tracing::warn!(key, %error, "unreadable commit, its stage will run again");
            Ok(Commit::empty(fov, stage))
        }
    }
}

/// Drops the parts whose output is gone.
async fn without_deleted(store: &Store, mut commit: Commit) -> Result<Commit, StoreError> {
    for name in commit.parts.keys().cloned().collect::<Vec<_>>() {
        let output = &commit.parts[&name].output;
        if !store.exists(&layout::evidence(output)).await? {
            tracing::warn!(output, "committed, but no longer there; it will be made again");
            commit.parts.remove(&name);
        }
    }
    Ok(commit)
}

/// Writes a commit.
///
/// # Errors
/// Where the store can't be written.
pub async fn write(store: &Store, commit: &Commit) -> Result<(), StoreError> {
    let mut text = serde_json::to_vec_pretty(commit)
        .expect("a commit is made of structs, strings, finite numbers and string-keyed maps, which always serialise");
    text.push(b'\n');
    let key = layout::commit(commit.fov, commit.stage);
    store.put(&key, Bytes::from(text)).await?;
    store.sync(vec![key]).await
}

/// The commits of all stages of some FOVs, in the order given, each in the order of [`Stage::ALL`].
///
/// # Errors
/// Where the store can't be listed or read.
pub async fn read_all(store: &Store, fovs: &[u32]) -> Result<Vec<Vec<Commit>>, StoreError> {
    let present = store.list(&layout::commits()).await?;
    let present: std::collections::HashSet<_> = present.into_iter().map(|entry| entry.key).collect();
    let commits_of = |fov: u32| {
        let present = &present;
        async move {
            let mut commits = Vec::with_capacity(Stage::ALL.len());
            for stage in Stage::ALL {
                let is_present = present.contains(&layout::commit(fov, stage));
                commits.push(if is_present { read(store, fov, stage).await? } else { Commit::empty(fov, stage) });
            }
            Ok(commits)
        }
    };
    stream::iter(fovs.iter().copied()).map(commits_of).buffered(CONCURRENT_READS).try_collect().await
}
