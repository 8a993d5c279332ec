//! The whole simulation: files, their truth, and how one follows from the other.

use std::fs;
use std::path::Path;

use ndarray::Array2;

use super::*;

fn small(seed: u64) -> SimulationParams {
    SimulationParams { fovs: 2, frames: 6, height: 120, width: 150, cells: 5, seed, ..Default::default() }
}

fn simulate(params: &SimulationParams, folder: &Path) -> SimulationSummary {
    let truth = folder.join("truth");
    simulate_to_czi(params, &folder.join("movie.czi"), Some(&truth), &mut |_, _| {}).unwrap()
}

/// Every file of a simulation with its bytes.
fn contents(folder: &Path) -> Vec<Vec<u8>> {
    let names = [
        "movie.czi",
        "truth/cells.csv",
        "truth/simulation.json",
        "truth/fov_000/labels.npy",
        "truth/fov_001/labels.npy",
    ];
    names.map(|name| fs::read(folder.join(name)).unwrap()).to_vec()
}

#[test]
fn equal_parameters_give_equal_bytes_on_any_number_of_threads() {
    let mut results = Vec::new();
    for (seed, threads) in [(1, 1), (1, 3), (2, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| simulate(&small(seed), folder.path()));
        results.push(contents(folder.path()));
    }
    assert!(results[0] == results[1], "one and three threads differ");
    for (one, other) in results[0].iter().zip(&results[2]) {
        assert!(one != other, "seeds 1 and 2 give an equal file");
    }
}

#[test]
fn the_czi_holds_what_the_simulation_renders() {
    for compression in [Compression::Raw, Compression::Zstd1] {
        let params =
            SimulationParams { compression, heterogeneous: true, cells: 2, fluorescence_channels: 2, ..small(3) };
        let folder = tempfile::tempdir().unwrap();
        let summary = simulate(&params, folder.path());
        let path = folder.path().join("movie.czi");
        assert_eq!(summary.planes, 2 * 6 * 3);
        assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());

        let mut file = czi::CziFile::open(&path).unwrap();
        let sizes = file.sizes().unwrap();
        assert_eq!((sizes["S"], sizes["T"], sizes["C"]), (2, 6, 3));
        let described = file.summary().unwrap();
        let names: Vec<_> = described.channels.iter().map(|c| c.name.clone()).collect();
        assert_eq!(names, ["Phase", "GFP", "mCherry"].map(|n| Some(n.to_string())));
        let meters = described.scaling.unwrap().x.unwrap();
        assert!((meters * 1e6 - 0.65).abs() < 1e-9);
        for fov in 0..2 {
            for (frame, truth) in FovSimulation::new(&params, fov).unwrap().enumerate() {
                for (channel, plane) in truth.planes.iter().enumerate() {
                    let (height, width) = params.fov_size(fov);
                    assert_eq!(plane.dim(), (height as usize, width as usize));
                    let read = file.read_frame_2d(fov as usize, frame, channel, 0).unwrap();
                    assert!(read.iter().eq(plane.iter()), "S {fov} T {frame} C {channel}");
                }
            }
        }
    }
}

#[test]
fn the_truth_files_agree_with_each_other() {
    let params = SimulationParams { frames: 30, ..small(4) };
    let folder = tempfile::tempdir().unwrap();
    let summary = simulate(&params, folder.path());
    let table = fs::read_to_string(folder.path().join("truth/cells.csv")).unwrap();
    let mut rows = table.lines();
    assert_eq!(rows.next().unwrap(), "fov,frame,cell,parent,y,x,area,intensity_total_ch_1");
    let mut distinct = std::collections::BTreeSet::new();
    let mut rows = rows.peekable();
    for fov in 0..2 {
        let path = folder.path().join(format!("truth/fov_{fov:03}/labels.npy"));
        let bytes = fs::read(path).unwrap();
        let header = String::from_utf8_lossy(&bytes[10..128]);
        assert!(header.contains("'descr': '<u2'") && header.contains("(30, 120, 150)"));
        assert_eq!(bytes.len(), 128 + 2 * 30 * 120 * 150);
        for frame in 0..30 {
            let start = 128 + 2 * frame * 120 * 150;
            let labels = &bytes[start..start + 2 * 120 * 150];
            let mut areas = std::collections::BTreeMap::new();
            for pair in labels.chunks_exact(2) {
                let label = u16::from_le_bytes([pair[0], pair[1]]);
                *areas.entry(label).or_insert(0u32) += 1;
            }
            areas.remove(&0);
            for (label, area) in areas {
                let row: Vec<&str> = rows.next().unwrap().split(',').collect();
                let found = [row[0], row[1], row[2], row[6]].map(|v| v.parse::<u32>().unwrap());
                assert_eq!(found, [fov, frame as u32, u32::from(label), area]);
                assert!(row[7].parse::<f64>().unwrap() > 0.0);
                distinct.insert((fov, label));
            }
        }
    }
    assert!(rows.next().is_none(), "rows without a cell");
    assert_eq!(summary.cells, distinct.len() as u64);
}

#[test]
fn the_true_intensity_is_what_the_camera_sees_above_the_background() {
    let params =
        SimulationParams { layout: Layout::Separate, height: 256, width: 256, cells: 3, frames: 2, ..small(5) };
    let light = illumination::Illumination::new(&params, 0);
    let frame = FovSimulation::new(&params, 0).unwrap().next().unwrap();
    assert_eq!(frame.cells.len(), 3);
    for cell in &frame.cells {
        let mut seen = 0.0;
        for ((at, &label), &grey) in frame.labels.indexed_iter().zip(&frame.planes[1]) {
            if label == cell.id {
                seen += f64::from(grey) - 100.0 - f64::from(light.autofluorescence[0][at]);
            }
        }
        let ratio = seen / cell.intensity_total[0];
        assert!((ratio - 1.0).abs() < 0.015, "{ratio}");
    }
}

