//! What can go wrong with a source, said so that a microscopist or an operator knows what to do.

use std::io;

use super::PlaneIndex;

/// Why a source could not be opened or a plane could not be read.
///
/// Every message names the file. All but [`SourceError::Io`] are permanent: the same file gives the same answer again.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system or the object store failed; see [`SourceError::is_transient`].
    #[error("cannot read {location}: {source}")]
    Io {
        /// The file or object.
        location: String,
        /// What was reported.
        source: io::Error,
    },
    /// The location isn't one that this function can open.
    #[error("cannot open {location}: {detail}")]
    Location {
        /// The location as given.
        location: String,
        /// What is wrong with it and what is expected.
        detail: String,
    },
    /// The content is neither ND2 nor CZI.
    #[error(
        "{location} is neither an nd2 nor a czi file: it {found}; expected a nikon nd2 (version 2 or 3) or a zeiss czi file"
    )]
    UnknownFormat {
        /// The file or object.
        location: String,
        /// What the first bytes say.
        found: String,
    },
    /// The file ends before something that it says it holds.
    #[error(
        "{location} is truncated: {what} takes bytes {start} to {end}, but the file has {length} bytes; \
         copy it again, or let the acquisition finish"
    )]
    Truncated {
        /// The file or object.
        location: String,
        /// What is missing.
        what: String,
        /// First byte of it.
        start: u64,
        /// One past its last byte.
        end: u64,
        /// Length of the file.
        length: u64,
    },
    /// The file contradicts itself or its format.
    #[error("{location} is corrupt: {what} at byte {offset}: {detail}")]
    Corrupt {
        /// The file or object.
        location: String,
        /// The part of the file.
        what: String,
        /// Where that part starts.
        offset: u64,
        /// What was found, and what was expected.
        detail: String,
    },
    /// The file is sound, but uses something that isn't supported.
    #[error("{location} is not supported: {found}; supported: {supported}")]
    Unsupported {
        /// The file or object.
        location: String,
        /// The pixel type, codec or structure that the file has.
        found: String,
        /// What would be read.
        supported: String,
    },
    /// The plane asked for lies outside the file's FOVs, frames, channels or Z planes.
    #[error("{location} has no {axis} {index}: {valid}")]
    OutOfRange {
        /// The file or object.
        location: String,
        /// `fov`, `frame`, `channel` or `z`.
        axis: &'static str,
        /// What was asked for.
        index: u32,
        /// What there is.
        valid: String,
    },
    /// The plane should be there, but the file holds no pixels for it (an aborted acquisition, for example).
    #[error("{location} holds no pixels for {plane}: {detail}")]
    MissingPlane {
        /// The file or object.
        location: String,
        /// The plane.
        plane: PlaneIndex,
        /// Where it was looked for.
        detail: String,
    },
}

impl SourceError {
    /// Whether the same call may succeed later: the network, the store or the file system had a moment of weakness.
    ///
    /// A store's own errors arrive as [`SourceError::Io`] with the [`io::ErrorKind`] that says most about them.
    pub fn is_transient(&self) -> bool {
        let SourceError::Io { source, .. } = self else {
            return false;
        };
        matches!(
            source.kind(),
            io::ErrorKind::Interrupted
                | io::ErrorKind::TimedOut
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::NotConnected
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkDown
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::ResourceBusy
                | io::ErrorKind::StaleNetworkFileHandle
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_passing_io_errors_are_transient() {
        let io_error = |kind: io::ErrorKind| SourceError::Io {
            location: "s3://bucket/movie.nd2".to_string(),
            source: kind.into(),
        };
        assert!(io_error(io::ErrorKind::TimedOut).is_transient());
        assert!(io_error(io::ErrorKind::ConnectionReset).is_transient());
        assert!(!io_error(io::ErrorKind::NotFound).is_transient());
        assert!(!io_error(io::ErrorKind::PermissionDenied).is_transient());
        let unknown = SourceError::UnknownFormat { location: "notes.nd2".to_string(), found: "holds text".to_string() };
        assert!(!unknown.is_transient());
    }
}
