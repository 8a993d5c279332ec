//! A FOV that fails stops no other, keeps what it has committed, names its cause, and goes on once the cause is gone.

mod support;

use std::fs;
use std::path::Path;

use fovflow_common::source::{self, PlaneIndex};
use support::commits::Parts;
use support::czi::{self, StoredPlane};
use support::process::{expect, run};
use support::summary::{Table, made};
use support::tree::Tree;
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

    // Phase contrast of FOV 2 was copied before its fluorescence failed, and is kept; so are the other FOVs.
    let committed = Parts::of(&output);
    let kept: Vec<_> = committed.names(2).into_iter().collect();
    assert_eq!(kept, ["copy/images", "copy/pc_ch_0", "copy/pc_ch_0.ome"]);
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
    let segmentation = ["--set", "params.segmentation.min_object_size=60"];
    let index = "[3, 0, 0]";
    check_damage("images.zarr/pc_ch_0/0", "c/3/0/0", Damage::Deleted, &segmentation, "segment", index);
    check_damage("images.zarr/pc_ch_0/0", "c/3/0/0", Damage::Emptied, &segmentation, "segment", "");
    check_damage("images.zarr/pc_ch_0/0", "c/3/0/0", Damage::CutOff, &segmentation, "segment", "");
    let tracking = ["--set", "params.tracking.min_iou=0.2"];
    check_damage("images.zarr/seg_labeled_ch_0/0", "c/3/0/0", Damage::Deleted, &tracking, "track", index);
    check_damage("images.zarr/fl_ch_1/0", "c/3/0/0", Damage::Deleted, &tracking, "crop", index);
}

#[test]
fn a_damaged_crop_is_named() {
    let bench = Bench::new();
    let output = bench.run_usual("output");
    let table = fs::read_to_string(output.join("fov_001/movie_fov_001_traces.csv")).unwrap();
    let cell = table.lines().nth(1).and_then(|row| row.split(',').nth(1)).unwrap().to_owned();
    let extraction = ["--set", "params.extraction.background_weight=0.5"];
    for channel in ["mask", "fl_ch_1", "fl_background_ch_1"] {
        let array = format!("cells.zarr/{channel}/{cell}/0");
        check_damage(&array, "c/0/0/0", Damage::Deleted, &extraction, "extract", "[0, 0, 0]");
    }
    check_damage("cells.zarr/metadata/bboxes", "c/0/0/0", Damage::Deleted, &extraction, "extract", "[0, 0, 0]");
}

/// A chunk of FOV 1 is damaged, and a stage that reads it has to run again: FOV 1 fails with a cause that names the array,
/// and the message's advice helps.
#[track_caller]
fn check_damage(array: &str, chunk: &str, damage: Damage, change: &[&str], stage: &str, index: &str) {
    let bench = Bench::new();
    let output = bench.run_usual("output");
    let settings = [&USUAL[..], change].concat();
    let fresh = bench.path("fresh");
    bench.run(&fresh, &settings);
    let expected = Tree::of(&fresh);

    damage.apply(&output.join("fov_001").join(array).join(chunk));
    let printed = bench.run_to(2, &output, &settings);
    let cause = printed.stdout.lines().find(|line| line.starts_with(&format!("failed: FOV 1, {stage}: ")));
    let cause = cause.unwrap_or_else(|| panic!("{damage:?}: no failure of FOV 1 in {stage}:\n{}", printed.stdout));
    for part in [array, "fov_001", index] {
        assert!(cause.contains(part), "{damage:?}: the cause does not say {part}: {cause}");
    }
    let others = |tree: &Tree| tree.filter(|path| !path.starts_with("fov_001/"));
    others(&Tree::of(&output)).assert_same(&others(&expected), "the other FOVs");

    assert!(cause.contains(".fovflow/commits/fov_"), "{damage:?}: the cause does not say what to do: {cause}");
    fs::remove_dir_all(output.join(".fovflow/commits/fov_001")).unwrap();
    bench.run(&output, &settings);
    Tree::of(&output).assert_same(&expected, "after the advice was taken");
}

#[test]
fn a_missing_crop_never_becomes_zeros_for_display() {
    let bench = Bench::new();
    let output = bench.run_usual("output");
    let expected = Tree::of(&output);
    let table = fs::read_to_string(output.join("fov_001/movie_fov_001_traces.csv")).unwrap();
    let cell = table.lines().nth(1).and_then(|row| row.split(',').nth(1)).unwrap().to_owned();
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

#[test]
fn a_damaged_commit_costs_a_computation_and_no_more() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let expected = Tree::of(&output);
    let before = Parts::of(&output);
    fs::write(output.join(".fovflow/commits/fov_001/track.json"), "{\"format\": 1, \"fo").unwrap();
    let printed = bench.run(&output, USUAL);
    assert!(printed.stderr.contains("unreadable commit"), "{}", printed.stderr);
    let after = Parts::of(&output);
    assert!(after.made_since(&before, 0).is_empty());
    let made: Vec<_> = after.made_since(&before, 1).into_iter().collect();
    // The display level lay in the folder that was made anew.
    assert_eq!(made, ["cache/seg_tracked_ch_0/1", "track/seg_tracked_ch_0", "track/seg_tracked_ch_0.ome"]);
    Tree::of(&output).assert_same(&expected, "after a damaged commit");
}
