//! Configurations against a source of six FOVs, of which 3 is absent, 120 frames, 3 planes and 5 channels.

use super::*;
use crate::config::layers::Layers;
use crate::source::{FovInfo, SourceFormat};

fn source() -> SourceInfo {
    let fov = |id| FovInfo { id, name: None, height: 512, width: 512 };
    let channel = |id, name: &str| ChannelInfo { id, name: Some(name.to_owned()) };
    SourceInfo {
        format: SourceFormat::Nd2,
        name: "example.nd2".to_owned(),
        size_bytes: 1,
        identity: "x".to_owned(),
        fovs: [0, 1, 2, 4, 5].map(fov).into(),
        channels: vec![
            channel(0, "Phase"),
            channel(1, "GFP"),
            channel(2, "gfp"),
            channel(3, "405"),
            channel(4, "mCherry"),
        ],
        frames: 120,
        z_planes: 3,
        pixel_type: "uint16".to_owned(),
        bits_significant: None,
        pixel_size_um: None,
        frame_interval_s: Some(300.0),
        compression: "none".to_owned(),
    }
}

fn config(text: &str) -> Config {
    Layers::new().file("c.yaml", text).build().unwrap()
}

fn resolved(text: &str) -> (ResolvedConfig, Vec<String>) {
    resolve(&config(text), &source()).unwrap()
}

fn message(text: &str) -> String {
    resolve(&config(text), &source()).unwrap_err().to_string()
}

