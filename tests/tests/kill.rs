//! SIGKILL at any moment: the same command goes on from what is committed, and ends with the same tree.
//!
//! The random moments come from a seed that is printed; `FOVFLOW_TEST_SEED` repeats one.

mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use support::commits::{self, Parts};
use support::process::{self, Running};
use support::tree::{self, Tree};
use support::{Bench, USUAL};

/// How often a run is killed at random.
const KILLS: usize = 20;

#[test]
fn killed_at_random_moments() {
    let bench = Bench::simulate(&["--fovs", "3", "--frames", "6", "--size", "144", "--cells", "6"]);
    let started = Instant::now();
    let expected = Tree::of(&bench.run_usual("undisturbed"));
    // The shortest undisturbed run that was seen: a busy machine may have slowed the first one.
    let mut duration = started.elapsed();

    let mut random = Random::new();
    let (mut kills, mut kills_at_work, mut outputs) = (0, 0, 0);
    while kills < KILLS {
        outputs += 1;
        let output = bench.path(&format!("killed_{outputs}"));
        let mut committed = Parts::of(&output);
        loop {
            let moment = duration.mul_f64(random.share());
            let is_last_start = kills == KILLS;
            let started = Instant::now();
            let mut running = Running::start(command(&bench, &output));
            if is_last_start || !running.wait_for(moment) {
                running.end(0);
                if committed.len() == 0 {
                    duration = duration.min(started.elapsed());
                }
                break;
            }
            running.kill();
            kills += 1;
            let now = Parts::of(&output);
            now.assert_keep(&committed, &format!("killed after {moment:?}, kill {kills}"));
            kills_at_work += usize::from(now.len() > committed.len());
            committed = now;
            leave_half_a_file(&output);
        }
        Parts::of(&output).assert_keep(&committed, "the last start");
        assert_is_clean(&output);
        Tree::of(&output).assert_same(&expected, &format!("output {outputs} after kills"));
    }
    eprintln!("{kills} kills of runs of {duration:?} in {outputs} outputs, {kills_at_work} after new commits");
    assert!(kills_at_work >= 3, "only {kills_at_work} of {kills} kills came after something was committed");
}

#[test]
fn killed_at_every_commit() {
    let bench = Bench::simulate(&["--fovs", "2", "--frames", "6", "--size", "144", "--cells", "6"]);
    let undisturbed = bench.run_usual("undisturbed");
    let expected = Tree::of(&undisturbed);
    let parts = Parts::of(&undisturbed).len();

    let output = bench.path("killed");
    let mut committed = Parts::of(&output);
    let mut kills = 0;
    loop {
        let before = commits::stamps(&output);
        let mut running = Running::start(command(&bench, &output));
        if !running.wait_until(|| commits::stamps(&output) != before) {
            running.end(0);
            break;
        }
        running.kill();
        kills += 1;
        let now = Parts::of(&output);
        now.assert_keep(&committed, &format!("kill {kills}"));
        assert!(now.len() > committed.len(), "kill {kills}: a commit was written, but no part is new");
        committed = now;
        assert!(kills <= parts, "{kills} kills, although there are only {parts} parts to commit");
    }
    eprintln!("{kills} kills, each as a commit appeared");
    assert!(kills >= 8, "only {kills} kills came at a commit");
    Parts::of(&output).assert_keep(&committed, "the last start");
    assert_is_clean(&output);
    Tree::of(&output).assert_same(&expected, "after a kill at every commit");
}

fn command(bench: &Bench, output: &Path) -> std::process::Command {
    let mut command = process::run(&bench.movie, output);
    command.args(USUAL);
    command
}

/// What a kill in the middle of a write leaves behind; the next start clears it away.
fn leave_half_a_file(output: &Path) {
    let staging = output.join(".fovflow/staging");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join("half"), "a chunk that was never who").unwrap();
}

#[track_caller]
fn assert_is_clean(output: &Path) {
    let left = tree::paths(&output.join(".fovflow/staging"));
    assert!(left.is_empty(), "left in the staging folder: {left:?}");
}

/// Seeded moments (SplitMix64).
struct Random(u64);

impl Random {
    fn new() -> Self {
        let given = std::env::var("FOVFLOW_TEST_SEED").ok().map(|text| text.parse().expect("the seed is a number"));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let seed = given.unwrap_or(u64::from(now.subsec_nanos()));
        eprintln!("FOVFLOW_TEST_SEED={seed}");
        Self(seed)
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}
