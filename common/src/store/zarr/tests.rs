use ndarray::Array2;

use super::*;
use crate::location::Location;
use crate::store::{BlockingStore, Store};

fn temporary() -> (tempfile::TempDir, tokio::runtime::Runtime, BlockingStore) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let store = Store::open(&Location::Local(folder.path().to_owned())).unwrap();
    let store = BlockingStore::new(store, runtime.handle().clone());
    (folder, runtime, store)
}

#[test]
fn frames_come_back_as_they_were_written() {
    let (_folder, _runtime, store) = temporary();
    let spec = ArraySpec::new(&[2, 5, 7], &[1, 2, 3], &["t", "y", "x"]);
    let frame = |t: u16| Array2::from_shape_fn((5, 7), |(y, x)| t * 1000 + y as u16 * 7 + x as u16);
    let array = ZarrArray::<u16>::create(&store, "a/0", &spec).unwrap();
    array.write_frame(0, frame(0).view()).unwrap();
    array.write_frame(1, frame(1).view()).unwrap();
    let array = ZarrArray::<u16>::open(&store, "a/0").unwrap();
    assert_eq!(array.movie_shape().unwrap(), [2, 5, 7]);
    assert_eq!(array.read_frame(0).unwrap(), frame(0));
    assert_eq!(array.read_frame(1).unwrap(), frame(1));
}

#[test]
fn a_chunk_of_zeros_is_stored_and_a_missing_one_is_an_error() {
    let (folder, _runtime, store) = temporary();
    let array = ZarrArray::<f32>::create(&store, "a", &ArraySpec::movie(2, 3, 3)).unwrap();
    array.write_frame(0, Array2::zeros((3, 3)).view()).unwrap();
    assert!(folder.path().join("a/c/0/0/0").exists());
    assert_eq!(array.read_frame(0).unwrap(), Array2::<f32>::zeros((3, 3)));
    assert!(matches!(array.read_frame(1), Err(ZarrError::MissingChunk { .. })));
}

#[test]
fn the_type_of_sample_is_checked() {
    let (_folder, _runtime, store) = temporary();
    ZarrArray::<u16>::create(&store, "a", &ArraySpec::movie(1, 1, 1)).unwrap();
    let error = ZarrArray::<u8>::open(&store, "a").err().unwrap().to_string();
    assert!(error.contains("\"uint16\"") && error.contains("\"uint8\""), "{error}");
    assert!(matches!(ZarrArray::<u8>::open(&store, "b"), Err(ZarrError::Missing(_))));
}

#[test]
fn a_damaged_chunk_is_an_error() {
    let (folder, _runtime, store) = temporary();
    let array = ZarrArray::<u16>::create(&store, "a", &ArraySpec::movie(1, 64, 64)).unwrap();
    let frame = Array2::from_shape_fn((64, 64), |(y, x)| (y * x) as u16);
    array.write_frame(0, frame.view()).unwrap();
    let chunk = folder.path().join("a/c/0/0/0");
    let bytes = std::fs::read(&chunk).unwrap();
    std::fs::write(&chunk, &bytes[..bytes.len() / 2]).unwrap();
    let error = array.read_frame(0).unwrap_err().to_string();
    assert!(error.contains("chunk [0, 0, 0] of a is damaged"), "{error}");
}

#[test]
fn the_ledger_names_what_was_written() {
    let (folder, _runtime, store) = temporary();
    write_group(&store, "g", ome::multiscales("g", ome::Scale { frame_interval_min: 10.0, pixel_size_um: None }))
        .unwrap();
    let ledger = store.settle().unwrap();
    assert_eq!(ledger.keys, ["g/zarr.json"]);
    assert_eq!(ledger.bytes, std::fs::metadata(folder.path().join("g/zarr.json")).unwrap().len());
    assert_eq!(store.settle().unwrap().keys.len(), 0);
    let scale = &read_attributes(&store, "g").unwrap()["ome"]["multiscales"][0]["datasets"][0];
    assert_eq!(scale["coordinateTransformations"][0]["scale"], serde_json::json!([10.0, 1.0, 1.0]));
}
