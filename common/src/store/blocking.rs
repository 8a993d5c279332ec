//! The store as a stage sees it: blocking calls from a thread of its own, and a ledger of what was written.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::runtime::Handle;

use super::{Entry, Store, StoreError};

/// What has been written since the ledger was last taken.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The keys, in the order of writing.
    pub keys: Vec<String>,
    /// Bytes in all.
    pub bytes: u64,
}

/// A [`Store`] for threads that may block. Must not be used on a thread that drives asynchronous tasks.
#[derive(Debug, Clone)]
pub struct BlockingStore {
    store: Store,
    runtime: Handle,
    ledger: Arc<Mutex<Ledger>>,
}

impl BlockingStore {
    /// Wraps a store. `runtime` drives the calls.
    pub fn new(store: Store, runtime: Handle) -> Self {
        Self { store, runtime, ledger: Arc::default() }
    }

    /// The store beneath.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// See [`Store::get`].
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.runtime.block_on(self.store.get(key))
    }

    /// See [`Store::put`].
    ///
    /// # Errors
    /// As there.
    pub fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let size = bytes.len() as u64;
        self.runtime.block_on(self.store.put(key, bytes))?;
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.keys.push(key.to_owned());
        ledger.bytes += size;
        Ok(())
    }

    /// See [`Store::delete`].
    ///
    /// # Errors
    /// As there.
    pub fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.delete(key))
    }

    /// See [`Store::delete_prefix`].
    ///
    /// # Errors
    /// As there.
    pub fn delete_prefix(&self, prefix: &str) -> Result<(), StoreError> {
        self.runtime.block_on(self.store.delete_prefix(prefix))
    }

    /// See [`Store::list`].
    ///
    /// # Errors
    /// As there.
    pub fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        self.runtime.block_on(self.store.list(prefix))
    }

    /// Takes the ledger and makes sure that what stands in it survives a power failure.
    ///
    /// # Errors
    /// See [`Store::sync`].
    pub fn settle(&self) -> Result<Ledger, StoreError> {
        let ledger = std::mem::take(&mut *self.ledger.lock().unwrap_or_else(PoisonError::into_inner));
        let synced = self.runtime.block_on(self.store.sync(ledger.keys.clone()));
        if synced.is_err() {
            // What isn't safe yet stays in the ledger, so that nobody's later commit vouches for it.
            self.ledger.lock().unwrap_or_else(PoisonError::into_inner).keys.extend(ledger.keys.iter().cloned());
        }
        synced.map(|()| ledger)
    }
}
