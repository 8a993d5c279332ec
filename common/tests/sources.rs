//! Sources as a user of the crate sees them: pixels, metadata, and what happens to damaged files.
//!
//! Real files come from the shared data folder beside the repository, if it is there; the others are synthetic.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "sources/damaged.rs"]
mod damaged;
#[path = "sources/objects.rs"]
mod objects;
#[path = "sources/real_files.rs"]
mod real_files;
mod support;
#[path = "sources/synthetic_czi.rs"]
mod synthetic_czi;
#[path = "sources/synthetic_nd2.rs"]
mod synthetic_nd2;

use fovflow_common::source::{PlaneIndex, Source, SourceError};
use ndarray::Array2;

/// The plane of a FOV, frame, channel and Z.
fn plane(fov: u32, frame: u32, channel: u32, z: u32) -> PlaneIndex {
    PlaneIndex { fov, frame, channel, z }
}

/// Every plane of a source, in the order of its IDs.
fn all_planes(source: &dyn Source) -> Vec<PlaneIndex> {
    let info = source.info();
    let mut planes = Vec::new();
    for fov in &info.fovs {
        for frame in 0..info.frames {
            for channel in &info.channels {
                for z in 0..info.z_planes {
                    planes.push(plane(fov.id, frame, channel.id, z));
                }
            }
        }
    }
    planes
}

/// What went wrong, of a call that must not succeed.
fn error_of<T>(result: Result<T, SourceError>) -> SourceError {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error,
    }
}

/// The synthetic plane of this number.
fn expected_plane(number: usize, height: usize, width: usize) -> Array2<u16> {
    Array2::from_shape_fn((height, width), |(y, x)| support::pixel(number, y, x))
}
