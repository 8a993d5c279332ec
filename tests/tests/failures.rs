//! A FOV that fails stops no other, keeps what it has committed, names its cause, and goes on once the cause is gone.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use fovflow_common::source::{self, PlaneIndex};
use support::commits::Parts;
use support::czi::{self, StoredPlane};
use support::process::{expect, run};
use support::summary::{Table, made};
use support::tree::{self, Tree};
use support::{Bench, USUAL};

#[test]
fn a_fov_that_cannot_be_read_fails_alone() {
    let bench = Bench::new();
    let expected = Tree::of(&bench.run_usual("undisturbed"));
    let damaged = bench.path("damaged/movie.czi");
    fs::create_dir(bench.path("damaged")).unwrap();
    let plane = damage_a_plane(&bench.movie, &damaged);

    let output = bench.path("output");
    let printed = expect(run(&damaged, &output).args(USUAL), 2);
    assert!(printed.stdout.contains("3 of 4 FOVs done, 1 failed"), "{}", printed.stdout);
    let cause = printed.stdout.lines().find(|line| line.starts_with("failed: FOV 2, copy: "));
    let cause = cause.unwrap_or_else(|| panic!("the failure of FOV 2 is not named:\n{}", printed.stdout));
    for part in ["damaged/movie.czi", &plane.offset.to_string(), "zstd"] {
        assert!(cause.contains(part), "the cause does not say {part}: {cause}");
    }
    let table = Table::parse(&printed.stdout);
    assert_eq!((table.column(made::MADE), table.column(made::FAILED)), ([3; 7], [1, 0, 0, 0, 0, 0, 0]));
    let tree = Tree::of(&output);
    tree.filter(|path| !path.starts_with("fov_002/"))
        .assert_same(&expected.filter(|path| !path.starts_with("fov_002/")), "the other FOVs");
    assert!(!tree.fov(2).paths().any(|path| path.ends_with(".csv")), "FOV 2 has traces");

    // All channels of a frame are copied together, so none of FOV 2 is whole; what was committed is kept, the other FOVs too.
    let committed = Parts::of(&output);
    let kept: Vec<_> = committed.names(2).into_iter().collect();
    assert_eq!(kept, ["copy/images"]);
    let printed = expect(run(&damaged, &output).args(USUAL), 2);
    assert!(printed.stdout.contains("3 of 4 FOVs done (3 before this run), 1 failed"), "{}", printed.stdout);
    assert_eq!(Parts::of(&output), committed, "a second attempt");

    // With the movie repaired it goes on from there.
    fs::copy(&bench.movie, &damaged).unwrap();
    expect(run(&damaged, &output).args(USUAL), 0);
    Parts::of(&output).assert_keep(&committed, "after the repair");
    Tree::of(&output).assert_same(&expected, "after the repair");
}

/// Writes a copy of a movie in which one fluorescence plane of FOV 2 can't be decoded. The damage lies where the movie's
/// identity, which is made of samples, doesn't see it.
fn damage_a_plane(movie: &Path, damaged: &Path) -> StoredPlane {
    let whole = fs::read(movie).unwrap();
    let identity = source::open_path(movie).unwrap().info().identity.clone();
    let candidates = czi::planes(&whole).into_iter().filter(|plane| (plane.scene, plane.channel) == (2, 1));
    for plane in candidates.filter(|plane| plane.frame > 0) {
        let mut bytes = whole.clone();
        bytes[plane.offset + 3..][..40].fill(0xff);
        fs::write(damaged, bytes).unwrap();
        let mut source = source::open_path(damaged).unwrap();
        let place = |fov| PlaneIndex { fov, frame: plane.frame, channel: 1, z: 0 };
        if source.info().identity == identity && source.read_plane(place(2)).is_err() {
            source.read_plane(place(1)).unwrap();
            return plane;
        }
    }
    panic!("no plane of FOV 2 lies between the samples of the identity; the test needs a larger movie");
}

/// What happens to a chunk of a committed array.
#[derive(Debug, Clone, Copy)]
enum Damage {
    Deleted,
    Emptied,
    CutOff,
}

impl Damage {
    fn apply(self, chunk: &Path) {
        let bytes = fs::read(chunk).unwrap();
        match self {
            Self::Deleted => fs::remove_file(chunk).unwrap(),
            Self::Emptied => fs::write(chunk, []).unwrap(),
            Self::CutOff => fs::write(chunk, &bytes[..bytes.len() / 2]).unwrap(),
        }
    }
}

#[test]
fn a_damaged_frame_is_named() {
    let segmentation = Change::new("params.segmentation.min_object_size=60");
    for damage in [Damage::Deleted, Damage::Emptied, Damage::CutOff] {
        segmentation.check(damage, "images.zarr/pc_ch_0/0", [3, 0, 0], "segment");
    }
    let tracking = Change::new("params.tracking.min_iou=0.2");
    tracking.check(Damage::Deleted, "images.zarr/seg_labeled_ch_0/0", [3, 0, 0], "track");
    tracking.check(Damage::Deleted, "images.zarr/fl_ch_1/0", [3, 0, 0], "crop");
}

