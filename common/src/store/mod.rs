//! Where outputs live: an object store, or a local folder that behaves like one.
//!
//! - [`Store`]: whole objects by key, asynchronously. On a local folder an object appears whole or not at all, because it's
//!   written aside and renamed.
//! - [`blocking`]: the same for a stage, which runs on a thread of its own; counts what the stage writes.
//! - [`zarr`]: Zarr v3 arrays and groups on top of it.
//! - [`commits`]: the commit objects.

pub mod blocking;
pub mod commits;
pub mod error;
mod local;
pub mod zarr;

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

pub use blocking::BlockingStore;
pub use error::StoreError;

use crate::location::Location;

/// An object and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, relative to the store's root.
    pub key: String,
    /// Bytes.
    pub size: u64,
}

/// The root of one output tree.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<dyn ObjectStore>,
    prefix: Path,
    location: Location,
}

impl Store {
    /// Opens the store at a location. A local folder is made if it isn't there.
    ///
    /// # Errors
    /// Where the folder can't be made or written, or the service's address or credentials are unusable.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        match location {
            Location::Local(folder) => {
                let inner = local::open(folder)?;
                Ok(Self { inner: Arc::new(inner), prefix: Path::default(), location: location.clone() })
            }
            Location::Remote(url) => {
                let (inner, prefix) = crate::location::open_remote(url)
                    .map_err(|source| StoreError::new(&location.to_string(), "open", "", &source))?;
                Ok(Self { inner, prefix, location: location.clone() })
            }
        }
    }

    /// Where the store is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The folder, where the store is a local one.
    pub fn local_root(&self) -> Option<&FsPath> {
        match &self.location {
            Location::Local(folder) => Some(folder),
            Location::Remote(_) => None,
        }
    }

    /// The key as it stands in the store. `layout` builds keys without control characters, which is all that a path refuses;
    /// another key would be percent-encoded.
    fn path(&self, key: &str) -> Path {
        let full = format!("{}/{key}", self.prefix);
        Path::parse(&full).unwrap_or_else(|_| Path::from(full))
    }

    fn local_path(&self, key: &str) -> Option<PathBuf> {
        self.local_root().map(|root| root.join(key))
    }

    fn error(&self, action: &'static str, key: &str, source: object_store::Error) -> StoreError {
        StoreError::new(&self.location.to_string(), action, key, &source)
    }

    /// Reads an object; `None` where there's none.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let result = match self.inner.get(&self.path(key)).await {
            Ok(result) => result,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => return Err(self.error("read", key, source)),
        };
        let bytes = result.bytes().await.map_err(|source| self.error("read", key, source))?;
        Ok(Some(bytes))
    }

    /// Whether an object is there.
    ///
    /// # Errors
    /// Where the store can't be read.
    pub async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        match self.inner.head(&self.path(key)).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(source) => Err(self.error("look for", key, source)),
        }
    }

    /// Writes an object, replacing what was there. Readers see the old one or the new one, never a part.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        let path = self.path(key);
        if self.local_root().is_none() {
            return self
                .inner
                .put(&path, bytes.into())
                .await
                .map(drop)
                .map_err(|source| self.error("write", key, source));
        }
        let staged = self.path(&local::staging_key());
        let error = |source| self.error("write", key, source);
        self.inner.put(&staged, bytes.into()).await.map_err(error)?;
        self.inner.rename(&staged, &path).await.map_err(error)
    }

    /// Deletes an object, if it's there.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub async fn delete(&self, key: &str) -> Result<(), StoreError> {
        match self.inner.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.error("delete", key, source)),
        }
    }

    /// Deletes every object whose key is `prefix` or lies below it.
    ///
    /// # Errors
    /// Where the store can't be listed or written.
    pub async fn delete_prefix(&self, prefix: &str) -> Result<(), StoreError> {
        if let Some(folder) = self.local_path(prefix) {
            return local::remove_tree(&folder).await.map_err(|source| self.io_error("delete", prefix, source));
        }
        let locations = self.inner.list(Some(&self.path(prefix))).map_ok(|object| object.location).boxed();
        let deleted = self.inner.delete_stream(locations);
        let result: Result<Vec<_>, _> = deleted.try_collect().await;
        result.map_err(|source| self.error("delete", prefix, source))?;
        self.delete(prefix).await
    }

    /// The objects below a prefix, sorted by key.
    ///
    /// # Errors
    /// Where the store can't be listed.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>, StoreError> {
        let objects: Result<Vec<_>, _> = self.inner.list(Some(&self.path(prefix))).try_collect().await;
        let objects = objects.map_err(|source| self.error("list", prefix, source))?;
        let root_parts = self.prefix.parts().count();
        let entry = |object: object_store::ObjectMeta| {
            let key: Vec<_> = object.location.parts().skip(root_parts).map(|part| part.as_ref().to_owned()).collect();
            Entry { key: key.join("/"), size: object.size }
        };
        let mut entries: Vec<_> = objects.into_iter().map(entry).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// The names of the folders at the root.
    ///
    /// # Errors
    /// Where the store can't be listed.
    pub async fn folders(&self) -> Result<Vec<String>, StoreError> {
        let listed = self.inner.list_with_delimiter(Some(&self.prefix)).await;
        let listed = listed.map_err(|source| self.error("list", "", source))?;
        let name = |path: Path| path.parts().next_back().map(|part| part.as_ref().to_owned());
        Ok(listed.common_prefixes.into_iter().filter_map(name).collect())
    }

    /// Makes sure that objects survive a power failure. An object service does so by itself; local files are synced.
    ///
    /// # Errors
    /// Where a file can't be synced: the disk failed, or is full.
    pub async fn sync(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let Some(root) = self.local_root() else { return Ok(()) };
        let root = root.to_owned();
        local::sync(root, keys).await.map_err(|(key, source)| self.io_error("sync", &key, source))
    }

    /// Removes what a killed process left half-written. Only for the one process that works on a local folder.
    ///
    /// # Errors
    /// Where the staging folder can't be removed.
    pub async fn clear_staging(&self) -> Result<(), StoreError> {
        self.delete_prefix(crate::layout::STAGING).await
    }

    fn io_error(&self, action: &'static str, key: &str, source: std::io::Error) -> StoreError {
        let source = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(source) };
        self.error(action, key, source)
    }
}

#[cfg(test)]
mod tests;
