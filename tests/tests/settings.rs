//! Flags win over the environment, that over the file, that over the defaults; and a run can be repeated from its record.

mod support;

use std::fs;
use std::process::Command;

use support::process::{expect, fovflow, run};
use support::tree::Tree;
use support::{Bench, USUAL};

#[test]
fn parameters_by_flag_environment_file_and_default() {
    let bench = Bench::small();
    let file = bench.path("settings.yaml");
    fs::write(&file, "params: {tracking: {min_iou: 0.3, min_size: 11}}\n").unwrap();
    let check = || {
        let mut command = fovflow(["config", "check"]);
        command.arg(&bench.movie);
        command
    };
    let min_iou = |command: &mut Command| value(command, "min_iou");
    assert_eq!(min_iou(&mut check()), "0.1");
    assert_eq!(min_iou(check().arg("--config").arg(&file)), "0.3");
    assert_eq!(min_iou(check().env("FOVFLOW_CONFIG", &file)), "0.3");
    let variable = "FOVFLOW__PARAMS__TRACKING__MIN_IOU";
    assert_eq!(min_iou(check().arg("--config").arg(&file).env(variable, "0.4")), "0.4");
    let flag = ["--set", "params.tracking.min_iou=0.5"];
    assert_eq!(min_iou(check().arg("--config").arg(&file).env(variable, "0.4").args(flag)), "0.5");
    // The rest of the section is the file's.
    assert_eq!(value(check().arg("--config").arg(&file).env(variable, "0.4").args(flag), "min_size"), "11");
}

#[test]
fn selections_by_flag_environment_and_file() {
    let bench = Bench::new();
    let file = bench.path("settings.yaml");
    fs::write(&file, "fovs: 0-1\n").unwrap();
    let check = || {
        let mut command = fovflow(["config", "check"]);
        command.arg(&bench.movie);
        command
    };
    let fovs = |command: &mut Command| value(command, "fovs");
    assert_eq!(fovs(&mut check()), "\"0-3\"");
    assert_eq!(fovs(check().arg("--config").arg(&file)), "\"0-1\"");
    for variable in ["FOVFLOW_FOVS", "FOVFLOW__FOVS"] {
        assert_eq!(fovs(check().arg("--config").arg(&file).env(variable, "2")), "\"2\"", "{variable} over the file");
        assert_eq!(fovs(check().env(variable, "2").args(["--fovs", "3"])), "\"3\"", "--fovs over {variable}");
        assert_eq!(fovs(check().env(variable, "2").args(["--set", "fovs=3"])), "\"3\"", "--set over {variable}");
    }
}

#[test]
fn a_variable_can_take_back_what_the_file_says() {
    let bench = Bench::small();
    let file = bench.path("settings.yaml");
    fs::write(&file, "params: {copy_only: true}\n").unwrap();
    for variable in ["FOVFLOW__PARAMS__COPY_ONLY", "FOVFLOW_COPY_ONLY"] {
        let mut command = fovflow(["config", "check"]);
        command.arg(&bench.movie).arg("--config").arg(&file).env(variable, "false");
        assert_eq!(value(&mut command, "copy_only"), "false", "{variable}=false over the file");
    }
}

#[test]
fn a_run_from_the_environment_alone() {
    let bench = Bench::small();
    let expected = Tree::of(&bench.run_usual("expected"));
    let file = bench.path("settings.yaml");
    fs::write(&file, "channels: {fl: [{channel: 1, features: [intensity_total, intensity_mean]}]}\n").unwrap();
    let output = bench.path("output");
    let mut command = fovflow(["run"]);
    command
        .arg(&bench.movie)
        .env("FOVFLOW_OUTPUT", &output)
        .env("FOVFLOW_CONFIG", &file)
        .env("FOVFLOW_PC", "Phase:area,aspect_ratio")
        .env("FOVFLOW_WORKERS", "2")
        .env("FOVFLOW_LOG_FORMAT", "json")
        .env("FOVFLOW__PARAMS__EXTRACTION__MIN_FRAMES", "3")
        .env("FOVFLOW__PARAMS__EXTRACTION__BORDER_MARGIN", "5");
    let printed = expect(&mut command, 0);
    Tree::of(&output).assert_same(&expected, "from the environment");
    for line in printed.stderr.lines() {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(line);
        assert!(parsed.is_ok(), "not a line of JSON: {line}");
    }
}

#[test]
fn channels_by_name_are_channels_by_index() {
    let bench = Bench::small();
    let expected = Tree::of(&bench.run_usual("expected"));
    let output = bench.path("output");
    let by_name = ["--pc", "Phase:area,aspect_ratio", "--fl", "GFP:intensity_total,intensity_mean"];
    bench.run(&output, by_name.iter().chain(&USUAL[4..]));
    Tree::of(&output).assert_same(&expected, "by name");
}

/// `processing_config.yaml` says that it can be used so.
#[test]
fn the_record_of_a_run_repeats_it() {
    let bench = Bench::small();
    let output = bench.path("output");
    bench
        .run(&output, USUAL.iter().chain(&["--fovs", "1", "--frames", "1-6", "--set", "params.tracking.min_iou=0.25"]));
    let repeated = bench.path("repeated");
    expect(run(&bench.movie, &repeated).arg("--config").arg(output.join("processing_config.yaml")), 0);
    Tree::of(&repeated).assert_same(&Tree::of(&output), "from processing_config.yaml");
}

/// The value of a key in what `config check` prints.
#[track_caller]
fn value(command: &mut Command, key: &str) -> String {
    let printed = expect(command, 0).stdout;
    let settings = printed.lines().find_map(|line| line.trim_start().strip_prefix(&format!("{key}: ")));
    settings.unwrap_or_else(|| panic!("no {key} in\n{printed}")).to_owned()
}
