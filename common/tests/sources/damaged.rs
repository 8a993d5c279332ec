//! Damaged and foreign files: an error in little time, never a panic, never pixels that aren't there.

use std::time::{Duration, Instant};

use fovflow_common::source::{SourceError, open, open_bytes};

use super::real_files::shared_file;
use super::support::czi_writer::{Subblock, czi};
use super::support::nd2_writer::{Loop, Nd2};
use super::support::{Random, pixel};
use super::{all_planes, error_of};

/// What one damaged file may take.
const TIME_LIMIT: Duration = Duration::from_secs(1);

/// Opens the file and reads some planes, whatever comes of it; tells whether all went well.
fn try_all(name: &str, bytes: Vec<u8>, what: &str) -> Result<(), SourceError> {
    let start = Instant::now();
    let outcome = (|| {
        let mut source = open_bytes(name, bytes)?;
        for index in all_planes_limited(source.as_ref()) {
            source.read_plane(index)?;
        }
        Ok(())
    })();
    assert!(start.elapsed() < TIME_LIMIT, "{name}, {what}: {:?}", start.elapsed());
    outcome
}

/// The first planes of a source, however many it claims.
fn all_planes_limited(source: &dyn fovflow_common::source::Source) -> Vec<fovflow_common::source::PlaneIndex> {
    let info = source.info();
    let claimed =
        info.fovs.len() as u64 * u64::from(info.frames) * info.channels.len() as u64 * u64::from(info.z_planes);
    if claimed > 10_000 {
        return vec![super::plane(info.fovs[0].id, 0, 0, 0), super::plane(info.fovs[0].id, info.frames - 1, 0, 0)];
    }
    all_planes(source).into_iter().take(8).collect()
}

fn synthetic_nd2(is_compressed: bool) -> Vec<u8> {
    let frames =
        (0..6).map(|number| (0..30 * 20).map(|index| pixel(number, index / 30, index % 30)).collect()).collect();
    let positions = Loop::Positions(vec![("A1", true), ("A2", true)]);
    let loops = vec![Loop::Time { count: 3, period_ms: 10.0 }, positions];
    Nd2 { is_compressed, loops, time_stamps_ms: vec![0.0; 6], ..Nd2::new(30, 20, frames) }.to_bytes()
}

fn synthetic_czi(codec: i32) -> Vec<u8> {
    let tile = |time: i32, mosaic: i32| {
        let pixels = (0..30 * 20).map(|index| pixel(time as usize, index / 30, index % 30)).collect();
        Subblock { scene: Some(0), time, mosaic: Some(mosaic), x: 25 * mosaic, codec, ..Subblock::new(30, 20, pixels) }
    };
    let xml = "<ImageDocument><Metadata/></ImageDocument>";
    czi(&[tile(0, 0), tile(0, 1), tile(1, 0), tile(1, 1)], xml, &[0.0, 1.0])
}

/// A file of every codec.
fn synthetic_samples() -> Vec<(String, Vec<u8>)> {
    vec![
        ("raw.nd2".to_string(), synthetic_nd2(false)),
        ("zlib.nd2".to_string(), synthetic_nd2(true)),
        ("raw.czi".to_string(), synthetic_czi(0)),
        ("zstd0.czi".to_string(), synthetic_czi(5)),
        ("zstd1.czi".to_string(), synthetic_czi(6)),
    ]
}

/// Those of these real files that are there.
fn real_samples(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let sample = |name: &&str| Some((name.to_string(), std::fs::read(shared_file(name)?).unwrap()));
    names.iter().filter_map(sample).collect()
}

