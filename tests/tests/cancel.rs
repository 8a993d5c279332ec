//! SIGINT and SIGTERM stop a run cleanly, and the same command goes on.

#![cfg(unix)]

mod support;

use support::commits::{Parts, commit_paths};
use support::process::{self, Running};
use support::tree::{self, Tree};
use support::{Bench, USUAL};

#[test]
fn ctrl_c_stops_and_the_same_command_goes_on() {
    check("INT");
}

#[test]
fn termination_does_the_same() {
    check("TERM");
}

fn check(signal: &str) {
    let bench = Bench::simulate(&["--fovs", "8", "--frames", "12", "--size", "192", "--cells", "6"]);
    let expected = Tree::of(&bench.run_usual("undisturbed"));
    let output = bench.path("cancelled");
    let mut command = process::run(&bench.movie, &output);
    command.args(USUAL).args(["--workers", "1"]);
    let mut running = Running::start(command);
    assert!(running.wait_until(|| commit_paths(&output).len() >= 3), "the run ended before it could be cancelled");
    running.signal(signal);
    let printed = running.end(130);
    assert!(printed.stderr.contains("stopping after the frames in hand"), "{}", printed.stderr);
    assert!(printed.stdout.contains("not finished"), "{}", printed.stdout);
    assert!(printed.stdout.contains("cancelled: the same command goes on from here"), "{}", printed.stdout);
    assert!(!printed.stderr.to_lowercase().contains("fail"), "a cancelled task is no failure:\n{}", printed.stderr);
    assert!(!printed.stdout.contains("failed:"), "a cancelled FOV is no failed one:\n{}", printed.stdout);

    let committed = Parts::of(&output);
    assert!(committed.len() > 0 && tree::paths(&output.join(".fovflow/staging")).is_empty());
    bench.run(&output, USUAL);
    Parts::of(&output).assert_keep(&committed, "after a cancelled run");
    Tree::of(&output).assert_same(&expected, "a cancelled run that was resumed");
}
