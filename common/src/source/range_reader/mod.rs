//! Positioned reads: the one way in which the parsers see a file.
//!
//! A parser asks for byte ranges and never learns whether they come from a disk ([`LocalFile`]), an object store
//! ([`ObjectReader`]) or memory ([`MemoryFile`]). [`read_range`] is how it asks: the range is held against the file's
//! length *before* anything is allocated, so that a length stated by a damaged file can't ask for more memory than the
//! file has bytes.

mod local;
mod object;
mod read_ahead;

use std::io;
use std::ops::Range;

pub use self::local::LocalFile;
pub use self::object::ObjectReader;
use super::error::SourceError;

/// A file that can be read at any position, from any thread.
pub trait RangeRead: Send + Sync {
    /// Length of the file in bytes.
    fn len(&self) -> u64;

    /// Whether the file has no bytes at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes from `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if the file ends before; else what the disk or the store reports.
    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// The file's path or URL, for messages.
    fn location(&self) -> &str;
}

/// A file held in memory.
#[derive(Debug)]
pub struct MemoryFile {
    name: String,
    bytes: Vec<u8>,
}

impl MemoryFile {
    /// A file with this name and content.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { name: name.into(), bytes }
    }
}

impl RangeRead for MemoryFile {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(buf.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        let bytes = self.bytes.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }

    fn location(&self) -> &str {
        &self.name
    }
}

/// Reads `length` bytes at `offset`; `what` names them in errors.
///
/// # Errors
/// [`SourceError::Truncated`] if the range reaches past the end of the file, [`SourceError::Io`] if reading fails.
pub fn read_range(reader: &dyn RangeRead, offset: u64, length: u64, what: &str) -> Result<Vec<u8>, SourceError> {
    let range = check_range(reader, offset, length, what)?;
    let size = usize::try_from(range.end - range.start).map_err(|_| SourceError::Unsupported {
        location: reader.location().to_string(),
        found: format!("{what} of {length} bytes, more than this machine can address"),
        supported: format!("up to {} bytes", usize::MAX),
    })?;
    let mut bytes = vec![0; size];
    reader
        .read_exact_at(offset, &mut bytes)
        .map_err(|source| SourceError::Io { location: reader.location().to_string(), source })?;
    Ok(bytes)
}

/// Checks that `length` bytes at `offset` lie within the file, without reading them.
///
/// # Errors
/// [`SourceError::Truncated`] if they don't.
pub fn check_range(reader: &dyn RangeRead, offset: u64, length: u64, what: &str) -> Result<Range<u64>, SourceError> {
    let end = offset.saturating_add(length);
    if end > reader.len() {
        return Err(SourceError::Truncated {
            location: reader.location().to_string(),
            what: what.to_string(),
            start: offset,
            end,
            length: reader.len(),
        });
    }
    Ok(offset..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_past_the_end_is_refused_before_it_is_allocated() {
        let file = MemoryFile::new("short.nd2", vec![1, 2, 3, 4]);
        assert_eq!(read_range(&file, 1, 3, "tail").unwrap(), [2, 3, 4]);
        let error = read_range(&file, 2, u64::MAX - 1, "frame 7").unwrap_err();
        assert!(matches!(error, SourceError::Truncated { start: 2, length: 4, .. }), "{error}");
        assert!(error.to_string().contains("frame 7"), "{error}");
    }

    #[test]
    fn memory_reads_stop_at_the_end() {
        let file = MemoryFile::new("short.nd2", vec![1, 2, 3, 4]);
        let error = file.read_exact_at(3, &mut [0; 2]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        assert!(file.read_exact_at(u64::MAX, &mut [0; 2]).is_err());
        file.read_exact_at(4, &mut []).unwrap();
    }
}
