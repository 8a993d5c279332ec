//! The same movie and configuration give the same bytes, whatever the number of workers, the order of FOVs, and the paths.

mod support;

use std::fs;

use support::tree::{Tree, assert_has_traces};
use support::{Bench, USUAL, process};

#[test]
fn any_number_of_workers_gives_the_same_tree() {
    let bench = Bench::new();
    let trees = ["1", "2", "7"].map(|workers| {
        let output = bench.path(&format!("by_{workers}"));
        bench.run(&output, USUAL.iter().chain(&["--workers", workers]));
        assert_has_traces(&output);
        Tree::of(&output)
    });
    trees[1].assert_same(&trees[0], "2 workers against 1");
    trees[2].assert_same(&trees[0], "7 workers against 1");
}

#[test]
fn the_order_of_fovs_does_not_matter() {
    let bench = Bench::new();
    let expected = Tree::of(&bench.run_usual("forwards"));
    for (name, order, batch) in [("backwards", "3,2,1,0", "1"), ("mixed", "2,0,3,1", "2")] {
        let output = bench.path(name);
        bench.run(&output, USUAL.iter().chain(&["--fovs", order]));
        Tree::of(&output).assert_same(&expected, name);
        let batched = bench.path(&format!("{name}_batched"));
        let batch_size = format!("params.batch_size={batch}");
        bench.run(&batched, USUAL.iter().chain(&["--fovs", order, "--set", &batch_size]));
        Tree::of(&batched).results().assert_same(&expected.results(), "FOVs admitted a few at a time");
    }
}

#[test]
fn paths_do_not_reach_the_results() {
    let bench = Bench::new();
    let expected = Tree::of(&bench.run_usual("output"));
    let elsewhere = bench.path("another/folder");
    fs::create_dir_all(&elsewhere).unwrap();
    let moved = elsewhere.join("movie.czi");
    fs::rename(&bench.movie, &moved).unwrap();
    let output = elsewhere.join("deep/results");
    process::expect(process::run(&moved, &output).args(USUAL), 0);
    Tree::of(&output).assert_same(&expected, "from another path to another output");

    // A copy of the movie is the same movie: its results are found done.
    let printed = process::expect(process::run(&moved, &bench.path("output")).args(USUAL), 0);
    assert!(printed.stderr.contains("everything is already done"), "{}", printed.stderr);
}

#[test]
fn what_the_hash_sees() {
    let bench = Bench::new();
    let output = bench.run_usual("output");
    let before = Tree::of(&output);
    fs::write(output.join(".fovflow/note"), "bookkeeping is no result").unwrap();
    assert_eq!(Tree::of(&output).sha256(), before.sha256());
    let table = output.join("fov_003/movie_fov_003_traces.csv");
    let mut text = fs::read(&table).unwrap();
    *text.last_mut().unwrap() = b' ';
    fs::write(&table, text).unwrap();
    assert_ne!(Tree::of(&output).sha256(), before.sha256());
}
