//! What can go wrong while simulating: a parameter that makes no movie, or a disk that does not take it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a simulation could not be made.
#[derive(Debug, Error)]
pub enum SimulateError {
    /// A parameter, or a combination of them, that no movie can be made from.
    #[error("cannot simulate with {parameter} = {value}: {expected}")]
    InvalidParameter {
        /// Name of the parameter, as in [`super::SimulationParams`].
        parameter: &'static str,
        /// The value given.
        value: String,
        /// What would be accepted.
        expected: String,
    },
    /// A plane that does not belong to the file being written.
    #[error("cannot write plane {plane} to {path}: {problem}")]
    Plane {
        /// The CZI file.
        path: PathBuf,
        /// Scene, time, channel and z of the plane.
        plane: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The operating system refused: no such folder, no permission, no space left.
    #[error("could not {action} {path}: {source}")]
    Io {
        /// What was being done, as an infinitive.
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}

impl SimulateError {
    /// A closure for `map_err` that says what was being done to which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| SimulateError::Io { action, path, source }
    }
}
