//! The document as text, and round trips of arbitrary configurations and sources.

use std::collections::BTreeMap;

use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;
use crate::config::model::*;
use crate::config::resolve;
use crate::source::{ChannelInfo, FovInfo, SourceFormat};

fn source() -> SourceInfo {
    SourceInfo {
        format: SourceFormat::Czi,
        name: "my movie.czi".to_owned(),
        size_bytes: 1234,
        identity: "sha256:ab".to_owned(),
        fovs: (0..3).map(|id| FovInfo { id, name: Some(format!("B{id}")), height: 512, width: 256 }).collect(),
        channels: vec![
            ChannelInfo { id: 0, name: Some("Phase: 2".to_owned()) },
            ChannelInfo { id: 1, name: None },
            ChannelInfo { id: 2, name: Some("405".to_owned()) },
        ],
        frames: 20,
        z_planes: 2,
        pixel_type: "uint16".to_owned(),
        bits_significant: None,
        pixel_size_um: Some([0.325, 0.325]),
        frame_interval_s: Some(100.0),
        compression: "zstd1".to_owned(),
    }
}

#[test]
fn reads_well_and_is_complete() {
    let settings = "{fovs: '2,0', channels: {pc: {channel: 0, features: [area]}, fl: [{channel: '405', features: [intensity_mean]}]}}";
    let config = Layers::new().file("c.yaml", settings).build().unwrap();
    let (resolved, _) = resolve(&config, &source()).unwrap();
    let expected = r#"# What this output was computed with, and from what. Written by fovflow; changing it changes nothing.
# The same again: fovflow run FILE -o OUTPUT --config processing_config.yaml
fovflow:
  format: 1
source:
  format: czi
  name: "my movie.czi"
  size_bytes: 1234
  identity: "sha256:ab"
  fovs:
    - {id: 0, name: B0, height: 512, width: 256}
    - {id: 1, name: B1, height: 512, width: 256}
    - {id: 2, name: B2, height: 512, width: 256}
  channels:
    - {id: 0, name: "Phase: 2"}
    - {id: 1, name: null}
    - {id: 2, name: "405"}
  frames: 20
  z_planes: 2
  pixel_type: uint16
  bits_significant: null
  pixel_size_um: [0.325, 0.325]
  frame_interval_s: 100.0
  compression: zstd1
fovs: "0,2"
frames: "0-19"
z: 0
channels:
  pc:
    channel: 0
    features: [area]
  fl:
    - {channel: 2, features: [intensity_mean]}
params:
  copy_only: false
  batch_size: 4
  segmentation:
    method: logstd
    logstd_window_size: 3
    threshold: valley
    cleanup: [close, remove_small, fill, open]
    morph_shape: disk
    morph_size: 7
    morph_iterations: 3
    min_object_size: 50
    max_object_size: 10000
  tracking:
    method: iou
    min_iou: 0.1
    min_size: null
    max_size: null
  background:
    tile_size: 100
    tile_overlap: 0.5
    dilation_radius: 10
    min_tile_coverage: 0.1
  extraction:
    background_weight: 1.0
    min_frames: 30
    border_margin: 50
    frame_interval: 1.6666666666666667
    time_mapping: null
...
"#;
    assert_eq!(document(&resolved, &source()).unwrap(), expected);
}

#[test]
fn a_text_that_is_no_document_is_told() {
    let error = |text: &str| read_document(text).unwrap_err().to_string();
    let (resolved, _) = resolve(&Config::default(), &source()).unwrap();
    let text = document(&resolved, &source()).unwrap();

    let newer = error(&text.replace("format: 1\n", "format: 2\n"));
    assert!(newer.contains("fovflow.format: expected 1, found 2: written by another release"), "{newer}");
    let plain = error("z: 1");
    assert!(plain.starts_with("processing_config.yaml: fovflow.format: expected 1, found none"), "{plain}");
    let without_source = error("fovflow: {format: 1}\n...\n");
    assert!(without_source.contains("source: is missing: not written by fovflow"), "{without_source}");
    let changed = error(&text.replace("size_bytes: 1234", "size_bytes: many"));
    assert!(changed.contains("source: unreadable") && changed.contains("many"), "{changed}");
    for length in 0..text.len() {
        let cut = error(&text[..length]);
        assert!(cut.starts_with("processing_config.yaml:"), "{length}: {cut}");
    }
    let cut = error(text.strip_suffix("...\n").unwrap());
    assert_eq!(cut, "processing_config.yaml: the end is missing: the file was cut off, or changed since");
    let bad_value = error(&text.replace("batch_size: 4", "batch_size: 0"));
    assert!(bad_value.contains("params.batch_size: expected a whole number from 1 to"), "{bad_value}");
}

fn any_name() -> impl Strategy<Value = Option<String>> {
    option::of(prop_oneof![
        any::<String>(),
        "[ -~]{0,12}",
        select(vec!["yes", "405", "null", "1e3", "- a", "GFP"]).prop_map(str::to_owned)
    ])
}

