//! One process at a time on a local output.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use fovflow_common::layout;
use thiserror::Error;

/// Why an output can't be locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Somebody else works on it.
    #[error("another fovflow is working on {0}; wait until it is done, or choose another output")]
    Taken(String),
    /// The lock file can't be made.
    #[error("cannot lock {output}: {reason}")]
    Io {
        /// The output.
        output: String,
        /// The operating system's reason.
        reason: io::Error,
    },
}

/// Holds the lock until it's dropped. The operating system drops it with the process, however that ends.
#[derive(Debug)]
pub struct OutputLock {
    _file: File,
}

impl OutputLock {
    /// Locks a local output folder, which exists.
    ///
    /// # Errors
    /// Where another process holds the lock, or the lock file can't be written.
    pub fn take(root: &Path) -> Result<Self, LockError> {
        let output = root.display().to_string();
        let path = root.join(layout::LOCK);
        let io_error = |reason| LockError::Io { output: output.clone(), reason };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io_error)?;
        }
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(output)),
            Err(TryLockError::Error(reason)) if reason.kind() == io::ErrorKind::Unsupported => {
                tracing::warn!(output, "the file system cannot lock files: see to it that only one fovflow works here");
                Ok(Self { _file: file })
            }
            Err(TryLockError::Error(reason)) => Err(io_error(reason)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let first = OutputLock::take(folder.path()).unwrap();
        let error = OutputLock::take(folder.path()).unwrap_err();
        assert!(error.to_string().contains("another fovflow is working on"), "{error}");
        drop(first);
        OutputLock::take(folder.path()).unwrap();
    }
}
