//! Any bytes behind a CZI signature: no panic, no hang, no memory that the bytes don't justify.
#![no_main]

use fovflow_common::source::{PlaneIndex, open_bytes};
use libfuzzer_sys::fuzz_target;

const HEADER: &[u8; 16] = b"ZISRAWFILE\0\0\0\0\0\0";

fuzz_target!(|bytes: &[u8]| {
    let mut file = bytes.to_vec();
    // The fuzzer needn't find the signature by itself.
    if let Some(start) = file.get_mut(..HEADER.len()) {
        start.copy_from_slice(HEADER);
    }
    let Ok(mut source) = open_bytes("fuzz.czi", file) else {
        return;
    };
    let info = source.info().clone();
    for fov in info.fovs.iter().take(2) {
        for frame in [0, info.frames - 1] {
            for channel in info.channels.iter().take(2) {
                let z = info.z_planes - 1;
                let plane = PlaneIndex { fov: fov.id, frame, channel: channel.id, z };
                if let Ok(pixels) = source.read_plane(plane) {
                    assert_eq!(pixels.dim(), (fov.height as usize, fov.width as usize));
                }
            }
        }
    }
});
