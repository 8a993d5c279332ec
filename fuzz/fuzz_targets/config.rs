//! Any text as a configuration file, as a `--set`, as a channel flag and as `processing_config.yaml`: read or refused,
//! never a panic, and what's read holds every check and round trip.

#![no_main]

use std::sync::LazyLock;

use fovflow_common::config::{Layers, document, parse_fl_flag, parse_pc_flag, read_document, resolve};
use fovflow_common::source::{ChannelInfo, FovInfo, SourceFormat, SourceInfo};
use libfuzzer_sys::fuzz_target;

static SOURCE: LazyLock<SourceInfo> = LazyLock::new(|| SourceInfo {
    format: SourceFormat::Nd2,
    name: "fuzz.nd2".to_owned(),
    size_bytes: 1,
    identity: "fuzz".to_owned(),
    fovs: [0, 1, 2, 5].map(|id| FovInfo { id, name: None, height: 64, width: 64 }).into(),
    channels: ["Phase", "GFP", "405"]
        .into_iter()
        .zip(0..)
        .map(|(name, id)| ChannelInfo { id, name: Some(name.to_owned()) })
        .collect(),
    frames: 10,
    z_planes: 2,
    pixel_type: "uint16".to_owned(),
    bits_significant: None,
    pixel_size_um: None,
    frame_interval_s: Some(60.0),
    compression: "none".to_owned(),
});

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = parse_pc_flag(text);
    let _ = parse_fl_flag(text);
    let _ = read_document(text);
    let _ = Layers::new().assign(text).build();

    let Ok(config) = Layers::new().file("fuzz.yaml", text).build() else { return };
    config.validate().expect("what the layers accept is valid");
    let Ok((resolved, _)) = resolve(&config, &SOURCE) else { return };
    let written = document(&resolved, &SOURCE).expect("a resolved configuration can be written");
    let (read, source) = read_document(&written).expect("what's written can be read");
    assert_eq!(source, *SOURCE);
    let (again, _) = resolve(&read, &SOURCE).expect("what's written resolves");
    let mut ascending = resolved;
    ascending.fovs.sort_unstable();
    assert_eq!(again, ascending);
});
