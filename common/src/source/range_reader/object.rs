//! An object in S3, GCS, Azure or another [`ObjectStore`], read through ranged GETs with read-ahead.

use std::error::Error as _;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore};
use tokio::runtime::Handle;

use super::RangeRead;
use super::read_ahead::ReadAhead;
use crate::source::error::SourceError;

/// One object, never downloaded whole: at most 64 MiB of it are held at a time.
///
/// Reads block the calling thread until the store answers, so they belong on a blocking thread (`spawn_blocking`, or a
/// thread of one's own), never inside an async task; from there they give an error. Every GET demands the version of the
/// object that was opened (`If-Match`), so that an object overwritten meanwhile gives an error and not a mixture.
#[derive(Debug)]
pub struct ObjectReader {
    store: Arc<dyn ObjectStore>,
    path: Path,
    version: Option<String>,
    length: u64,
    location: String,
    runtime: Handle,
    // Held across a fetch: one reader serves one source, whose reads come one after the other.
    cache: Mutex<ReadAhead<Bytes>>,
}

impl ObjectReader {
    /// Asks the store for the object's length and version. `location` is the object's URL, for messages.
    ///
    /// # Errors
    /// [`SourceError::Io`] if there is no such object, or the store doesn't answer.
    pub fn open(store: Arc<dyn ObjectStore>, path: Path, location: &str, runtime: Handle) -> Result<Self, SourceError> {
        let head = GetOptions::new().with_head(true);
        let result = block_on(&runtime, store.get_opts(&path, head));
        let meta = result
            .and_then(|result| result.map_err(io_error))
            .map_err(|source| SourceError::Io { location: location.to_string(), source })?
            .meta;
        Ok(Self {
            store,
            path,
            version: meta.e_tag,
            length: meta.size,
            location: location.to_string(),
            runtime,
            cache: Mutex::new(ReadAhead::new(meta.size)),
        })
    }

    fn fetch(&self, range: Range<u64>) -> io::Result<Bytes> {
        let expected = range.end - range.start;
        let mut options = GetOptions::new().with_range(Some(range));
        options.if_match = self.version.clone();
        let get = async { self.store.get_opts(&self.path, options).await?.bytes().await };
        let bytes = block_on(&self.runtime, get)?.map_err(io_error)?;
        if bytes.len() as u64 != expected {
            let detail = format!("the store sent {} bytes where {expected} were asked for", bytes.len());
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, detail));
        }
        Ok(bytes)
    }
}

impl RangeRead for ObjectReader {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buf.len() as u64);
        if end.is_none_or(|end| end > self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // A reader that panicked mid-fetch has left the cache whole: spans are inserted complete.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut filled = 0;
        while filled < buf.len() {
            let position = offset + filled as u64;
            let copied = cache.copy(position, &mut buf[filled..]);
            if copied > 0 {
                filled += copied;
                continue;
            }
            let range = cache.plan(position, (buf.len() - filled) as u64);
            let start = range.start;
            let bytes = self.fetch(range)?;
            cache.insert(start, bytes);
        }
        Ok(())
    }

    fn location(&self) -> &str {
        &self.location
    }
}

/// Waits for a future on a thread that may block.
///
/// Tokio answers a wait inside an async task with a panic and offers no way to ask first, so the panic is caught here and
/// becomes an error.
fn block_on<F: Future>(runtime: &Handle, future: F) -> io::Result<F::Output> {
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(future))).map_err(|_| {
        io::Error::other("an object store was read from inside an async task, or its client panicked; read sources on a blocking thread")
    })
}

/// A store's error as the [`io::ErrorKind`] that tells whether to try again.
///
/// What a store can't name more closely (`Generic`) is what its client gave up retrying: a timeout, a 5xx, throttling, a
/// lost connection. It counts as transient unless an I/O error inside says otherwise.
fn io_error(error: object_store::Error) -> io::Error {
    use object_store::Error;
    let kind = match &error {
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        Error::InvalidPath { .. } => io::ErrorKind::InvalidInput,
        Error::NotSupported { .. } | Error::NotImplemented { .. } => io::ErrorKind::Unsupported,
        Error::Precondition { .. } => {
            let detail = format!("the object was replaced while it was being read: {error}");
            return io::Error::new(io::ErrorKind::InvalidData, detail);
        }
        Error::Generic { .. } => inner_io_kind(&error).unwrap_or(io::ErrorKind::ConnectionAborted),
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

fn inner_io_kind(error: &object_store::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io_error) = inner.downcast_ref::<io::Error>() {
            return Some(io_error.kind());
        }
        source = inner.source();
    }
    None
}
