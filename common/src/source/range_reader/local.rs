//! A file on a local or mounted disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::RangeRead;
use crate::source::error::SourceError;

/// A local file, read by position; the system's page cache does the read-ahead.
#[derive(Debug)]
pub struct LocalFile {
    file: File,
    length: u64,
    location: String,
}

impl LocalFile {
    /// Opens the regular file at `path`.
    ///
    /// # Errors
    /// [`SourceError::Location`] for a directory, pipe or device, [`SourceError::Io`] if it can't be opened.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let location = path.display().to_string();
        let io_error = |source| SourceError::Io { location: location.clone(), source };
        // Looked at before it is opened, because opening a pipe waits for its other end.
        let metadata = std::fs::metadata(path).map_err(io_error)?;
        if !metadata.is_file() {
            let kind = if metadata.is_dir() { "it is a directory" } else { "it is not a regular file" };
            return Err(SourceError::Location { location, detail: format!("{kind}; expected one nd2 or czi file") });
        }
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        Ok(Self { file, length, location })
    }
}

impl RangeRead for LocalFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(buf, offset)
    }

    fn location(&self) -> &str {
        &self.location
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_by_position_and_refuses_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let error = LocalFile::open(folder.path()).unwrap_err();
        assert!(error.to_string().contains("is a directory"), "{error}");

        let path = folder.path().join("movie.nd2");
        let error = LocalFile::open(&path).unwrap_err();
        assert!(
            matches!(&error, SourceError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound),
            "{error}"
        );

        std::fs::write(&path, b"0123456789").unwrap();
        let file = LocalFile::open(&path).unwrap();
        let mut buf = [0; 3];
        file.read_exact_at(4, &mut buf).unwrap();
        assert_eq!(&buf, b"456");
        assert_eq!(file.len(), 10);
    }
}
