//! Each mistake that a layer can hold, with the message that it gets.

use super::*;
use crate::config::yaml;

/// All problems of a YAML text.
fn problems(text: &str) -> Vec<String> {
    let mut problems = Problems::default();
    let origin = Origin::File("c.yaml".to_owned());
    check(&yaml::parse(text).unwrap(), Some(&origin), &mut problems);
    match problems.into_result() {
        Ok(()) => Vec::new(),
        Err(error) => error.problems().iter().map(ToString::to_string).collect(),
    }
}

/// The only problem of a YAML text.
fn problem(text: &str) -> String {
    let mut problems = problems(text);
    assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    problems.remove(0)
}

#[test]
fn good_values_pass() {
    for text in [
        "",
        "params:\n",
        "{fovs: 3, frames: '0-5, 7', z: 2}",
        "{channels: {pc: null, fl: null}}",
        "{channels: {pc: {channel: Phase}, fl: [{channel: 1, features: [intensity_mean]}, {channel: '405'}]}}",
        "{params: {segmentation: {logstd_window_size: 255, cleanup: [fill, fill], min_object_size: 18446744073709551615}}}",
        "{params: {tracking: {min_iou: 1, min_size: null}}}",
        "{params: {background: {tile_overlap: 0.95, min_tile_coverage: 1}, extraction: {background_weight: -3}}}",
        "{params: {extraction: {time_mapping: {1: 10, 0: 0.5, 7: 1e3}}}}",
        "{fovflow: {format: 1}, source: {anything: [goes]}}",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn an_unknown_key_is_placed_and_corrected() {
    let text = "params:\n  tracking:\n    min_iuo: 0.2\n";
    assert_eq!(problem(text), r#"c.yaml:3:5: params.tracking.min_iuo: unknown key, did you mean "min_iou"?"#);
    let elsewhere = problem("params: {min_iou: 0.2}");
    assert_eq!(elsewhere, r#"c.yaml:1:10: params.min_iou: unknown key here, did you mean "params.tracking.min_iou"?"#);
    let far = problem("channels: {colour: 1}");
    assert_eq!(far, "c.yaml:1:12: channels.colour: unknown key; known here: pc, fl");
    let in_list = problem("channels: {fl: [{channel: 1, feature: []}]}");
    assert_eq!(in_list, r#"c.yaml:1:30: channels.fl[0].feature: unknown key, did you mean "features"?"#);
    let root = problem("{apple: 1}");
    assert_eq!(root, "c.yaml:1:2: apple: unknown key; known here: fovs, frames, z, channels, params");
    let ugly = problem("{\"a\\nb\": 1}");
    assert!(ugly.starts_with(r#"c.yaml:1:2: "a\nb": unknown key"#), "{ugly}");
}

#[test]
fn a_value_of_another_kind_is_told_with_what_is_expected() {
    for (text, expected) in [
        ("- 1", "c.yaml:1:1: expected a mapping with fovs, frames, z, channels, params, found a list"),
        (
            "params: 3",
            "params: expected a mapping with copy_only, batch_size, segmentation, tracking, background, extraction, found 3",
        ),
        ("params: {copy_only: yes}", "params.copy_only: expected true or false, found \"yes\""),
        ("params: {batch_size: 4.0}", "params.batch_size: expected a whole number from 1 to 4294967295, found 4.0"),
        (
            "params: {batch_size: four}",
            "params.batch_size: expected a whole number from 1 to 4294967295, found \"four\"",
        ),
        ("params: {batch_size: 1e99}", "params.batch_size: expected a whole number from 1 to 4294967295, found 1e99"),
        (
            "params: {batch_size: {a: 1}}",
            "params.batch_size: expected a whole number from 1 to 4294967295, found a mapping",
        ),
        (
            "params: {segmentation: {cleanup: close}}",
            "params.segmentation.cleanup: expected a list, such as [a, b], found \"close\"",
        ),
        (
            "params: {segmentation: {cleanup: [null]}}",
            "cleanup[0]: expected close, remove_small, fill or open, found nothing",
        ),
        (
            "params: {segmentation: {threshold: 3}}",
            "params.segmentation.threshold: expected valley or mode_sigma, found 3",
        ),
        ("fovs: [1, 2]", "fovs: expected numbers and ranges such as \"0-5,7\", found a list"),
        ("fovs: 1.5", "fovs: expected numbers and ranges such as \"0-5,7\", found 1.5"),
        ("channels: {pc: 0}", "channels.pc: expected a mapping with channel, features, found 0"),
        (
            "channels: {pc: {channel: true}}",
            "channels.pc.channel: expected the index or the name of a channel, found true",
        ),
        (
            "channels: {pc: {channel: ''}}",
            "channels.pc.channel: expected the index or the name of a channel, found \"\"",
        ),
        ("channels: {pc: {channel: -1}}", "channels.pc.channel: expected the index or the name of a channel, found -1"),
        (
            "channels: {fl: {channel: 1}}",
            "channels.fl: expected a list, found a mapping; write it as a whole: [{channel: 1,",
        ),
        ("channels: {fl: [1]}", "channels.fl[0]: expected a mapping with channel, features, found 1"),
        ("channels: {fl: [null]}", "channels.fl[0]: expected a mapping of keys to values, found nothing"),
        (
            "params: {extraction: {time_mapping: [0, 1]}}",
            "time_mapping: expected a mapping of frames to minutes, such as",
        ),
    ] {
        let found = problem(text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn an_unknown_name_is_corrected() {
    let threshold = problem("params: {segmentation: {threshold: vally}}");
    let expected = r#"params.segmentation.threshold: unknown threshold "vally", did you mean "valley"? expected valley or mode_sigma"#;
    assert!(threshold.ends_with(expected), "{threshold}");
    let feature = problem("channels: {fl: [{channel: 1, features: [area]}]}");
    let expected = r#"channels.fl[0].features[0]: unknown fluorescence feature "area"; expected intensity_total or intensity_mean"#;
    assert!(feature.ends_with(expected), "{feature}");
    let step = problem("params: {segmentation: {cleanup: [close, remove-small]}}");
    assert!(
        step.contains(r#"cleanup[1]: unknown clean-up step "remove-small", did you mean "remove_small"?"#),
        "{step}"
    );
}

#[test]
fn a_value_out_of_bounds_is_told_with_the_reason() {
    for (section, value, expected) in [
        (
            "batch_size: 0",
            "",
            "batch_size: expected a whole number from 1 to 4294967295, found 0: without a FOV nothing runs",
        ),
        ("segmentation", "logstd_window_size: 1", "from 2 to 255, found 1: a single pixel has no deviation"),
        ("segmentation", "logstd_window_size: 256", "from 2 to 255, found 256: "),
        ("segmentation", "morph_size: 0", "from 1 to 255, found 0"),
        ("segmentation", "morph_size: 256", "from 1 to 255, found 256: a larger footprint"),
        (
            "segmentation",
            "morph_iterations: 0",
            "from 1 to 100, found 0: zero would mean \"until nothing changes\" in scipy",
        ),
        ("segmentation", "morph_iterations: 101", "from 1 to 100, found 101"),
        ("segmentation", "min_object_size: -1", "expected a whole number from 0, found -1"),
        (
            "segmentation",
            "max_object_size: 0",
            "expected a whole number from 1, found 0: otherwise every cell is dropped",
        ),
        (
            "tracking",
            "min_iou: 0",
            "expected a number above 0 up to 1, found 0: at 0, regions that don't touch would be linked",
        ),
        ("tracking", "min_iou: 1.01", "expected a number above 0 up to 1, found 1.01"),
        ("tracking", "min_iou: .nan", "expected a number above 0 up to 1, found a value that's not a number"),
        ("tracking", "min_iou: -.inf", "expected a number above 0 up to 1, found an infinite value"),
        ("tracking", "max_size: 0", "expected a whole number from 1, found 0"),
        ("background", "tile_size: 1", "from 2 to 65536, found 1: the background of single pixels is the image"),
        (
            "background",
            "tile_overlap: 0.96",
            "expected a number from 0 up to 0.95, found 0.96: the number of tiles grows",
        ),
        ("background", "tile_overlap: -0.1", "expected a number from 0 up to 0.95, found -0.1"),
        ("background", "dilation_radius: 1001", "from 0 to 1000, found 1001"),
        (
            "background",
            "min_tile_coverage: 0",
            "expected a number above 0 up to 1, found 0: a tile without unmasked pixels",
        ),
        ("extraction", "background_weight: .nan", "expected a number, found a value that's not a number"),
        ("extraction", "background_weight: 1e999", "expected a number, found an infinite value"),
        ("extraction", "min_frames: 4294967296", "expected a whole number from 0 to 4294967295, found 4294967296"),
        ("extraction", "frame_interval: 0", "expected a number above 0, found 0: time goes on"),
        ("extraction", "frame_interval: .inf", "expected a number above 0, found an infinite value"),
    ] {
        let text = if value.is_empty() {
            format!("params: {{{section}}}")
        } else {
            format!("params: {{{section}: {{{value}}}}}")
        };
        let found = problem(&text);
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn selections_are_read() {
    assert_eq!(problem("fovs: 5-2"), "c.yaml:1:7: fovs: the range 5-2 runs backwards; write 2-5");
    assert_eq!(
        problem("frames: 3,0-2"),
        "c.yaml:1:9: frames: must be ascending, found \"3,0-2\": a movie runs forwards"
    );
    assert_eq!(problems("fovs: 3,0-2"), [""; 0], "FOVs may come in any order");
    assert!(problem("fovs: -1").contains("found \"-1\""));
}

#[test]
fn times_increase_over_frames() {
    let times = |mapping: &str| problems(&format!("params: {{extraction: {{time_mapping: {mapping}}}}}"));
    let expected = "time_mapping.2: times must increase, but frame 2 is at 5 min and frame 1 at 5 min";
    assert!(times("{1: 5, 0: 0, 2: 5}")[0].contains(expected));
    assert!(times("{01: 5}")[0].contains("expected a frame, a whole number from 0, found \"01\""));
    assert!(times("{a: 5}")[0].contains("time_mapping.a: expected a frame"));
    assert!(times("{1: soon}")[0].contains("time_mapping.1: expected the frame's time in minutes, found \"soon\""));
    assert!(times("{1: .inf}")[0].contains("expected the frame's time in minutes, found an infinite value"));
    assert!(times("{1: 2, '1': 3}")[0].contains("time_mapping.1: stands here twice"));
}

#[test]
fn features_stand_there_once_and_channels_are_given() {
    let twice = problem("channels: {pc: {channel: 0, features: [area, area]}}");
    assert!(twice.ends_with("channels.pc.features[1]: \"area\" stands here twice"), "{twice}");
    let missing = problem("channels:\n  fl:\n    - features: []\n");
    let expected = "c.yaml:3:7: channels.fl[0].channel: is missing; expected the index or the name of a channel";
    assert_eq!(missing, expected);
}

#[test]
fn all_problems_are_found_at_once() {
    let text =
        "fovs: x\nz: -1\nchannels: {pc: {channel: 1.5}}\nparams: {batch_size: 0, speed: 1, tracking: {min_iou: 2}}\n";
    let found = problems(text);
    let paths = ["fovs", "z", "channels.pc.channel", "params.batch_size", "params.speed", "params.tracking.min_iou"];
    assert_eq!(found.len(), paths.len(), "{found:?}");
    for (problem, path) in found.iter().zip(paths) {
        assert!(problem.contains(&format!(": {path}: ")), "{problem}");
    }
}