fn any_source() -> impl Strategy<Value = SourceInfo> {
    let fov_ids = proptest::collection::btree_set(0_u32..1000, 1..8);
    let names = proptest::collection::vec(any_name(), 8);
    let pixel_size = option::of([1e-6..1e6, 1e-6..1e6_f64]);
    let text = "[ -~]{1,20}";
    (fov_ids, names, 1_u32..50, 1_u32..4, pixel_size, option::of(1e-3..1e6_f64), (text, text, any::<u64>())).prop_map(
        |(fov_ids, names, frames, z_planes, pixel_size_um, frame_interval_s, (name, identity, size_bytes))| {
            SourceInfo {
                format: SourceFormat::Nd2,
                name,
                size_bytes,
                identity,
                fovs: fov_ids
                    .into_iter()
                    .zip(&names)
                    .map(|(id, name)| FovInfo { id, name: name.clone(), height: 1 + id, width: 7 })
                    .collect(),
                channels: (0..6)
                    .zip(names.iter().skip(2))
                    .map(|(id, name)| ChannelInfo { id, name: name.clone() })
                    .collect(),
                frames,
                z_planes,
                pixel_type: "uint8".to_owned(),
                bits_significant: Some(8),
                pixel_size_um,
                frame_interval_s,
                compression: "none".to_owned(),
            }
        },
    )
}

fn any_params() -> impl Strategy<Value = Params> {
    let steps = vec![CleanupStep::Close, CleanupStep::RemoveSmall, CleanupStep::Fill, CleanupStep::Open];
    let segmentation =
        (2_u32..=255, any::<bool>(), proptest::collection::vec(select(steps), 0..6), 1_u32..=255, 0..u64::MAX)
            .prop_map(|(logstd_window_size, other, cleanup, morph_size, min_object_size)| Segmentation {
                logstd_window_size,
                threshold: if other { Threshold::ModeSigma } else { Threshold::Valley },
                cleanup,
                morph_shape: if other { MorphShape::Square } else { MorphShape::Disk },
                morph_size,
                min_object_size,
                max_object_size: u64::MAX,
                ..Segmentation::default()
            });
    let tracking = (f64::MIN_POSITIVE..=1.0, option::of(0..100_u64)).prop_map(|(min_iou, min_size)| Tracking {
        min_iou,
        min_size,
        max_size: min_size.map(|size| size + 1),
        ..Tracking::default()
    });
    let background = (40_u32..=65_536, 0.0..=0.95, 0_u32..=1000, 1e-9..=1.0).prop_map(
        |(tile_size, tile_overlap, dilation_radius, min_tile_coverage)| Background {
            tile_size,
            tile_overlap,
            dilation_radius,
            min_tile_coverage,
        },
    );
    let times =
        (-1e6..1e6, 1e-3..1e3).prop_map(|(start, step)| (0..50).map(|t| (t, start + f64::from(t) * step)).collect());
    let extraction = (-1.0..2.0, any::<u32>(), any::<u32>(), option::of(1e-6..1e6_f64), option::of(times)).prop_map(
        |(background_weight, min_frames, border_margin, frame_interval, time_mapping): (
            _,
            _,
            _,
            _,
            Option<BTreeMap<u32, f64>>,
        )| Extraction { background_weight, min_frames, border_margin, frame_interval, time_mapping },
    );
    (any::<bool>(), 1..=u32::MAX, segmentation, tracking, background, extraction).prop_map(
        |(copy_only, batch_size, segmentation, tracking, background, extraction)| Params {
            copy_only,
            batch_size,
            segmentation,
            tracking,
            background,
            extraction,
        },
    )
}

fn any_channels() -> impl Strategy<Value = Channels> {
    let fl_features = subsequence(vec![FlFeature::IntensityTotal, FlFeature::IntensityMean], 0..=2).prop_shuffle();
    let pc_features = subsequence(vec![PcFeature::Area, PcFeature::AspectRatio], 0..=2).prop_shuffle();
    let pc = option::of(pc_features.prop_map(|features| PcChannel { channel: ChannelRef::Index(5), features }));
    let fl = subsequence(vec![0_u32, 1, 2, 3, 4], 0..=5).prop_shuffle();
    (pc, fl, fl_features).prop_map(|(pc, fl, features)| Channels {
        pc,
        fl: fl.into_iter().map(|id| FlChannel { channel: ChannelRef::Index(id), features: features.clone() }).collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn given_back_it_resolves_to_the_same(source in any_source(), params in any_params(), channels in any_channels(), pick in any::<u64>()) {
        let picked = |ids: Vec<u32>| {
            let some: Vec<u32> = ids.iter().copied().filter(|id| pick >> (id % 64) & 1 == 1).collect();
            if some.is_empty() { None } else { Some(Selection::of(&some).to_string()) }
        };
        let config = Config {
            fovs: picked(source.fovs.iter().map(|fov| fov.id).collect()),
            frames: picked((0..source.frames).collect()),
            z: source.z_planes - 1,
            channels,
            params,
        };
        let (resolved, _) = resolve(&config, &source).unwrap();
        let text = document(&resolved, &source).unwrap();

        let (read, read_source) = read_document(&text).unwrap();
        prop_assert_eq!(&read_source, &source);
        let (again, warnings) = resolve(&read, &source).unwrap();
        prop_assert_eq!(&again, &resolved);
        prop_assert!(!warnings.iter().any(|warning| warning.contains("clipped")), "what's written is what's used");
        prop_assert_eq!(document(&again, &source).unwrap(), text.clone());

        let as_config_file = Layers::new().file("processing_config.yaml", &text).build().unwrap();
        prop_assert_eq!(as_config_file, read);
    }

    #[test]
    fn any_text_is_a_document_or_an_error(text in any::<String>()) {
        prop_assert!(read_document(&text).is_err());
    }
}