#[test]
fn by_default_everything_in_the_file_is_taken() {
    let (resolved, warnings) = resolved("");
    assert_eq!(resolved.fovs, [0, 1, 2, 4, 5]);
    assert_eq!(resolved.frames, (0..120).collect::<Vec<_>>());
    assert_eq!((resolved.z, resolved.pc, resolved.fl), (0, None, vec![]));
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn selections_keep_their_order() {
    let (resolved, _) = resolved("{fovs: '5,0-1', frames: '0-2,119', z: 2}");
    assert_eq!(resolved.fovs, [5, 0, 1]);
    assert_eq!(resolved.frames, [0, 1, 2, 119]);
    assert_eq!(resolved.z, 2);
}

#[test]
fn what_does_not_exist_is_told_with_what_does() {
    assert_eq!(message("fovs: 2-4"), "fovs: FOV 3 does not exist: example.nd2 has FOVs 0-2,4-5");
    assert_eq!(message("fovs: 0-2,4-4294967295"), "fovs: FOV 6 does not exist: example.nd2 has FOVs 0-2,4-5");
    assert_eq!(message("frames: 0-120"), "frames: frame 120 does not exist: example.nd2 has frames 0-119");
    assert_eq!(message("z: 3"), "z: z plane 3 does not exist: example.nd2 has z planes 0-2");
    let expected = r#"channels.pc.channel: channel 7 does not exist: example.nd2 has channels 0 "Phase", 1 "GFP", 2 "gfp", 3 "405", 4 "mCherry""#;
    assert_eq!(message("channels: {pc: {channel: 7}}"), expected);
}

#[test]
fn a_single_plane_or_channel_is_told_as_such() {
    let small = SourceInfo { z_planes: 1, channels: vec![ChannelInfo { id: 0, name: None }], ..source() };
    let text = resolve(&config("{z: 1, channels: {fl: [{channel: 1}]}}"), &small).unwrap_err().to_string();
    assert!(text.contains("z: z plane 1 does not exist: example.nd2 has one z plane, 0"), "{text}");
    assert!(
        text.contains("channels.fl[0].channel: channel 1 does not exist: example.nd2 has one channel, 0"),
        "{text}"
    );
}

#[test]
fn an_empty_source_is_told() {
    let empty = SourceInfo { fovs: Vec::new(), frames: 0, ..source() };
    let text = resolve(&Config::default(), &empty).unwrap_err().to_string();
    assert!(
        text.contains("fovs: example.nd2 has no FOV") && text.contains("frames: example.nd2 has no frame"),
        "{text}"
    );
}

#[test]
fn channels_have_names() {
    let (exact, _) =
        resolved("channels: {pc: {channel: Phase, features: [area]}, fl: [{channel: gfp}, {channel: GFP}]}");
    assert_eq!(exact.pc.map(|pc| pc.channel), Some(0));
    assert_eq!(exact.fl.iter().map(|fl| fl.channel).collect::<Vec<_>>(), [2, 1]);
    let (other_case, _) = resolved("channels: {fl: [{channel: MCHERRY}]}");
    assert_eq!(other_case.fl[0].channel, 4);
    let (digits, _) = resolved("channels: {fl: [{channel: '405'}]}");
    assert_eq!(digits.fl[0].channel, 3);
}

#[test]
fn names_that_fit_no_channel_or_several_are_explained() {
    let close = message("channels: {pc: {channel: Phsae}}");
    let expected = r#"channels.pc.channel: channel "Phsae" does not exist, did you mean "Phase"? example.nd2 has channels 0 "Phase", 1"#;
    assert!(close.starts_with(expected), "{close}");
    let far = message("channels: {pc: {channel: Hoechst}}");
    assert!(far.contains(r#"channel "Hoechst" does not exist: example.nd2 has channels 0 "Phase""#), "{far}");
    let several = message("channels: {pc: {channel: Gfp}}");
    assert_eq!(several, r#"channels.pc.channel: "Gfp" may be channel 1 "GFP" or 2 "gfp"; give the index"#);
    let digits = message("channels: {pc: {channel: 405}}");
    assert!(digits.ends_with("; for the channel called 405, put the name in double quotes"), "{digits}");
}

#[test]
fn the_same_channel_twice_is_told_once_names_are_known() {
    let both = message("channels: {pc: {channel: 0}, fl: [{channel: phase}]}");
    let expected = r#"channels.fl[0].channel: channel 0 "Phase" is the phase-contrast channel already; it can't be a fluorescence channel as well"#;
    assert_eq!(both, expected);
    let twice = message("channels: {fl: [{channel: 4}, {channel: 1}, {channel: mCherry}]}");
    let expected = r#"channels.fl[2].channel: channel 4 "mCherry" stands in channels.fl[0] already; give all its features in one entry"#;
    assert_eq!(twice, expected);
}

#[test]
fn an_invalid_configuration_is_refused_before_the_source_is_asked() {
    let mut config = Config { fovs: Some("99".to_owned()), ..Config::default() };
    config.params.batch_size = 0;
    let text = resolve(&config, &source()).unwrap_err().to_string();
    assert!(text.starts_with("params.batch_size: ") && !text.contains("99"), "{text}");
}

#[test]
fn all_that_is_absent_is_told_at_once() {
    let text = message("{fovs: 9, frames: 200, z: 9, channels: {pc: {channel: 9}, fl: [{channel: x}]}}");
    assert!(text.starts_with("the configuration has 5 problems:"), "{text}");
}

#[test]
fn the_interval_is_as_configured_or_as_stated_or_ten_minutes() {
    let interval = |text: &str, stated: Option<f64>| {
        let source = SourceInfo { frame_interval_s: stated, ..source() };
        let (resolved, _) = resolve(&config(text), &source).unwrap();
        assert_eq!(resolved.params.extraction.frame_interval, Some(resolved.frame_interval_min));
        resolved.frame_interval_min
    };
    assert_eq!(interval("params: {extraction: {frame_interval: 2.5}}", Some(300.0)), 2.5);
    assert_eq!(interval("", Some(300.0)), 5.0);
    for useless in [None, Some(0.0), Some(-1.0), Some(f64::NAN), Some(f64::INFINITY)] {
        assert_eq!(interval("", useless), 10.0, "{useless:?}");
    }
}

#[test]
fn the_background_weight_is_clipped_with_a_warning() {
    for (weight, clipped) in [("1.5", 1.0), ("-0.25", 0.0)] {
        let (resolved, warnings) = resolved(&format!("params: {{extraction: {{background_weight: {weight}}}}}"));
        assert_eq!(resolved.params.extraction.background_weight, clipped);
        assert_eq!(warnings, [format!("background_weight {weight} is clipped to {clipped}")]);
    }
}

#[test]
fn every_selected_frame_has_a_time() {
    let text = message("{frames: '0-4', params: {extraction: {time_mapping: {0: 0, 2: 7.5}}}}");
    let expected = "params.extraction.time_mapping: has no time for frames 1,3-4; every selected frame needs one";
    assert_eq!(text, expected);
    let (_, warnings) = resolved("{frames: '0,2', params: {extraction: {time_mapping: {0: 0, 1: 1, 2: 2, 120: 9}}}}");
    assert_eq!(warnings, ["time_mapping has times for frames 120, but example.nd2 has only 120 frames"]);
}