#[test]
fn cells_stand_out_from_the_background_by_their_texture() {
    let frame = FovSimulation::new(&small(6), 0).unwrap().next().unwrap();
    let deviation = |at: (usize, usize)| {
        let window = frame.planes[0].slice(ndarray::s![at.0 - 1..=at.0 + 1, at.1 - 1..=at.1 + 1]);
        window.map(|&v| f64::from(v)).std(0.0)
    };
    let mut inside = Vec::new();
    let mut outside = Vec::new();
    for row in 1..119 {
        for column in 1..149 {
            let values = if frame.labels[(row, column)] > 0 { &mut inside } else { &mut outside };
            values.push(deviation((row, column)));
        }
    }
    inside.sort_by(f64::total_cmp);
    outside.sort_by(f64::total_cmp);
    let low_inside = inside[inside.len() / 10];
    let median_outside = outside[outside.len() / 2];
    assert!(low_inside > 1.7 * median_outside, "{low_inside} {median_outside}");
}

#[test]
fn progress_counts_every_frame() {
    let folder = tempfile::tempdir().unwrap();
    let mut calls = Vec::new();
    let path = folder.path().join("movie.czi");
    simulate_to_czi(&small(1), &path, None, &mut |done, total| calls.push((done, total))).unwrap();
    let expected: Vec<(u32, u32)> = (1..=12).map(|done| (done, 12)).collect();
    assert_eq!(calls, expected);
}

#[test]
fn bad_parameters_and_places_are_reported_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("movie.czi");
    let invalid = SimulationParams { frames: 0, ..small(1) };
    let error = simulate_to_czi(&invalid, &path, None, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("frames = 0"), "{error}");
    let nowhere = folder.path().join("missing").join("movie.czi");
    let error = simulate_to_czi(&small(1), &nowhere, None, &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
    assert!(FovSimulation::new(&small(1), 2).is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn layout(pixel_type: PixelType, compression: Compression) -> CziLayout {
    CziLayout {
        scenes: vec![(5, 7), (3, 4)],
        channels: vec!["A & <B>".into()],
        frames: 2,
        slices: 3,
        pixel_type,
        compression,
        pixel_size_um: 0.5,
        frame_interval_s: 2.0,
    }
}

#[test]
fn the_writer_takes_8_and_16_bits_scenes_of_any_size_and_z() {
    for pixel_type in [PixelType::Gray8, PixelType::Gray16] {
        for compression in [Compression::Raw, Compression::Zstd1] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("any.czi");
            let layout = layout(pixel_type, compression);
            let factor = if pixel_type == PixelType::Gray8 { 1 } else { 257 };
            let image = |plane: PlaneIndex| {
                let (height, width) = layout.scenes[plane.scene as usize];
                let first = plane.scene * 64 + plane.frame * 32 + plane.slice * 8;
                Array2::from_shape_fn((height as usize, width as usize), |(row, column)| {
                    (first as u16 + row as u16 + column as u16) * factor
                })
            };
            let mut planes = Vec::new();
            for scene in 0..2 {
                for frame in 0..2 {
                    for slice in 0..3 {
                        planes.push(PlaneIndex { scene, frame, channel: 0, slice });
                    }
                }
            }
            let mut writer = CziWriter::create(&path, layout.clone()).unwrap();
            assert!(!path.exists(), "an unfinished file has the final name");
            for &plane in planes.iter().rev() {
                writer.write_plane(plane, &image(plane)).unwrap();
            }
            writer.finish().unwrap();
            let mut file = czi::CziFile::open(&path).unwrap();
            assert_eq!(file.summary().unwrap().channels[0].name.as_deref(), Some("A & <B>"));
            for plane in planes {
                let [s, t, c, z] = [plane.scene, plane.frame, plane.channel, plane.slice];
                let read = file.read_frame_2d(s as usize, t as usize, c as usize, z as usize);
                assert!(read.unwrap().iter().eq(image(plane).iter()), "{plane:?}");
            }
        }
    }
}

#[test]
fn the_writer_refuses_wrong_doubled_and_missing_planes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.czi");
    let mut writer = CziWriter::create(&path, layout(PixelType::Gray8, Compression::Raw)).unwrap();
    let first = PlaneIndex { scene: 0, frame: 0, channel: 0, slice: 0 };
    let image = Array2::from_elem((5, 7), 9);
    writer.write_plane(first, &image).unwrap();
    let complaint = |result: Result<(), SimulateError>| result.unwrap_err().to_string();
    let doubled = complaint(writer.write_plane(first, &image));
    assert!(doubled.contains("S 0, T 0, C 0, Z 0") && doubled.contains("already"));
    let beyond = PlaneIndex { frame: 2, ..first };
    assert!(complaint(writer.write_plane(beyond, &image)).contains("no such plane"));
    let second = PlaneIndex { scene: 1, ..first };
    assert!(complaint(writer.write_plane(second, &image)).contains("5 x 7 px, its scene 3 x 4"));
    let bright = Array2::from_elem((3, 4), 256);
    assert!(complaint(writer.write_plane(second, &bright)).contains("256 does not fit into 8 bits"));
    let error = writer.finish().unwrap_err().to_string();
    assert!(error.contains("11 of 12 planes were never written"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_reported_with_the_file() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth");
    fs::create_dir_all(&truth).unwrap();
    std::os::unix::fs::symlink(full, truth.join("cells.csv")).unwrap();
    let path = folder.path().join("movie.czi");
    let error = simulate_to_czi(&small(1), &path, Some(&truth), &mut |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("cells.csv"), "{error}");
    assert!(!path.exists() && !truth.join("simulation.json").exists());
}
