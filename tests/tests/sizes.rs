//! FOVs of one movie that differ in size: each keeps its own, and its pixels.

mod support;

use std::fs;

use fovflow_common::simulate::{SimulationParams, simulate_to_czi};
use fovflow_common::source::{self, PlaneIndex};
use serde_json::{Value, json};
use support::tree::{Tree, assert_has_traces, paths};
use support::{Bench, USUAL};

#[test]
fn every_fov_has_its_own_size() {
    let bench = Bench::empty();
    let params = SimulationParams {
        fovs: 4,
        frames: 5,
        height: 192,
        width: 208,
        cells: 6,
        heterogeneous: true,
        ..SimulationParams::default()
    };
    simulate_to_czi(&params, &bench.movie, None, &mut |_, _| {}).unwrap();
    let sizes: Vec<_> = (0..4).map(|fov| params.fov_size(fov)).collect();
    assert_eq!(sizes, [(192, 208), (176, 184), (160, 160), (192, 208)]);

    let output = bench.path("output");
    bench.run(&output, USUAL.iter().chain(&["--workers", "3"]));
    assert_has_traces(&output);
    for (fov, (height, width)) in sizes.iter().enumerate() {
        let images = output.join(format!("fov_{fov:03}/images.zarr"));
        let arrays: Vec<_> = paths(&images).into_iter().filter(|path| path.ends_with("/0/zarr.json")).collect();
        assert_eq!(arrays.len(), 5, "{arrays:?}");
        for array in arrays {
            let level = |level: &str| document(&images.join(array.replace("/0/", level)))["shape"].clone();
            assert_eq!(level("/0/"), json!([5, height, width]), "FOV {fov}, {array}");
            assert_eq!(level("/1/"), json!([5, height / 2, width / 2]), "FOV {fov}, display level of {array}");
        }
        let metadata = document(&output.join(format!("fov_{fov:03}/cells.zarr/metadata/zarr.json")));
        assert_eq!(metadata["attributes"]["frame_shape"], json!([height, width]), "FOV {fov}");
    }

    let alone = bench.path("alone");
    for (fov, (height, width)) in sizes.iter().enumerate() {
        let mut source = source::open_path(&bench.movie).unwrap();
        let plane = source.read_plane(PlaneIndex { fov: fov as u32, frame: 4, channel: 1, z: 0 }).unwrap();
        assert_eq!(plane.dim(), (*height as usize, *width as usize));
        bench.run(&alone, USUAL.iter().chain(&["--workers", "1", "--fovs", &fov.to_string()]));
    }
    let results = |tree: Tree| tree.results();
    results(Tree::of(&alone)).assert_same(&results(Tree::of(&output)), "one FOV at a time against all at once");
}

fn document(path: &std::path::Path) -> Value {
    let text = fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}
