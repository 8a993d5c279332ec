//! Where movies and outputs may be, and how they may be named.

mod support;

use std::fs;

use support::process::{expect, fovflow, run};
use support::tree::{Tree, traces};
use support::{Bench, USUAL};

#[test]
fn a_movie_and_an_output_by_url() {
    let bench = Bench::small();
    let expected = Tree::of(&bench.run_usual("expected"));
    fs::create_dir(bench.path("a folder")).unwrap();
    fs::copy(&bench.movie, bench.path("a folder/movie.czi")).unwrap();
    let root = format!("file://{}", bench.path("").display());
    let root = root.trim_end_matches('/');
    let movie = format!("{root}/a%20folder/movie.czi");
    let output = format!("{root}/an%20output");
    expect(fovflow(["run", &movie, "-o", &output]).args(USUAL), 0);
    Tree::of(&bench.path("an output")).assert_same(&expected, "by URL");
}

#[test]
fn relative_paths() {
    let bench = Bench::small();
    let expected = Tree::of(&bench.run_usual("expected"));
    fs::create_dir(bench.path("here")).unwrap();
    let mut command = fovflow(["run", "../movie.czi", "-o", "results/of today"]);
    expect(command.args(USUAL).current_dir(bench.path("here")), 0);
    Tree::of(&bench.path("here/results/of today")).assert_same(&expected, "relative paths");
    // The same output from elsewhere.
    let printed = expect(run(&bench.movie, &bench.path("here/results/of today")).args(USUAL), 0);
    assert!(printed.stderr.contains("everything is already done"), "{}", printed.stderr);
}

#[test]
fn an_output_of_any_name() {
    let bench = Bench::small();
    let expected = Tree::of(&bench.run_usual("expected"));
    for name in ["with spaces", "Zellen µm 細胞", "50%25 #1 [a]{b}~^?", "dotted.name.zarr"] {
        let output = bench.path(name).join("results");
        bench.run(&output, USUAL);
        Tree::of(&output).assert_same(&expected, name);
        let printed = bench.run(&output, USUAL);
        assert!(printed.stderr.contains("everything is already done"), "{name}: {}", printed.stderr);
    }
}

/// A table is called after its movie, letter by letter.
#[test]
fn a_movie_of_any_name() {
    let bench = Bench::simulate(&["--fovs", "1", "--frames", "4", "--size", "160", "--cells", "6"]);
    let expected = traces(&bench.run_usual("expected"))[&0].clone();
    for basename in ["a movie", "Zellen 細胞 5 µm", "run #1 50% [x]", "2026.11.22 a.b"] {
        let movie = bench.path(&format!("{basename}.czi"));
        fs::copy(&bench.movie, &movie).unwrap();
        let output = bench.path(&format!("of {basename}"));
        expect(run(&movie, &output).args(USUAL), 0);
        let table = output.join(format!("fov_000/{basename}_fov_000_traces.csv"));
        let found: Vec<_> =
            Tree::of(&output).paths().filter(|path| path.ends_with(".csv")).map(str::to_owned).collect();
        assert!(table.is_file(), "{} is not there, but {found:?}", table.display());
        assert_eq!(fs::read_to_string(&table).unwrap(), expected, "{basename}");
    }
}

/// A renamed movie is the same movie; its table follows the name, and nothing else is made again.
#[test]
fn a_renamed_movie_renames_its_table() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let renamed = bench.path("renamed.czi");
    fs::rename(&bench.movie, &renamed).unwrap();
    let before = support::commits::Moment::of(&output);
    expect(run(&renamed, &output).args(USUAL), 0);
    before.assert_made_since(&output, "extract/traces");
    let tables: Vec<_> = Tree::of(&output).paths().filter(|path| path.ends_with(".csv")).map(str::to_owned).collect();
    assert_eq!(tables, ["fov_000/renamed_fov_000_traces.csv", "fov_001/renamed_fov_001_traces.csv"]);
}

#[test]
fn an_output_of_another_movie_is_refused_untouched() {
    let bench = Bench::small();
    let output = bench.run_usual("output");
    let other = bench.path("other.czi");
    expect(fovflow(["simulate", "--fovs", "1", "--frames", "2", "--size", "160", "--cells", "2"]).arg(&other), 0);
    let before = support::tree::Stamps::of(&output);
    let printed = expect(run(&other, &output).args(["--pc", "0"]), 1);
    assert!(printed.stderr.contains("holds the results of another dataset: movie.czi"), "{}", printed.stderr);
    assert!(printed.stderr.contains("choose another output folder"), "{}", printed.stderr);
    assert!(support::tree::Stamps::of(&output) == before, "the refused run has changed the output");
}
