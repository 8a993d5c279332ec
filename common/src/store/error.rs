//! What can go wrong with the store.

use std::io;

use thiserror::Error;

/// An operation on the store that failed.
#[derive(Debug, Error)]
#[error("cannot {action} {place}: {reason}")]
pub struct StoreError {
    action: &'static str,
    place: String,
    reason: String,
    is_transient: bool,
}

impl StoreError {
    /// An error of `action` on `key` in the store at `location`.
    pub fn new(location: &str, action: &'static str, key: &str, source: &object_store::Error) -> Self {
        let place =
            if key.is_empty() { location.to_owned() } else { format!("{}/{key}", location.trim_end_matches('/')) };
        let io = find_io_error(source);
        let reason = match io.map(io::Error::kind) {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                "the disk is full; free some space and run the same command again".to_owned()
            }
            Some(io::ErrorKind::PermissionDenied) => "permission denied".to_owned(),
            Some(io::ErrorKind::ReadOnlyFilesystem) => "the file system is read-only".to_owned(),
            Some(_) => io.map(ToString::to_string).unwrap_or_default(),
            None => source.to_string(),
        };
        let is_transient = is_transient(source, io);
        Self { action, place, reason, is_transient }
    }

    /// An object that isn't what it should be, and won't become so by reading it again.
    pub fn damaged(place: String, reason: String) -> Self {
        Self { action: "use", place, reason, is_transient: false }
    }

    /// Whether the same operation may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.is_transient
    }
}

/// The operating system's error beneath an object store's.
fn find_io_error(error: &object_store::Error) -> Option<&io::Error> {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(current) = source {
        if let Some(error) = current.downcast_ref::<io::Error>() {
            return Some(error);
        }
        source = current.source();
    }
    None
}

fn is_transient(error: &object_store::Error, io: Option<&io::Error>) -> bool {
    use io::ErrorKind;
    match error {
        object_store::Error::Generic { store: "LocalFileSystem", .. } => {
            let passing = [
                ErrorKind::Interrupted,
                ErrorKind::TimedOut,
                ErrorKind::ResourceBusy,
                ErrorKind::StaleNetworkFileHandle,
            ];
            io.is_some_and(|error| passing.contains(&error.kind()))
        }
        object_store::Error::Generic { .. } | object_store::Error::JoinError { .. } => true,
        _ => false,
    }
}
