//! Real files: every reference plane, and agreement with the crates `nd2` and `czi` where those can read.

use std::path::PathBuf;

use fovflow_common::source::{self, Source, SourceFormat};
use sha2::{Digest, Sha256};

use super::{all_planes, plane};

/// A file of the shared data folder; `None`, with a note, where it isn't there.
pub(crate) fn shared_file(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let candidates = [folder.join("../../shared/data"), folder.join("../shared/data")];
    let path = candidates.iter().map(|data| data.join(name)).find(|path| path.exists());
    if path.is_none() {
        eprintln!("note: ../shared/data/{name} is not there; this check was skipped");
    }
    path
}

fn open(name: &str) -> Option<Box<dyn Source>> {
    let path = shared_file(name)?;
    Some(source::open(path.to_str().unwrap()).unwrap())
}

#[test]
fn every_reference_plane_matches() {
    let Some(path) = shared_file("reference.json") else { return };
    let reference: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut planes_checked = 0;
    for (name, file) in reference.as_object().unwrap() {
        let mut source = open(name).unwrap();
        let info = source.info().clone();
        let sizes = [info.fovs.len() as u64, info.frames.into(), info.channels.len() as u64, info.z_planes.into()];
        let expected_sizes = ["P", "T", "C", "Z"].map(|axis| file["sizes"][axis].as_u64().unwrap());
        assert_eq!(sizes, expected_sizes, "{name}");
        for (key, expected) in file["planes"].as_object().unwrap() {
            let ids: Vec<u32> = key.split(' ').map(|part| part.split_once('=').unwrap().1.parse().unwrap()).collect();
            let pixels = source.read_plane(plane(ids[0], ids[1], ids[2], ids[3])).unwrap();
            assert_eq!(serde_json::json!([pixels.nrows(), pixels.ncols()]), expected["shape"], "{name} {key}");
            let bytes: Vec<u8> = pixels.iter().flat_map(|pixel| pixel.to_le_bytes()).collect();
            assert_eq!(hex::encode(Sha256::digest(&bytes)), expected["sha256"], "{name} {key}");
            let fov = info.fov(ids[0]).unwrap();
            assert_eq!(pixels.dim(), (fov.height as usize, fov.width as usize), "{name} {key}");
            planes_checked += 1;
        }
    }
    assert!(planes_checked >= 30, "{planes_checked}");
}

#[test]
fn metadata_of_the_real_files() {
    if let Some(source) = open("cluster.nd2") {
        let info = source.info();
        assert_eq!((info.format, info.bits_significant), (SourceFormat::Nd2, Some(12)));
        let names: Vec<_> = info.channels.iter().map(|channel| channel.name.as_deref().unwrap()).collect();
        assert_eq!(names, ["5-FAM/pH 9.0", "FM 4-64/2% CHAPS"]);
        assert_eq!(info.pixel_size_um, Some([0.167_808_983_232_682_45; 2]));
        // From the time stamps (445.083, 11 086.180 and 21 740.178 ms), as the loop states no period.
        let interval = info.frame_interval_s.unwrap();
        assert!((interval - 10.647_547).abs() < 1e-6, "{interval}");
    }
    if let Some(source) = open("example-timelapse.nd2") {
        let interval = source.info().frame_interval_s.unwrap();
        assert!((interval - 0.500_16).abs() < 1e-6, "{interval}");
    }
    if let Some(source) = open("S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi") {
        let info = source.info();
        let fovs: Vec<_> =
            info.fovs.iter().map(|fov| (fov.id, fov.name.as_deref().unwrap(), fov.height, fov.width)).collect();
        assert_eq!(fovs, [(0, "TR1", 122, 295), (1, "P1", 64, 64), (2, "TR2", 237, 352)]);
        assert_eq!((info.frame_interval_s, info.compression.as_str()), (Some(33.412), "none"));
    }
    if let Some(source) = open("DAPI_GFP.czi") {
        let info = source.info();
        let names: Vec<_> = info.channels.iter().map(|channel| channel.name.as_deref()).collect();
        assert_eq!((names, info.pixel_type.as_str()), (vec![Some("DAPI"), Some("GFP")], "uint8"));
    }
    if let Some(source) = open("WellD6-7_S2.czi") {
        let [y, x] = source.info().pixel_size_um.unwrap();
        assert!((y - 0.1).abs() < 1e-9 && (x - 0.1).abs() < 1e-9);
    }
}

#[test]
fn the_crate_nd2_reads_the_same_pixels() {
    for name in ["cluster.nd2", "example-multichannel.nd2", "example-timelapse.nd2"] {
        let Some(mut ours) = open(name) else { return };
        let mut theirs = nd2::Nd2File::open(shared_file(name).unwrap()).unwrap();
        let sizes = theirs.sizes().unwrap();
        // It takes `uiSequenceCount / channels` for T where a file has no loop at all, which gives 0 here.
        assert_eq!(sizes["T"], if name == "example-multichannel.nd2" { 0 } else { ours.info().frames as usize });
        if sizes["T"] == 0 {
            continue;
        }
        for index in all_planes(ours.as_ref()) {
            let [p, t, c, z] = [index.fov, index.frame, index.channel, index.z].map(|id| id as usize);
            let expected = theirs.read_frame_2d(p, t, c, z).unwrap();
            assert_eq!(ours.read_plane(index).unwrap().into_raw_vec_and_offset().0, expected, "{name} {index}");
        }
    }
}

#[test]
fn the_crate_czi_reads_the_same_pixels() {
    let names = [
        "CellDivision_T3_Z5_CH2_X240_Y170_comp1.czi",
        "DAPI_GFP.czi",
        "S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi",
        "WellD6-7_S2.czi",
    ];
    for name in names {
        let Some(mut ours) = open(name) else { return };
        let mut theirs = czi::CziFile::open(shared_file(name).unwrap()).unwrap();
        for index in all_planes(ours.as_ref()) {
            let [s, t, c, z] = [index.fov, index.frame, index.channel, index.z].map(|id| id as usize);
            let expected = theirs.read_frame_2d(s, t, c, z).unwrap();
            assert_eq!(ours.read_plane(index).unwrap().into_raw_vec_and_offset().0, expected, "{name} {index}");
        }
    }
}

#[test]
fn a_path_a_file_url_and_bytes_are_the_same_source() {
    let Some(path) = shared_file("cluster.nd2") else { return };
    let path = path.canonicalize().unwrap();
    let by_path = source::open(path.to_str().unwrap()).unwrap();
    let by_url = source::open(&format!("file://{}", path.display())).unwrap();
    let by_bytes = source::open_bytes("cluster.nd2", std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(by_path.info(), by_url.info());
    assert_eq!(by_path.info(), by_bytes.info());
}