#[test]
fn every_prefix_is_an_error() {
    let mut samples = synthetic_samples();
    samples.extend(real_samples(&["cluster.nd2", "DAPI_GFP.czi", "WellD6-7_S2.czi"]));
    for (name, bytes) in samples {
        try_all(&name, bytes.clone(), "whole").unwrap();
        let step = if bytes.len() > 200_000 { 1024 } else { 61 };
        for length in (0..bytes.len()).step_by(step) {
            let outcome = try_all(&name, bytes[..length].to_vec(), &format!("{length} bytes"));
            assert!(outcome.is_err(), "{name}: {length} of {} bytes", bytes.len());
        }
        assert!(try_all(&name, bytes[..bytes.len() - 1].to_vec(), "all but one").is_err(), "{name}");
    }
}

#[test]
fn flipped_bits_never_panic_or_hang() {
    let mut samples = synthetic_samples();
    samples.extend(real_samples(&["cluster.nd2", "DAPI_GFP.czi"]));
    for (name, bytes) in samples {
        let mut random = Random::new(7);
        let mut errors = 0;
        for round in 0..2000 {
            let mut damaged = bytes.clone();
            for _ in 0..=round % 4 {
                // Most of a real file is pixels; what describes them lies near both ends.
                let position = match random.below(3) {
                    0 => random.below(damaged.len()),
                    1 => random.below(damaged.len().min(2048)),
                    _ => damaged.len() - 1 - random.below(damaged.len().min(8192)),
                };
                damaged[position] ^= 1 << random.below(8);
            }
            let outcome = try_all(&name, damaged, &format!("round {round}"));
            errors += usize::from(outcome.is_err());
        }
        assert!(errors > 100, "{name}: {errors} of 2000 were noticed");
    }
}

#[test]
fn wild_numbers_in_the_structure_never_panic_or_hang() {
    let wild = [0_u64, 1, 0x7f, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX / 2, u64::MAX];
    for (name, bytes) in synthetic_samples() {
        let mut random = Random::new(11);
        for round in 0..1500 {
            let mut damaged = bytes.clone();
            let width = [1, 2, 4, 8][random.below(4)];
            let position = random.below(damaged.len() - 8);
            let number = wild[random.below(wild.len())].to_le_bytes();
            damaged[position..position + width].copy_from_slice(&number[..width]);
            let _ = try_all(&name, damaged, &format!("round {round}"));
        }
    }
}

#[test]
fn random_bytes_behind_a_valid_signature_are_errors() {
    let mut random = Random::new(3);
    for round in 0..300 {
        let length = 200 + random.below(20_000);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        assert!(try_all("random", bytes.clone(), "noise").is_err());
        bytes[..16].copy_from_slice(b"ZISRAWFILE\0\0\0\0\0\0");
        assert!(try_all("random.czi", bytes.clone(), &format!("round {round}")).is_err());
        bytes[..112].copy_from_slice(&synthetic_nd2(false)[..112]);
        assert!(try_all("random.nd2", bytes, &format!("round {round}")).is_err());
    }
}

#[test]
fn foreign_files_are_told_apart_by_content() {
    let folder = tempfile::tempdir().unwrap();
    let message = |path: &std::path::Path| error_of(open(path.to_str().unwrap())).to_string();
    assert!(message(folder.path()).contains("is a directory"));
    let file = folder.path().join("movie.nd2");
    assert!(message(&file).contains("cannot read"));
    for (content, expected) in [
        (&b""[..], "it is empty"),
        (b"Dear diary, today the microscope", "text file that starts with \"Dear diary"),
        (b"II*\0\x08\0\0\0", "is a tiff file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0", "nd2 of version 1"),
    ] {
        std::fs::write(&file, content).unwrap();
        assert!(message(&file).contains(expected), "{}", message(&file));
    }
    // The content counts, not the name.
    let file = folder.path().join("movie.nd2");
    std::fs::write(&file, synthetic_czi(0)).unwrap();
    assert_eq!(open(file.to_str().unwrap()).unwrap().info().compression, "none");
    assert!(error_of(open("s3://bucket/movie.nd2")).to_string().contains("object store"));
    assert!(error_of(open("file://host/movie.nd2")).to_string().contains("expected file:///path"));
}
