//! Precedence, merging, and the problems that show only with several layers.

use proptest::prelude::*;

use super::*;
use crate::config::model::{ChannelRef, CleanupStep, FlChannel, FlFeature, PcChannel, PcFeature};

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn message(layers: Layers) -> String {
    layers.build().unwrap_err().to_string()
}

#[test]
fn nothing_gives_the_defaults() {
    for text in ["", "# nothing\n", "---\n", "params:\n", "params: {tracking: null}"] {
        assert_eq!(Layers::new().file("c.yaml", text).build().unwrap(), Config::default(), "{text:?}");
    }
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file_whatever_the_order_of_calls() {
    let config = Layers::new()
        .assign("params.batch_size=3")
        .environment(variables(&[("FOVFLOW__PARAMS__BATCH_SIZE", "2"), ("FOVFLOW__PARAMS__TRACKING__MIN_IOU", "0.2")]))
        .file("c.yaml", "params: {batch_size: 1, tracking: {min_iou: 0.3, max_size: 9}}")
        .build()
        .unwrap();
    assert_eq!(config.params.batch_size, 3);
    assert_eq!(config.params.tracking.min_iou, 0.2);
    assert_eq!(config.params.tracking.max_size, Some(9));
    assert_eq!(config.params.tracking.min_size, None);
}

#[test]
fn the_later_of_two_flags_wins() {
    let config = Layers::new().assign("z=1").value("z", &2, "--z").build().unwrap();
    assert_eq!(config.z, 2);
}

#[test]
fn other_and_empty_variables_are_passed_over() {
    let others =
        variables(&[("FOVFLOW_WORKERS", "8"), ("PATH", "/bin"), ("FOVFLOW__Z", ""), ("FOVFLOW_SERVICE_HOST", "x")]);
    assert_eq!(Layers::new().environment(others).build().unwrap(), Config::default());
}

#[test]
fn a_section_in_the_environment_comes_before_its_keys() {
    let pairs = [("FOVFLOW__CHANNELS__PC__CHANNEL", "2"), ("FOVFLOW__CHANNELS__PC", "{channel: 0, features: [area]}")];
    let config = Layers::new().environment(variables(&pairs)).build().unwrap();
    let expected = PcChannel { channel: ChannelRef::Index(2), features: vec![PcFeature::Area] };
    assert_eq!(config.channels.pc, Some(expected));
}

#[test]
fn lists_are_replaced_and_values_are_yaml() {
    let file = "channels: {fl: [{channel: 1}, {channel: 2}]}\nparams: {extraction: {time_mapping: {0: 0, 1: 1}}}";
    let config = Layers::new()
        .file("c.yaml", file)
        .assign("channels.fl=[{channel: GFP, features: [intensity_mean]}]")
        .assign("params.segmentation.cleanup=[fill, close]")
        .assign("params.extraction.time_mapping={3: 1.5}")
        .assign("fovs=0-5,7")
        .assign("frames=3")
        .build()
        .unwrap();
    let gfp = FlChannel { channel: ChannelRef::Name("GFP".into()), features: vec![FlFeature::IntensityMean] };
    assert_eq!(config.channels.fl, [gfp]);
    assert_eq!(config.params.segmentation.cleanup, [CleanupStep::Fill, CleanupStep::Close]);
    assert_eq!(config.params.extraction.time_mapping, Some([(3, 1.5)].into()));
    assert_eq!(config.fovs.as_deref(), Some("0-5,7"));
    assert_eq!(config.frames.as_deref(), Some("3"));
}

#[test]
fn a_flag_of_its_own_replaces_the_section() {
    let pc = PcChannel { channel: ChannelRef::Name("405".into()), features: Vec::new() };
    let file = "channels: {pc: {channel: 0, features: [area]}}";
    let config = Layers::new().file("c.yaml", file).value("channels.pc", &pc, "--pc").build().unwrap();
    assert_eq!(config.channels.pc, Some(pc));
}

#[test]
fn null_takes_a_key_back_to_its_default() {
    let file = "fovs: 3\nchannels: {pc: {channel: 0}, fl: [{channel: 1, features: null}]}\nparams: {batch_size: 9, tracking: {min_iou: 0.3}}";
    let config = Layers::new()
        .file("c.yaml", file)
        .assign("channels.pc=null")
        .assign("channels.fl=")
        .assign("fovs=~")
        .assign("params.tracking=null")
        .assign("params.batch_size=null")
        .build()
        .unwrap();
    assert_eq!(config, Config::default());
    let without_features = Layers::new().file("c.yaml", file).build().unwrap();
    assert_eq!(without_features.channels.fl, [FlChannel { channel: ChannelRef::Index(1), features: Vec::new() }]);
}

#[test]
fn problems_name_the_layer() {
    let flag = message(Layers::new().assign("params.traking.min_iou=0.2"));
    assert_eq!(flag, r#"--set: params.traking: unknown key, did you mean "tracking"?"#);
    let own_flag = message(Layers::new().value("fovs", &"5-2", "--fovs"));
    assert_eq!(own_flag, "--fovs: fovs: the range 5-2 runs backwards; write 2-5");
    let variable = message(Layers::new().environment(variables(&[("FOVFLOW__PARAMS__BATCHSIZE", "2")])));
    assert_eq!(variable, r#"FOVFLOW__PARAMS__BATCHSIZE: params.batchsize: unknown key, did you mean "batch_size"?"#);
    let bad_yaml = message(Layers::new().file("c.yaml", "a: [1"));
    assert!(bad_yaml.starts_with("c.yaml:1:4: not valid YAML: "), "{bad_yaml}");
    let bad_flag = message(Layers::new().assign("z=[1"));
    assert!(bad_flag.starts_with("--set: z: not valid YAML: "), "{bad_flag}");
    let twice = message(Layers::new().file("c.yaml", "z: 1\nz: 2"));
    assert_eq!(twice, "c.yaml:2:1: the key \"z\" stands here twice");
}

#[test]
fn a_flag_without_a_value_is_explained() {
    let text = message(Layers::new().assign("params.batch_size"));
    assert_eq!(text, "--set: expected path=value, such as params.tracking.min_iou=0.2, found \"params.batch_size\"");
    let deep = message(Layers::new().assign(&format!("{}=1", "a.".repeat(100_000))));
    assert!(deep.starts_with("--set: unknown key \"a.a.a.") && deep.len() < 100, "{deep}");
    assert!(message(Layers::new().assign("=1")).contains("\"\": unknown key"));
}

#[test]
fn mistakes_in_all_layers_are_told_at_once_even_where_they_are_overridden() {
    let text = message(
        Layers::new()
            .file("c.yaml", "params: {batch_size: 0}")
            .environment(variables(&[("FOVFLOW__Z", "x")]))
            .assign("params.batch_size=2")
            .assign("nonsense"),
    );
    assert!(text.starts_with("the configuration has 3 problems:"), "{text}");
    for expected in
        ["--set: expected path=value", "c.yaml:1:22: params.batch_size: ", "FOVFLOW__Z: z: expected a whole number"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}

#[test]
fn the_layer_that_brought_a_contradiction_is_blamed() {
    let file = "params: {segmentation: {min_object_size: 80}}";
    let text = message(Layers::new().file("c.yaml", file).assign("params.segmentation.max_object_size=70"));
    let expected = "--set: params.segmentation.max_object_size: min_object_size, 80 px, is above max_object_size, 70 px: every cell would be dropped";
    assert_eq!(text, expected);
    let text = message(Layers::new().file("c.yaml", "params: {segmentation: {max_object_size: 20}}"));
    assert!(
        text.starts_with("c.yaml:1:42: params.segmentation.max_object_size: min_object_size, 50 px, is above"),
        "{text}"
    );
    let text =
        message(Layers::new().file("c.yaml", "channels: {pc: {channel: 1}}").assign("channels.fl=[{channel: 1}]"));
    assert!(
        text.starts_with("--set: channels.fl[0].channel: channel 1 is the phase-contrast channel already"),
        "{text}"
    );
}

#[test]
fn a_channel_may_come_from_another_layer_but_must_come() {
    let file = "channels: {pc: {features: [area]}}";
    let config = Layers::new().file("c.yaml", file).assign("channels.pc.channel=0").build().unwrap();
    assert_eq!(config.channels.pc.unwrap().features, [PcFeature::Area]);
    let text = message(Layers::new().file("c.yaml", file));
    assert_eq!(text, "channels.pc.channel: is missing; expected the index or the name of a channel");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.yaml");
    let text = |path: &Path| message(Layers::new().read_file(path));
    assert!(text(&path).starts_with(&format!("{}: can't be opened: ", path.display())));
    assert!(text(dir.path()).contains("can't be read: "), "{}", text(dir.path()));
    std::fs::write(&path, b"z: 1\n\xff").unwrap();
    let expected =
        format!("{}: is not a text file: byte 5 is not UTF-8; expected a YAML configuration", path.display());
    assert_eq!(text(&path), expected);
    std::fs::write(&path, "\u{feff}z: 1\r\nfovs: 2\r\n").unwrap();
    let config = Layers::new().read_file(&path).build().unwrap();
    assert_eq!((config.z, config.fovs.as_deref()), (1, Some("2")));
}

/// Text that's near enough to a configuration to get past the parser now and then.
fn near_yaml() -> impl Strategy<Value = String> {
    let pieces = vec![
        "fovs",
        "frames",
        "z",
        "channels",
        "pc",
        "fl",
        "params",
        "channel",
        "features",
        "tracking",
        "min_iou",
        "segmentation",
        "cleanup",
        "extraction",
        "time_mapping",
        "source",
        ": ",
        ":\n  ",
        "\n",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "0",
        "1.5",
        "-1",
        "null",
        ".nan",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "'",
        "\"",
        "#",
        "area",
        "18446744073709551616",
        "0-5",
        "? ",
        "|\n",
        "\t",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_text_is_a_valid_configuration_or_an_error(text in prop_oneof![near_yaml(), any::<String>()]) {
        match Layers::new().file("c.yaml", &text).build() {
            Ok(config) => prop_assert!(config.validate().is_ok()),
            Err(error) => prop_assert!(!error.problems().is_empty()),
        }
    }

    #[test]
    fn any_setting_is_valid_or_an_error(path in "[a-z_.]{0,20}", value in near_yaml()) {
        let _ = Layers::new().set(&path, &value, Origin::Flag("--set".to_owned())).build();
    }
}
