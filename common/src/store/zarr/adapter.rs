//! The store as the `zarrs` crate wants it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use bytes::Bytes;
use zarrs::storage::byte_range::ByteRangeIterator;
use zarrs::storage::{
    MaybeBytes, MaybeBytesIterator, OffsetBytesIterator, ReadableStorageTraits, StorageError, StoreKey, StorePrefix,
    WritableStorageTraits,
};

use crate::store::{BlockingStore, StoreError};

/// Passes whole objects through. `zarrs` turns a store's error into text, so the adapter keeps the last one of each thread for
/// the caller, who wants to know whether it's worth trying again.
#[derive(Debug)]
pub(super) struct Adapter {
    store: BlockingStore,
    last_errors: Mutex<HashMap<ThreadId, StoreError>>,
}

impl Adapter {
    pub(super) fn new(store: BlockingStore) -> Self {
        Self { store, last_errors: Mutex::default() }
    }

    /// The error of the store behind this thread's last failure, if it was the store's.
    pub(super) fn take_error(&self) -> Option<StoreError> {
        self.last_errors.lock().unwrap_or_else(PoisonError::into_inner).remove(&thread::current().id())
    }

    fn keep<T>(&self, result: Result<T, StoreError>) -> Result<T, StorageError> {
        result.map_err(|error| {
            let text = error.to_string();
            let mut last_errors = self.last_errors.lock().unwrap_or_else(PoisonError::into_inner);
            last_errors.insert(thread::current().id(), error);
            StorageError::Other(text)
        })
    }
}

impl ReadableStorageTraits for Adapter {
    fn get(&self, key: &StoreKey) -> Result<MaybeBytes, StorageError> {
        self.keep(self.store.get(key.as_str()))
    }

    fn get_partial_many<'a>(
        &'a self,
        key: &StoreKey,
        byte_ranges: ByteRangeIterator<'a>,
    ) -> Result<MaybeBytesIterator<'a>, StorageError> {
        let Some(bytes) = self.get(key)? else { return Ok(None) };
        let size = bytes.len() as u64;
        let slices = byte_ranges.map(move |range| {
            let (start, end) = (range.start(size), range.end(size));
            if start > end || end > size {
                return Err(StorageError::Other(format!("bytes {start}..{end} of an object of {size} bytes")));
            }
            let slice = start as usize..end as usize;
            Ok(bytes.slice(slice))
        });
        Ok(Some(Box::new(slices)))
    }

    fn size_key(&self, key: &StoreKey) -> Result<Option<u64>, StorageError> {
        Ok(self.get(key)?.map(|bytes| bytes.len() as u64))
    }

    fn supports_get_partial(&self) -> bool {
        false
    }
}

impl WritableStorageTraits for Adapter {
    fn set(&self, key: &StoreKey, value: Bytes) -> Result<(), StorageError> {
        self.keep(self.store.put(key.as_str(), value))
    }

    fn set_partial_many(&self, key: &StoreKey, _values: OffsetBytesIterator) -> Result<(), StorageError> {
        Err(StorageError::Other(format!("{key}: chunks are only ever written whole")))
    }

    fn erase(&self, key: &StoreKey) -> Result<(), StorageError> {
        self.keep(self.store.delete(key.as_str()))
    }

    fn erase_prefix(&self, prefix: &StorePrefix) -> Result<(), StorageError> {
        self.keep(self.store.delete_prefix(prefix.as_str()))
    }

    fn supports_set_partial(&self) -> bool {
        false
    }
}
