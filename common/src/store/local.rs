//! What's special about a local folder as a store: staging, syncing, removing trees.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use object_store::local::LocalFileSystem;

use super::error::StoreError;
use crate::layout;

/// Files synced at the same time: file systems commit what comes together together.
const SYNC_THREADS: usize = 8;

/// Opens a folder, which is made if it isn't there.
pub(super) fn open(folder: &Path) -> Result<LocalFileSystem, StoreError> {
    let location = folder.display().to_string();
    let error = |source: io::Error| {
        let source = object_store::Error::Generic { store: "LocalFileSystem", source: Box::new(source) };
        StoreError::new(&location, "create", "", &source)
    };
    std::fs::create_dir_all(folder).map_err(error)?;
    LocalFileSystem::new_with_prefix(folder).map_err(|source| StoreError::new(&location, "open", "", &source))
}

/// A fresh key to write to before the rename.
pub(super) fn staging_key() -> String {
    format!("{}/{}", layout::STAGING, uuid::Uuid::now_v7().simple())
}

/// Removes a file or a folder with all that's in it, if it's there.
pub(super) async fn remove_tree(path: &Path) -> io::Result<()> {
    let path = path.to_owned();
    on_blocking_thread(move || {
        let result = match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&path),
            Ok(_) => std::fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    })
    .await?
}

/// Syncs files, then the folders that name them. On failure tells which key.
pub(super) async fn sync(root: PathBuf, keys: Vec<String>) -> Result<(), (String, io::Error)> {
    let synced = on_blocking_thread(move || {
        let share = keys.len().div_ceil(SYNC_THREADS).max(1);
        std::thread::scope(|scope| {
            let root = &root;
            let sync_share = move |share: &[String]| {
                share.iter().try_for_each(|key| sync_path(&root.join(key)).map_err(|error| (key.clone(), error)))
            };
            let threads: Vec<_> = keys.chunks(share).map(|share| scope.spawn(move || sync_share(share))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(thread_panicked())))
        })?;
        let mut folders = BTreeSet::new();
        for key in &keys {
            let path = root.join(key);
            let parents = path.ancestors().skip(1).take_while(|folder| folder.starts_with(&root));
            folders.extend(parents.map(Path::to_owned));
        }
        for folder in folders.iter().rev() {
            sync_path(folder).map_err(|error| (folder.display().to_string(), error))?;
        }
        Ok(())
    });
    synced.await.map_err(|error| (String::new(), error))?
}

fn thread_panicked() -> (String, io::Error) {
    (String::new(), io::Error::other("a thread that syncs files ended unexpectedly"))
}

/// An object may be gone again: another worker's stage can have replaced the same bytes under the same name.
fn sync_path(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

async fn on_blocking_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}
