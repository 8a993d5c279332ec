//! Sources: ND2 and CZI movies behind one trait, from a disk, an object store or memory.
//!
//! [`open`] looks at a file's first bytes, not at its name, and gives a [`Source`]: its [`SourceInfo`], read once, and
//! planes by [`PlaneIndex`] as arrays of (height, width) in `u16`. All of it is synchronous and made for blocking threads.
//!
//! - [`range_reader`]: positioned reads, with read-ahead for object stores. The parsers see files through it alone.
//! - [`nd2`], [`czi`]: the two formats; each has its own page of facts and choices.
//! - [`identity`]: the hash under which a source is known wherever it lies.
//! - [`info`], [`error`]: what a source says about itself, and what can be wrong with it.
//!
//! Files come from microscopes that were switched off, disks that filled up and downloads that broke. So a parser takes
//! nothing a file states on trust: every range is held against the file's length before it is allocated, recursion and
//! decompression have limits, sizes are held against the bytes that back them, and a plane that isn't wholly there is an
//! error, never zeros.

pub mod czi;
pub mod error;
pub mod identity;
pub mod info;
mod little_endian;
pub mod nd2;
mod pixels;
pub mod range_reader;
mod sniff;
mod xml;

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use object_store::ObjectStore;
use tokio::runtime::Handle;
use url::Url;

pub use self::error::SourceError;
pub use self::info::{ChannelInfo, FovInfo, PlaneIndex, SourceFormat, SourceInfo};
pub use self::range_reader::RangeRead;

use self::czi::CziSource;
use self::nd2::Nd2Source;
use self::range_reader::{LocalFile, MemoryFile, ObjectReader};

/// An opened movie.
pub trait Source: Send {
    /// The movie's metadata.
    fn info(&self) -> &SourceInfo;

    /// Reads one plane, (height, width) of its FOV, in camera counts; 8-bit pixels are widened with their value kept.
    ///
    /// # Errors
    /// [`SourceError::OutOfRange`] for an ID that the movie doesn't have; [`SourceError::MissingPlane`],
    /// [`SourceError::Truncated`] or [`SourceError::Corrupt`] where its pixels aren't wholly there;
    /// [`SourceError::Io`] if reading fails.
    fn read_plane(&mut self, plane: PlaneIndex) -> Result<Array2<u16>, SourceError>;
}

/// Opens a local movie: a path, or a `file://` URL. For other URLs see [`open_object`].
///
/// # Errors
/// Any [`SourceError`]: what is there can't be read, is no movie, is damaged, or isn't supported.
pub fn open(location: &str) -> Result<Box<dyn Source>, SourceError> {
    let Some((scheme, _)) = location.split_once("://") else {
        return open_path(Path::new(location));
    };
    let location_error = |detail: String| SourceError::Location { location: location.to_string(), detail };
    if scheme != "file" {
        return Err(location_error(format!(
            "a {scheme}:// url needs an object store; expected a local path or file:///path"
        )));
    }
    let url = Url::parse(location).map_err(|error| location_error(error.to_string()))?;
    let path =
        url.to_file_path().map_err(|()| location_error("it names no local path; expected file:///path".to_string()))?;
    open_path(&path)
}

/// Opens a local movie.
///
/// # Errors
/// As [`open`].
pub fn open_path(path: &Path) -> Result<Box<dyn Source>, SourceError> {
    open_reader(Box::new(LocalFile::open(path)?))
}

/// Opens a movie in an object store, through range reads. `location` is its URL, for messages and for the file's name.
///
/// Call it, and read from the source, on a blocking thread: `runtime` is what the store's requests run on.
///
/// # Errors
/// As [`open`].
pub fn open_object(
    store: Arc<dyn ObjectStore>,
    path: object_store::path::Path,
    location: &str,
    runtime: Handle,
) -> Result<Box<dyn Source>, SourceError> {
    open_reader(Box::new(ObjectReader::open(store, path, location, runtime)?))
}

/// Opens a movie that is held in memory.
///
/// # Errors
/// As [`open`].
pub fn open_bytes(name: &str, bytes: Vec<u8>) -> Result<Box<dyn Source>, SourceError> {
    open_reader(Box::new(MemoryFile::new(name, bytes)))
}

/// Opens a movie behind any reader.
///
/// # Errors
/// As [`open`].
pub fn open_reader(reader: Box<dyn RangeRead>) -> Result<Box<dyn Source>, SourceError> {
    match sniff::format(reader.as_ref())? {
        SourceFormat::Nd2 => Ok(Box::new(Nd2Source::open(reader)?)),
        SourceFormat::Czi => Ok(Box::new(CziSource::open(reader)?)),
    }
}

/// The last part of a path or URL.
fn file_name(location: &str) -> String {
    location.rsplit('/').next().unwrap_or(location).to_string()
}

/// Holds an index against its axis.
fn check_axis(info: &SourceInfo, axis: &'static str, index: u32, size: u32) -> Result<(), SourceError> {
    if index < size {
        return Ok(());
    }
    Err(SourceError::OutOfRange {
        location: info.name.clone(),
        axis,
        index,
        valid: format!("the file has {size}, numbered 0 to {}", size.saturating_sub(1)),
    })
}

/// Holds a plane's IDs against what the movie has; gives the FOV's place in [`SourceInfo::fovs`].
fn check_plane(info: &SourceInfo, plane: PlaneIndex) -> Result<usize, SourceError> {
    let Some(fov_index) = info.fovs.iter().position(|fov| fov.id == plane.fov) else {
        let first = info.fovs.first().map_or(0, |fov| fov.id);
        let last = info.fovs.last().map_or(0, |fov| fov.id);
        return Err(SourceError::OutOfRange {
            location: info.name.clone(),
            axis: "fov",
            index: plane.fov,
            valid: format!("the file has {}, numbered {first} to {last}", info.fovs.len()),
        });
    };
    check_axis(info, "frame", plane.frame, info.frames)?;
    check_axis(info, "channel", plane.channel, info.channels.len() as u32)?;
    check_axis(info, "z plane", plane.z, info.z_planes)?;
    Ok(fov_index)
}
