//! Where things are: a local path, or a URL of an object store.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use tokio::runtime::Handle;
use url::Url;

use crate::source::{self, Source, SourceError};

/// A local path or an object store's URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A path on this machine, absolute.
    Local(PathBuf),
    /// `s3://bucket/prefix` and the like.
    Remote(Url),
}

/// Why a text isn't a location.
#[derive(Debug, Error)]
pub enum LocationError {
    /// Nothing at all.
    #[error("an empty location: give a path, file:///path or s3://bucket/prefix")]
    Empty,
    /// `file://` with a host, or otherwise not a path.
    #[error("{0:?} is not a local path: write file:///absolute/path")]
    FileUrl(String),
    /// The current folder is gone, or the path can't be made absolute.
    #[error("cannot make {path:?} an absolute path: {reason}")]
    Relative {
        /// The path as given.
        path: String,
        /// The operating system's reason.
        reason: String,
    },
    /// A scheme that this build doesn't speak.
    #[error("{url:?}: unsupported scheme {scheme:?}; supported are local paths, file:// and s3://")]
    Scheme {
        /// The text as given.
        url: String,
        /// What stands before `://`.
        scheme: String,
    },
    /// Not a URL.
    #[error("{url:?} is not a URL: {reason}")]
    Url {
        /// The text as given.
        url: String,
        /// What's wrong with it.
        reason: String,
    },
}

impl Location {
    /// Understands a path, `file:///path`, or `s3://bucket/prefix`.
    ///
    /// # Errors
    /// A [`LocationError`] that says what may be written instead.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if text.is_empty() {
            return Err(LocationError::Empty);
        }
        let Some((scheme, _)) = text.split_once("://") else {
            let absolute = std::path::absolute(text)
                .map_err(|error| LocationError::Relative { path: text.to_owned(), reason: error.to_string() })?;
            return Ok(Self::Local(absolute));
        };
        let url =
            Url::parse(text).map_err(|error| LocationError::Url { url: text.to_owned(), reason: error.to_string() })?;
        if url.query().is_some() || url.fragment().is_some() {
            let reason = "it has a ? or a #, which would be cut off; write them as %3F and %23".to_owned();
            return Err(LocationError::Url { url: text.to_owned(), reason });
        }
        match scheme.to_ascii_lowercase().as_str() {
            "file" => url.to_file_path().map(Self::Local).map_err(|()| LocationError::FileUrl(text.to_owned())),
            "s3" | "s3a" => Ok(Self::Remote(url)),
            scheme => Err(LocationError::Scheme { url: text.to_owned(), scheme: scheme.to_owned() }),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Remote(url) => write!(f, "{url}"),
        }
    }
}

/// The object store behind a URL, and the path within it. Region, endpoint and credentials come from the environment
/// (`AWS_…`).
///
/// # Errors
/// Where the URL or the environment can't be used.
pub fn open_remote(url: &Url) -> Result<(Arc<dyn ObjectStore>, Path), object_store::Error> {
    // The names without a prefix that object_store takes too, such as TOKEN, mean other things in people's environments.
    let variables =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let settings = variables.filter(|(name, _)| name.starts_with("AWS_"));
    let (store, path) = object_store::parse_url_opts(url, settings)?;
    Ok((Arc::from(store), path))
}

/// Opens a movie wherever it is. For blocking threads; `runtime` drives the requests to an object store.
///
/// # Errors
/// Any [`SourceError`]: what is there can't be read, is no movie, is damaged, or isn't supported.
pub fn open_source(location: &Location, runtime: &Handle) -> Result<Box<dyn Source>, SourceError> {
    match location {
        Location::Local(path) => source::open_path(path),
        Location::Remote(url) => {
            let (store, path) = open_remote(url)
                .map_err(|error| SourceError::Location { location: url.to_string(), detail: error.to_string() })?;
            let location = percent_decode_str(url.as_str()).decode_utf8_lossy().into_owned();
            source::open_object(store, path, &location, runtime.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_paths_and_urls() {
        assert_eq!(Location::parse("/a/b").unwrap(), Location::Local("/a/b".into()));
        assert_eq!(Location::parse("file:///a/b%20c").unwrap(), Location::Local("/a/b c".into()));
        assert!(matches!(Location::parse("a").unwrap(), Location::Local(path) if path.is_absolute()));
        let remote = Location::parse("s3://bucket/x/movie.czi").unwrap();
        assert_eq!(remote.to_string(), "s3://bucket/x/movie.czi");
    }

    #[test]
    fn says_what_else_may_be_written() {
        let error = |text| Location::parse(text).unwrap_err().to_string();
        assert!(error("ftp://x/y").contains("supported are local paths, file:// and s3://"));
        assert!(error("").contains("give a path"));
        assert!(error("s3://bucket/a#1.czi").contains("%23"));
        assert!(error("file://host/x").contains("file:///absolute/path"));
    }
}
