//! What is done is never done again, and a changed parameter computes just what it reaches.
//!
//! An array's OME metadata (`.ome`) lies in the array's folder, so it's made anew with the array.

mod support;

use std::path::Path;

use support::commits::{self, Moment, Parts};
use support::process::{self, Running};
use support::summary::{Table, made};
use support::tree::{Stamps, Tree, assert_has_traces};
use support::{Bench, LOOSE_FILTERS, USUAL};

#[test]
fn the_second_run_computes_nothing() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let (tree, moment, stamps) = (Tree::of(&output), Moment::of(&output), commits::stamps(&output));
    let printed = bench.run(&output, USUAL);
    moment.assert_made_since(&output, "");
    assert_eq!(commits::stamps(&output), stamps, "commits were written again");
    Tree::of(&output).assert_same(&tree, "the second run");
    let table = Table::parse(&printed.stdout);
    assert_eq!((table.column(made::MADE), table.column(made::ALREADY)), ([0; 7], [2; 7]), "{}", printed.stdout);
    assert!(printed.stderr.contains("everything is already done"), "{}", printed.stderr);
    assert!(printed.stdout.contains("2 of 2 FOVs done (2 before this run)"), "{}", printed.stdout);
}

#[test]
fn segmentation_reaches_all_but_the_copies() {
    check_parameter(
        "params.segmentation.min_object_size=900",
        "segment/seg_labeled_ch_0 segment/seg_labeled_ch_0.ome track/seg_tracked_ch_0 track/seg_tracked_ch_0.ome
         background/fl_background_ch_1 background/fl_background_ch_1.ome crop/cells extract/traces
         cache/seg_labeled_ch_0/1 cache/seg_tracked_ch_0/1 cache/fl_background_ch_1/1 cache/cells/1",
    );
}

#[test]
fn tracking_reaches_the_tracks_and_what_is_made_of_them() {
    check_parameter(
        "params.tracking.min_iou=0.9",
        "track/seg_tracked_ch_0 track/seg_tracked_ch_0.ome crop/cells extract/traces cache/seg_tracked_ch_0/1 cache/cells/1",
    );
}

#[test]
fn background_reaches_itself_the_crops_and_the_traces() {
    check_parameter(
        "params.background.tile_size=60",
        "background/fl_background_ch_1 background/fl_background_ch_1.ome crop/cells extract/traces cache/fl_background_ch_1/1 cache/cells/1",
    );
}

#[test]
fn extraction_reaches_the_traces_alone() {
    check_parameter("params.extraction.min_frames=8", "extract/traces");
    check_parameter("params.extraction.background_weight=0.5", "extract/traces");
}

#[test]
fn the_frame_interval_reaches_metadata_alone() {
    check_parameter(
        "params.extraction.frame_interval=2.5",
        "copy/pc_ch_0.ome copy/fl_ch_1.ome segment/seg_labeled_ch_0.ome track/seg_tracked_ch_0.ome
         background/fl_background_ch_1.ome",
    );
}

#[test]
fn other_frames_reach_every_pixel() {
    check(
        &USUAL,
        &[&USUAL[..], &["--frames", "1-6"]].concat(),
        "copy/pc_ch_0 copy/fl_ch_1 segment/seg_labeled_ch_0 track/seg_tracked_ch_0 background/fl_background_ch_1
         copy/pc_ch_0.ome copy/fl_ch_1.ome segment/seg_labeled_ch_0.ome track/seg_tracked_ch_0.ome
         background/fl_background_ch_1.ome crop/cells extract/traces cache/pc_ch_0/1 cache/fl_ch_1/1 cache/seg_labeled_ch_0/1 cache/seg_tracked_ch_0/1
         cache/fl_background_ch_1/1 cache/cells/1",
    );
}

#[test]
fn a_feature_reaches_the_traces_alone() {
    let with_fl = |fl: &'static str| [&["--pc", "0:area", "--fl", fl], &LOOSE_FILTERS[..]].concat();
    check(&with_fl("1:intensity_total"), &with_fl("1:intensity_total,intensity_mean"), "extract/traces");
}

#[test]
fn what_computes_nothing_is_no_reason_to_compute() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let moment = Moment::of(&output);
    bench.run(&output, USUAL.iter().chain(&["--set", "params.batch_size=1", "--workers", "5", "--fovs", "1,0"]));
    moment.assert_made_since(&output, "");
}

#[test]
fn a_channel_that_is_added_is_made_alone_and_stays_when_it_is_removed() {
    let bench = Bench::small();
    let one = USUAL;
    let two = [&USUAL[..], &["--fl", "2:intensity_mean"]].concat();
    let output = bench.run_usual("output");
    let first = Tree::of(&output);
    let fresh = bench.path("fresh");
    bench.run(&fresh, &two);

    let moment = Moment::of(&output);
    bench.run(&output, &two);
    moment.assert_made_since(
        &output,
        "copy/fl_ch_2 copy/fl_ch_2.ome background/fl_background_ch_2 background/fl_background_ch_2.ome
         crop/cells extract/traces cache/fl_ch_2/1 cache/fl_background_ch_2/1 cache/cells/1",
    );
    Tree::of(&output).assert_same(&Tree::of(&fresh), "a second fluorescence channel");

    // What was copied for the removed channel stays beside the results, which are as if it had never been there.
    let moment = Moment::of(&output);
    bench.run(&output, one);
    moment.assert_made_since(&output, "crop/cells extract/traces cache/cells/1");
    let is_left =
        |path: &str| path.contains("/images.zarr/fl_ch_2/") || path.contains("/images.zarr/fl_background_ch_2/");
    let tree = Tree::of(&output);
    tree.filter(|path| !is_left(path)).assert_same(&first, "the channel removed again");
    tree.filter(is_left).assert_same(&Tree::of(&fresh).filter(is_left), "what was copied for it");

    // So it needn't be copied again.
    let moment = Moment::of(&output);
    bench.run(&output, &two);
    moment.assert_made_since(&output, "crop/cells extract/traces cache/cells/1");
    Tree::of(&output).assert_same(&Tree::of(&fresh), "the channel added once more");
}

