//! Which stages run: the table of SPEC.md section 2. Each row is held against the exact set of what's in the output.

mod support;

use std::collections::BTreeSet;
use std::fs;

use support::process::Printed;
use support::summary::{Table, made};
use support::tree::{Tree, paths, traces};
use support::{Bench, LOOSE_FILTERS, USUAL};

const BASE_COLUMNS: &str = "fov,cell,frame,good,position_x,position_y,bbox_x0,bbox_y0,bbox_x1,bbox_y1";

#[test]
fn pc_and_fl() {
    let (printed, contents, header) = run(&USUAL);
    let images = ["pc_ch_0", "seg_labeled_ch_0", "seg_tracked_ch_0", "fl_ch_1", "fl_background_ch_1"];
    let cells = ["mask", "pc_ch_0", "fl_ch_1", "fl_background_ch_1"];
    assert_eq!(contents, expected(&images, &cells, true));
    let features = "area_ch_0,aspect_ratio_ch_0,intensity_total_ch_1,intensity_mean_ch_1";
    assert_eq!(header, format!("{BASE_COLUMNS},{features}"));
    assert_eq!(skipped(&printed), [0; 7]);
    assert!(!printed.stderr.contains("skipped"), "{}", printed.stderr);
}

#[test]
fn pc_only() {
    let (printed, contents, header) = run(&[&["--pc", "0:aspect_ratio,area"], &LOOSE_FILTERS[..]].concat());
    let images = ["pc_ch_0", "seg_labeled_ch_0", "seg_tracked_ch_0"];
    assert_eq!(contents, expected(&images, &["mask", "pc_ch_0"], true));
    assert_eq!(header, format!("{BASE_COLUMNS},aspect_ratio_ch_0,area_ch_0"));
    assert_eq!(skipped(&printed), [0, 0, 0, 2, 0, 0, 0]);
    assert!(!printed.stderr.contains("will be skipped"), "nothing is missing, so no warning: {}", printed.stderr);
}

#[test]
fn fl_only() {
    let (printed, contents, header) = run(&["--fl", "1:intensity_total"]);
    assert_eq!(contents, expected(&["fl_ch_1", "fl_background_ch_1"], &[], false));
    assert_eq!(header, "");
    assert_eq!(skipped(&printed), [0, 2, 2, 0, 2, 2, 0]);
    let warning = "segment, track, crop, extract will be skipped: no phase-contrast channel is configured";
    assert!(printed.stderr.contains(warning), "{}", printed.stderr);
}

#[test]
fn pc_without_features() {
    let (printed, contents, header) = run(&[&["--pc", "0"], &LOOSE_FILTERS[..]].concat());
    let images = ["pc_ch_0", "seg_labeled_ch_0", "seg_tracked_ch_0"];
    assert_eq!(contents, expected(&images, &["mask", "pc_ch_0"], true));
    assert_eq!(header, BASE_COLUMNS);
    assert_eq!(skipped(&printed), [0, 0, 0, 2, 0, 0, 0]);
}

#[test]
fn pc_and_fl_without_features() {
    let (printed, contents, header) = run(&[&["--pc", "0", "--fl", "1"], &LOOSE_FILTERS[..]].concat());
    let images = ["pc_ch_0", "seg_labeled_ch_0", "seg_tracked_ch_0", "fl_ch_1", "fl_background_ch_1"];
    let cells = ["mask", "pc_ch_0", "fl_ch_1", "fl_background_ch_1"];
    assert_eq!(contents, expected(&images, &cells, true));
    assert_eq!(header, BASE_COLUMNS);
    assert_eq!(skipped(&printed), [0; 7]);
}

#[test]
fn no_channel_at_all() {
    let bench = Bench::small();
    let output = bench.path("output");
    let printed = bench.run(&output, [""; 0]);
    let files: Vec<_> = Tree::of(&output).paths().map(str::to_owned).collect();
    let tables = ["fov_000/movie_fov_000_traces.csv", "fov_001/movie_fov_001_traces.csv"];
    assert_eq!(files, [&tables[..], &["processing_config.yaml"]].concat());
    for table in tables {
        assert_eq!(fs::read_to_string(output.join(table)).unwrap(), format!("{BASE_COLUMNS}\n"));
    }
    assert_eq!(skipped(&printed), [2, 2, 2, 2, 2, 0, 2]);
}

