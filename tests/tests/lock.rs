//! One process at a time on an output.

// Pausing a process looks into /proc.
#![cfg(target_os = "linux")]

mod support;

use support::process::{self, Running};
use support::tree::{Stamps, Tree};
use support::{Bench, USUAL, commits};

#[test]
fn a_second_run_is_refused_and_the_first_unharmed() {
    let bench = Bench::new();
    let expected = Tree::of(&bench.run_usual("undisturbed"));
    let output = bench.path("shared");
    let mut command = process::run(&bench.movie, &output);
    command.args(USUAL);
    let mut first = Running::start(command);
    assert!(first.wait_until(|| !commits::commit_paths(&output).is_empty()), "the first run committed nothing");
    // Paused, it's sure to hold the lock as long as the second one looks.
    first.pause();
    let before = Stamps::of(&output);
    let second = bench.run_to(1, &output, USUAL);
    assert!(Stamps::of(&output) == before, "the second run has changed the output");
    let message = format!("error: another fovflow is working on {}; wait until it is done", output.display());
    assert!(second.stderr.contains(&message), "{}", second.stderr);
    // Looking is allowed.
    bench.run(&output, USUAL.iter().chain(&["--dry-run"]));
    first.signal("CONT");
    first.end(0);
    Tree::of(&output).assert_same(&expected, "the first run");
    bench.run(&output, USUAL);
}

#[test]
fn a_killed_run_leaves_no_lock() {
    let bench = Bench::new();
    let output = bench.path("output");
    let mut command = process::run(&bench.movie, &output);
    command.args(USUAL);
    let mut first = Running::start(command);
    assert!(first.wait_until(|| !commits::commit_paths(&output).is_empty()), "the first run committed nothing");
    first.kill();
    bench.run(&output, USUAL);
}
