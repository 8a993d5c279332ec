//! What the end-to-end tests share: the command as a process, a simulated movie, and looks at what a run has left behind.

// Each test file is a crate of its own and uses its own share of this.
#![allow(dead_code)]

pub mod commits;
pub mod czi;
pub mod process;
pub mod summary;
pub mod tree;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use process::{Printed, expect, fovflow};
use tempfile::TempDir;

/// The settings that most tests run with. The filters are loose enough for small movies to have traces.
pub const USUAL: [&str; 8] = [
    "--pc",
    "0:area,aspect_ratio",
    "--fl",
    "1:intensity_total,intensity_mean",
    "--set",
    "params.extraction.min_frames=3",
    "--set",
    "params.extraction.border_margin=5",
];

/// [`USUAL`] without its channels.
pub const LOOSE_FILTERS: [&str; 4] =
    ["--set", "params.extraction.min_frames=3", "--set", "params.extraction.border_margin=5"];

/// A temporary folder with a simulated movie in it, and room for outputs.
pub struct Bench {
    folder: TempDir,
    /// The movie.
    pub movie: PathBuf,
}

impl Bench {
    /// A movie of 4 FOVs and 8 frames: a run takes about half a second.
    pub fn new() -> Self {
        Self::simulate(&["--fovs", "4", "--frames", "8", "--size", "160", "--cells", "6"])
    }

    /// The same, but of 2 FOVs and with two fluorescence channels.
    pub fn small() -> Self {
        Self::simulate(&["--fovs", "2", "--frames", "8", "--size", "160", "--cells", "6", "--fluorescence", "2"])
    }

    /// A movie simulated with these flags.
    pub fn simulate(flags: &[&str]) -> Self {
        let bench = Self::empty();
        expect(fovflow(["simulate"]).arg(&bench.movie).args(flags), 0);
        bench
    }

    /// A folder in which the movie is still to be written.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let movie = folder.path().join("movie.czi");
        Self { folder, movie }
    }

    /// A path in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Processes the movie, which must end well.
    pub fn run<S: AsRef<OsStr>>(&self, output: &Path, flags: impl IntoIterator<Item = S>) -> Printed {
        self.run_to(0, output, flags)
    }

    /// Processes the movie, which must end with an exit code.
    pub fn run_to<S: AsRef<OsStr>>(&self, code: i32, output: &Path, flags: impl IntoIterator<Item = S>) -> Printed {
        expect(process::run(&self.movie, output).args(flags), code)
    }

    /// Processes the movie with [`USUAL`] settings into a new folder, and makes sure that every FOV has traces, since a test
    /// that compares empty tables proves little.
    pub fn run_usual(&self, name: &str) -> PathBuf {
        let output = self.path(name);
        self.run(&output, USUAL);
        tree::assert_has_traces(&output);
        output
    }
}