#[test]
fn copy_only() {
    let (printed, contents, header) = run(&[&USUAL[..], &["--copy-only"]].concat());
    let only_full_resolution: BTreeSet<String> =
        expected(&["pc_ch_0", "fl_ch_1"], &[], false).into_iter().filter(|group| !group.ends_with("/1")).collect();
    assert_eq!(contents, only_full_resolution);
    assert_eq!(header, "");
    assert_eq!(skipped(&printed), [0, 2, 2, 2, 2, 2, 2]);
}

/// A copy that's there already is used by the run that goes further.
#[test]
fn copy_first_and_the_rest_later() {
    let bench = Bench::small();
    let whole = bench.run_usual("whole");
    let output = bench.path("output");
    bench.run(&output, USUAL.iter().chain(&["--copy-only"]));
    let printed = bench.run(&output, USUAL);
    assert_eq!(Table::parse(&printed.stdout).column(made::ALREADY), [2, 0, 0, 0, 0, 0, 0]);
    Tree::of(&output).assert_same(&Tree::of(&whole), "copied first");
}

/// Runs a movie of two FOVs. Gives what was printed, the arrays and groups of a FOV (the same in both), and the header of its
/// table, empty where it has none.
fn run(settings: &[&str]) -> (Printed, BTreeSet<String>, String) {
    let bench = Bench::small();
    let output = bench.path("output");
    let printed = bench.run(&output, settings);
    let [first, second] = [0, 1].map(|fov| contents(&output.join(format!("fov_{fov:03}"))));
    assert_eq!(first, second, "the FOVs have different parts");
    let tables = traces(&output);
    let headers: BTreeSet<_> = tables.values().map(|text| text.lines().next().unwrap_or_default().to_owned()).collect();
    assert!(headers.len() <= 1, "{headers:?}");
    let others: Vec<_> = paths(&output).into_iter().filter(|path| !path.starts_with("fov_00")).collect();
    let strange: Vec<_> = others.iter().filter(|path| !path.starts_with(".fovflow/")).collect();
    assert_eq!(strange, ["processing_config.yaml"]);
    (printed, first, headers.into_iter().next().unwrap_or_default())
}

/// The groups and arrays of a FOV, with `*` for any cell, and its table as `traces`. Every file must belong to one of them.
fn contents(fov: &std::path::Path) -> BTreeSet<String> {
    let files = paths(fov);
    let nodes: BTreeSet<&str> = files.iter().filter_map(|path| path.strip_suffix("/zarr.json")).collect();
    let mut found: BTreeSet<String> = nodes.iter().map(|node| any_cell(node)).collect();
    for path in &files {
        if path.ends_with("_traces.csv") && !path.contains('/') {
            found.insert("traces".to_owned());
            continue;
        }
        let node = path.strip_suffix("/zarr.json").or_else(|| path.split_once("/c/").map(|(array, _)| array));
        assert!(node.is_some_and(|node| nodes.contains(node)), "{path} belongs to nothing");
    }
    found
}

fn any_cell(node: &str) -> String {
    let steps: Vec<&str> = node.split('/').collect();
    match *steps.as_slice() {
        ["cells.zarr", channel, cell, ref level @ ..] if channel != "metadata" => {
            assert!(cell.parse::<u32>().is_ok(), "{node} is no cell");
            [&["cells.zarr", channel, "*"], level].concat().join("/")
        }
        _ => node.to_owned(),
    }
}

fn expected(images: &[&str], cells: &[&str], has_traces: bool) -> BTreeSet<String> {
    let mut expected = BTreeSet::from(["images.zarr".to_owned()]);
    let mut add = |group: String| expected.extend([format!("{group}/0"), format!("{group}/1"), group]);
    images.iter().for_each(|array| add(format!("images.zarr/{array}")));
    cells.iter().for_each(|channel| add(format!("cells.zarr/{channel}/*")));
    expected.extend(cells.iter().map(|channel| format!("cells.zarr/{channel}")));
    if !cells.is_empty() {
        let metadata = ["", "/metadata", "/metadata/cell_ids", "/metadata/bboxes", "/metadata/valid_frames"];
        expected.extend(metadata.iter().map(|name| format!("cells.zarr{name}")));
    }
    if has_traces {
        expected.insert("traces".to_owned());
    }
    expected
}

fn skipped(printed: &Printed) -> [usize; 7] {
    Table::parse(&printed.stdout).column(made::SKIPPED)
}