#[test]
fn a_damaged_crop_is_named() {
    let change = Change::new("params.extraction.background_weight=0.5");
    let cell = first_cell(&change.first);
    for channel in ["mask", "fl_ch_1", "fl_background_ch_1"] {
        change.check(Damage::Deleted, &format!("cells.zarr/{channel}/{cell}/0"), [0, 0, 0], "extract");
    }
    change.check(Damage::CutOff, &format!("cells.zarr/fl_ch_1/{cell}/0"), [0, 0, 0], "extract");
    change.check(Damage::Deleted, "cells.zarr/metadata/bboxes", [0, 0, 0], "extract");
}

/// The ID of a cell of FOV 1 that has a trace.
fn first_cell(output: &Path) -> String {
    let table = fs::read_to_string(output.join("fov_001/movie_fov_001_traces.csv")).unwrap();
    table.lines().nth(1).and_then(|row| row.split(',').nth(1)).unwrap().to_owned()
}

/// An output, and what a changed parameter makes of it.
struct Change {
    bench: Bench,
    first: PathBuf,
    settings: Vec<String>,
    expected: Tree,
}

impl Change {
    fn new(assignment: &str) -> Self {
        let bench = Bench::small();
        let first = bench.run_usual("first");
        let settings: Vec<_> = USUAL.iter().chain(&["--set", assignment]).map(|flag| (*flag).to_owned()).collect();
        let fresh = bench.path("fresh");
        bench.run(&fresh, &settings);
        Self { bench, first, settings, expected: Tree::of(&fresh) }
    }

    /// A chunk of FOV 1 is damaged, and a stage that reads it has to run again: FOV 1 fails with a cause that names the chunk
    /// and helps, and FOV 0 is done.
    #[track_caller]
    fn check(&self, damage: Damage, array: &str, index: [u64; 3], stage: &str) {
        let output = self.bench.path("damaged");
        tree::copy(&self.first, &output);
        let chunk = index.map(|i| i.to_string()).join("/");
        damage.apply(&output.join("fov_001").join(array).join("c").join(chunk));
        let printed = self.bench.run_to(2, &output, &self.settings);
        let cause = printed.stdout.lines().find(|line| line.starts_with(&format!("failed: FOV 1, {stage}: ")));
        let cause = cause.unwrap_or_else(|| panic!("{damage:?}: no failure of FOV 1 in {stage}:\n{}", printed.stdout));
        for part in [&format!("fov_001/{array}"), &format!("{index:?}"), ".fovflow/commits/fov_"] {
            assert!(cause.contains(part), "{damage:?} chunk: the cause does not say {part}: {cause}");
        }
        Tree::of(&output).fov(0).assert_same(&self.expected.fov(0), "the other FOV");

        // The advice that the cause gives.
        fs::remove_dir_all(output.join(".fovflow/commits/fov_001")).unwrap();
        self.bench.run(&output, &self.settings);
        Tree::of(&output).assert_same(&self.expected, "after the advice was taken");
        fs::remove_dir_all(&output).unwrap();
    }
}

#[test]
fn a_missing_crop_never_becomes_zeros_for_display() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let expected = Tree::of(&output);
    let cell = first_cell(&output);
    // As if the run had been killed before the display levels were made.
    fs::remove_file(output.join(".fovflow/commits/fov_001/cache.json")).unwrap();
    let array = format!("cells.zarr/fl_ch_1/{cell}/0");
    fs::remove_file(output.join("fov_001").join(&array).join("c/0/0/0")).unwrap();

    // Display levels are a convenience: that they can't be made is a warning.
    let printed = bench.run(&output, USUAL);
    let warning = printed.stdout.lines().find(|line| line.starts_with("warning: FOV 1 has no display levels"));
    let warning = warning.unwrap_or_else(|| panic!("no warning of FOV 1:\n{}", printed.stdout));
    assert!(warning.contains(&array), "the warning does not say {array}: {warning}");
    assert!(!Parts::of(&output).names(1).contains("cache/cells/1"), "levels of zeros are vouched for");

    fs::remove_dir_all(output.join(".fovflow/commits/fov_001")).unwrap();
    bench.run(&output, USUAL);
    Tree::of(&output).assert_same(&expected, "after FOV 1 was made again");
}

/// A stage that's made again clears its folder, and with it the display level that the commit of `cache` still vouches for. A
/// kill between the two commits that a stage writes before it begins leaves the same behind.
#[test]
fn a_damaged_commit_costs_a_computation_and_no_more() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let expected = Tree::of(&output);
    let before = Parts::of(&output);
    fs::write(output.join(".fovflow/commits/fov_001/track.json"), "{\"format\": 1, \"fo").unwrap();
    let printed = bench.run(&output, USUAL);
    assert!(printed.stderr.contains("unreadable commit"), "{}", printed.stderr);
    Tree::of(&output).assert_same(&expected, "after a damaged commit");
    let after = Parts::of(&output);
    assert!(after.made_since(&before, 0).is_empty());
    let made: Vec<_> = after.made_since(&before, 1).into_iter().collect();
    assert_eq!(made, ["cache/seg_tracked_ch_0/1", "track/seg_tracked_ch_0", "track/seg_tracked_ch_0.ome"]);
}
