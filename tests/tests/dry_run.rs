//! `--dry-run` says what would be done, and touches nothing.

mod support;

use std::fs;
use std::path::Path;

use support::process::{self, Running};
use support::summary::{Table, made, outlook};
use support::tree::Stamps;
use support::{Bench, USUAL, commits};

#[test]
fn an_output_that_is_not_there_stays_so() {
    let bench = Bench::small();
    let output = bench.path("not/there");
    let table = dry_run(&bench, &output, &USUAL);
    assert_eq!(table.column(outlook::NEW), [2; 7]);
    assert!(!bench.path("not").exists());
}

#[test]
fn its_counts_are_what_the_run_then_does() {
    let bench = Bench::small();
    let output = bench.path("output");
    fs::create_dir(&output).unwrap();
    // copy, segment, track, background, crop, extract, cache
    let all_new = Expected { new: [2; 7], ..Expected::default() };
    step(&bench, &output, &USUAL, &all_new);
    step(&bench, &output, &USUAL, &Expected { done: [2; 7], ..Expected::default() });

    let tiles = [&USUAL[..], &["--set", "params.background.tile_size=60"]].concat();
    let changed = Expected { done: [2, 2, 2, 0, 0, 0, 0], changed: [0, 0, 0, 2, 2, 2, 2], ..Expected::default() };
    step(&bench, &output, &tiles, &changed);

    let channel = [&tiles[..], &["--fl", "2:intensity_total"]].concat();
    let partly = Expected {
        done: [0, 2, 2, 0, 0, 0, 0],
        changed: [0, 0, 0, 0, 2, 2, 2],
        partly: [2, 0, 0, 2, 0, 0, 0],
        ..Expected::default()
    };
    step(&bench, &output, &channel, &partly);

    let no_fl = ["--pc", "0:area", "--fovs", "1"];
    let skipped = Expected {
        done: [1, 1, 1, 0, 0, 0, 0],
        changed: [0, 0, 0, 0, 1, 1, 1],
        skipped: [0, 0, 0, 1, 0, 0, 0],
        ..Expected::default()
    };
    step(&bench, &output, &no_fl, &skipped);
}

#[test]
fn after_a_kill_it_tells_what_is_left() {
    let bench = Bench::small();
    let output = bench.path("output");
    let mut command = process::run(&bench.movie, &output);
    command.args(USUAL).args(["--workers", "1"]);
    let mut running = Running::start(command);
    let is_segmented = || commits::commit_paths(&output).iter().any(|path| path.ends_with("fov_000/segment.json"));
    assert!(running.wait_until(is_segmented), "FOV 0 was not segmented");
    running.kill();
    let table = dry_run(&bench, &output, &USUAL);
    assert!(table.column(outlook::DONE)[0] >= 1, "FOV 0 is copied: {table:?}");
    let left: Vec<_> = (0..7).map(|stage| 2 - table.column(outlook::DONE)[stage]).collect();
    let printed = bench.run(&output, USUAL);
    assert_eq!(Table::parse(&printed.stdout).column(made::MADE).to_vec(), left, "{}", printed.stdout);
}

#[derive(Default)]
struct Expected {
    done: [usize; 7],
    new: [usize; 7],
    changed: [usize; 7],
    partly: [usize; 7],
    skipped: [usize; 7],
}

/// A dry run must announce what's expected, and a real one then do it.
#[track_caller]
fn step(bench: &Bench, output: &Path, settings: &[&str], expected: &Expected) {
    let table = dry_run(bench, output, settings);
    assert_eq!(table.column(outlook::DONE), expected.done, "done");
    assert_eq!(table.column(outlook::NEW), expected.new, "new");
    assert_eq!(table.column(outlook::CHANGED), expected.changed, "changed");
    assert_eq!(table.column(outlook::PARTLY), expected.partly, "partly");
    assert_eq!(table.column(outlook::SKIPPED), expected.skipped, "skipped");
    let printed = bench.run(output, settings);
    let table = Table::parse(&printed.stdout);
    assert_eq!(table.column(made::ALREADY), expected.done, "{}", printed.stdout);
    assert_eq!(table.column(made::SKIPPED), expected.skipped, "{}", printed.stdout);
    let to_make: Vec<_> = (0..7).map(|i| expected.new[i] + expected.changed[i] + expected.partly[i]).collect();
    assert_eq!(table.column(made::MADE).to_vec(), to_make, "{}", printed.stdout);
}

#[track_caller]
fn dry_run(bench: &Bench, output: &Path, settings: &[&str]) -> Table {
    let before = output.exists().then(|| Stamps::of(output));
    let printed = bench.run(output, settings.iter().chain(&["--dry-run"]));
    let after = output.exists().then(|| Stamps::of(output));
    assert!(before == after, "--dry-run has changed the output");
    Table::parse(&printed.stdout)
}
