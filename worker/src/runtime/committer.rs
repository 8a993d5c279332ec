//! Committing parts, and taking commits back before their outputs change.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use fovflow_common::commit::{Commit, Counts, PartCommit};
use fovflow_common::layout;
use fovflow_common::plan::{PartPlan, Stage, TRACES};
use fovflow_common::store::{BlockingStore, Store, StoreError, commits};
use tokio::runtime::Handle;

use crate::stages::{PartWriter, StageError};

/// Takes parts out of their commit, and what's derived from them for display out of the commit of `cache`, because a stage is
/// about to write over both. So no commit ever vouches for an output that's being changed.
///
/// Other stages' commits stay: they hold the fingerprints of what they were made from, and are current again should the same
/// inputs come back.
pub(super) fn withdraw(
    runtime: &Handle,
    store: &Store,
    commit: &mut Commit,
    stale: &BTreeSet<String>,
) -> Result<(), StoreError> {
    // The levels first: were the stage's own parts to go first, a kill in between would leave the levels vouched for in a folder
    // that is deleted next.
    if commit.stage != Stage::Cache {
        let mut cache = runtime.block_on(commits::read_as_written(store, commit.fov, Stage::Cache))?;
        let levels = stale.iter().map(|part| layout::level(part, 1)).collect();
        remove_parts(runtime, store, &mut cache, &levels)?;
    }
    let tables: Vec<String> = commit.parts.get(TRACES).map(|part| part.output.clone()).into_iter().collect();
    remove_parts(runtime, store, commit, stale)?;
    // A table is named after its source: one whose source was renamed would stay behind.
    for table in tables {
        runtime.block_on(store.delete(&table))?;
    }
    Ok(())
}

/// Takes parts out of a commit; writes it if the store's says otherwise. That may still vouch for outputs that somebody deleted.
fn remove_parts(
    runtime: &Handle,
    store: &Store,
    commit: &mut Commit,
    names: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let written = runtime.block_on(commits::read_as_written(store, commit.fov, commit.stage))?;
    commit.parts.retain(|name, _| !names.contains(name));
    if commit.parts != written.parts {
        runtime.block_on(commits::write(store, commit))?;
    }
    Ok(())
}

/// Adds parts to the commit of one stage of one FOV.
pub(super) struct Committer<'a> {
    runtime: &'a Handle,
    store: &'a Store,
    worker: &'a str,
    plan: &'a PartPlan,
    state: Mutex<State>,
}

struct State {
    commit: Commit,
    last_finish: Instant,
}

impl<'a> Committer<'a> {
    pub(super) fn new(
        runtime: &'a Handle,
        store: &'a Store,
        worker: &'a str,
        plan: &'a PartPlan,
        commit: Commit,
    ) -> Self {
        Self { runtime, store, worker, plan, state: Mutex::new(State { commit, last_finish: Instant::now() }) }
    }

    /// The side that a stage sees; `blocking_store` is the one that it writes through.
    pub(super) fn with_store(&'a self, blocking_store: &'a BlockingStore) -> StageCommitter<'a> {
        StageCommitter { committer: self, blocking_store }
    }

    /// The commit, with all that was added.
    pub(super) fn into_commit(self) -> Commit {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).commit
    }
}

/// See [`Committer::with_store`].
pub(super) struct StageCommitter<'a> {
    committer: &'a Committer<'a>,
    blocking_store: &'a BlockingStore,
}

impl PartWriter for StageCommitter<'_> {
    fn finish(&self, part: &str, output: String, counts: Counts, warnings: Vec<String>) -> Result<(), StageError> {
        let Committer { runtime, store, worker, plan, state } = self.committer;
        let Some(&fingerprint) = plan.get(part) else {
            return Err(StageError::Impossible(format!("the plan has no part {part}")));
        };
        // The lock is held over the sync: what another part's thread wrote may stand in this ledger, and must be safe before
        // that part is committed.
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let ledger = self.blocking_store.settle()?;
        let finished = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let committed = PartCommit {
            fingerprint,
            output,
            objects: ledger.keys.len() as u64,
            bytes: ledger.bytes,
            warnings,
            counts,
            seconds: state.last_finish.elapsed().as_secs_f64(),
            worker: (*worker).to_owned(),
            finished_unix_s: finished.as_secs(),
        };
        state.commit.parts.insert(part.to_owned(), committed);
        runtime.block_on(commits::write(store, &state.commit))?;
        state.last_finish = Instant::now();
        Ok(())
    }
}