#[test]
fn more_fovs_leave_those_that_are_done() {
    let bench = Bench::new();
    let expected = Tree::of(&bench.run_usual("fresh"));
    let output = bench.path("output");
    bench.run(&output, USUAL.iter().chain(&["--fovs", "1-2"]));
    let committed = Parts::of(&output);
    assert_eq!(committed.fovs().into_iter().collect::<Vec<_>>(), [1, 2]);
    let printed = bench.run(&output, USUAL);
    let table = Table::parse(&printed.stdout);
    assert_eq!((table.column(made::MADE), table.column(made::ALREADY)), ([2; 7], [2; 7]), "{}", printed.stdout);
    Parts::of(&output).assert_keep(&committed, "two more FOVs");
    Tree::of(&output).assert_same(&expected, "two more FOVs");
}

#[test]
fn back_from_a_change_that_was_interrupted() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let (tree, before) = (Tree::of(&output), Parts::of(&output));
    let changed = [&USUAL[..], &["--set", "params.segmentation.min_object_size=900", "--workers", "1"]].concat();

    // Killed as soon as the labels of a FOV are made and committed anew.
    let mut command = process::run(&bench.movie, &output);
    command.args(&changed);
    let mut running = Running::start(command);
    let is_segmented = |parts: &Parts, fov| parts.made_since(&before, fov).contains("segment/seg_labeled_ch_0");
    assert!(running.wait_until(|| (0..2).any(|fov| is_segmented(&Parts::of(&output), fov))), "nothing was segmented");
    running.kill();
    let halfway = Parts::of(&output);

    bench.run(&output, USUAL);
    Tree::of(&output).assert_same(&tree, "back to the first parameters");
    let after = Parts::of(&output);
    for fov in 0..2 {
        let expected = if is_segmented(&halfway, fov) { "segment/seg_labeled_ch_0" } else { "" };
        let made = after.made_since(&before, fov);
        assert!(made.contains("segment/seg_labeled_ch_0") || expected.is_empty(), "FOV {fov}: {made:?}");
        // Copies are the same under both parameters.
        assert!(!made.iter().any(|part| part.starts_with("copy/")), "FOV {fov}: {made:?}");
        // What the interrupted run hadn't come to is still what the first parameters make.
        let came_to = halfway.made_since(&before, fov);
        let lost: Vec<_> = before.names(fov).difference(&halfway.names(fov)).cloned().collect();
        for part in made {
            assert!(came_to.contains(&part) || lost.contains(&part), "FOV {fov}: {part} was current, but made again");
        }
    }
}

#[test]
fn an_interrupted_change_goes_on() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let (before, stamps) = (Parts::of(&output), commits::stamps(&output));
    let changed = [&USUAL[..], &["--set", "params.segmentation.min_object_size=900", "--workers", "1"]].concat();
    let fresh = bench.path("fresh");
    bench.run(&fresh, &changed);
    let mut command = process::run(&bench.movie, &output);
    command.args(&changed);
    let mut running = Running::start(command);
    let is_half_done = || {
        let has_changed = commits::stamps(&output) != stamps;
        has_changed && !Parts::of(&output).made_since(&before, 0).is_empty()
    };
    assert!(running.wait_until(is_half_done), "nothing of FOV 0 was made");
    running.kill();
    let halfway = Parts::of(&output);
    bench.run(&output, &changed);
    let after = Parts::of(&output);
    for fov in 0..2 {
        let twice = after.made_since(&halfway, fov);
        assert!(
            twice.is_disjoint(&halfway.made_since(&before, fov)),
            "FOV {fov}: made twice for one change: {twice:?}"
        );
    }
    Tree::of(&output).assert_same(&Tree::of(&fresh), "the change, interrupted and resumed");
}

/// As [`check`], for one parameter on top of the usual settings.
#[track_caller]
fn check_parameter(assignment: &str, expected: &str) {
    check(&USUAL, &[&USUAL[..], &["--set", assignment]].concat(), expected);
}

/// Runs with some settings, with others, and with the first again: just the expected parts are made each time, and the trees
/// are those of fresh runs.
#[track_caller]
fn check(first: &[&str], second: &[&str], expected: &str) {
    let bench = Bench::small();
    let output = bench.path("output");
    bench.run(&output, first);
    assert_has_traces(&output);
    let first_tree = Tree::of(&output);
    let fresh = bench.path("fresh");
    bench.run(&fresh, second);
    let second_tree = Tree::of(&fresh);
    assert!(first_tree.results() != second_tree.results(), "{second:?} changes nothing; the test needs another value");

    turn(&bench, &output, second, expected);
    Tree::of(&output).assert_same(&second_tree, "after the change");
    turn(&bench, &output, first, expected);
    Tree::of(&output).assert_same(&first_tree, "after the change was taken back");
}

#[track_caller]
fn turn(bench: &Bench, output: &Path, settings: &[&str], expected: &str) {
    let moment = Moment::of(output);
    let stamps = Stamps::of(output);
    bench.run(output, settings);
    moment.assert_made_since(output, expected);
    assert!(Stamps::of(output).touched_since(&stamps).contains("processing_config.yaml"));
}
