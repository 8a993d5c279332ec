//! Sources in an object store.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use fovflow_common::source::range_reader::{ObjectReader, RangeRead};
use fovflow_common::source::{SourceError, open_bytes, open_object};
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::runtime::{Builder, Runtime};

use super::support::nd2_writer::Nd2;
use super::{all_planes, error_of, plane};

/// A store in memory that notes every range that is asked for, and may fail.
#[derive(Debug, Default)]
struct WatchedStore {
    inner: InMemory,
    ranges: Mutex<Vec<Range<u64>>>,
    is_failing: Mutex<bool>,
}

impl fmt::Display for WatchedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("WatchedStore")
    }
}

#[async_trait::async_trait]
impl ObjectStore for WatchedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if *self.is_failing.lock().unwrap() {
            let source = "503 slow down".into();
            return Err(object_store::Error::Generic { store: "watched", source });
        }
        if let Some(GetRange::Bounded(range)) = &options.range {
            self.ranges.lock().unwrap().push(range.clone());
        }
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

fn movie() -> Vec<u8> {
    let frames = (0..60).map(|number| vec![number; 512 * 512]).collect();
    Nd2::new(512, 512, frames).to_bytes()
}

#[test]
fn an_object_is_the_same_source_as_its_bytes_and_takes_few_requests() {
    let runtime = runtime();
    let store = Arc::new(WatchedStore::default());
    let path = Path::from("folder/movie.nd2");
    let bytes = movie();
    runtime.block_on(store.put(&path, bytes.clone().into())).unwrap();

    let mut local = open_bytes("movie.nd2", bytes.clone()).unwrap();
    let location = "s3://bucket/folder/movie.nd2";
    let mut remote = open_object(store.clone(), path, location, runtime.handle().clone()).unwrap();
    assert_eq!(remote.info(), local.info());
    let opening: Vec<_> = std::mem::take(&mut *store.ranges.lock().unwrap());
    let opening_bytes: u64 = opening.iter().map(|range| range.end - range.start).sum();
    assert!(opening.len() <= 30 && opening_bytes < 10 << 20, "{} requests, {opening_bytes} bytes", opening.len());

    for index in all_planes(remote.as_ref()) {
        assert_eq!(remote.read_plane(index).unwrap(), local.read_plane(index).unwrap(), "{index}");
    }
    let reading = store.ranges.lock().unwrap();
    let reading_bytes: u64 = reading.iter().map(|range| range.end - range.start).sum();
    // 60 planes of 512 KiB in order: a handful of requests, hardly anything twice.
    assert!(reading.len() <= 12, "{} requests", reading.len());
    assert!(reading_bytes < bytes.len() as u64 * 11 / 10, "{reading_bytes} of {} bytes", bytes.len());
}

#[test]
fn a_failing_store_is_transient_a_missing_or_replaced_object_is_not() {
    let runtime = runtime();
    let store = Arc::new(WatchedStore::default());
    let path = Path::from("movie.nd2");
    let open = || open_object(store.clone(), path.clone(), "s3://bucket/movie.nd2", runtime.handle().clone());

    let error = error_of(open());
    assert!(!error.is_transient());
    assert!(
        matches!(&error, SourceError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound),
        "{error}"
    );

    runtime.block_on(store.put(&path, movie().into())).unwrap();
    let mut source = open().unwrap();
    *store.is_failing.lock().unwrap() = true;
    let error = error_of(source.read_plane(plane(0, 30, 0, 0)));
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().contains("s3://bucket/movie.nd2") && error.to_string().contains("503"), "{error}");
    *store.is_failing.lock().unwrap() = false;
    source.read_plane(plane(0, 30, 0, 0)).unwrap();

    runtime.block_on(store.put(&path, movie().into())).unwrap();
    let error = error_of(source.read_plane(plane(0, 55, 0, 0)));
    assert!(!error.is_transient());
    assert!(error.to_string().contains("replaced while it was being read"), "{error}");
}

#[test]
fn reading_inside_an_async_task_is_an_error_and_on_a_blocking_thread_is_not() {
    let runtime = runtime();
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let path = Path::from("movie.nd2");
    runtime.block_on(store.put(&path, movie().into())).unwrap();
    let handle = runtime.handle().clone();
    let open = move || open_object(store.clone(), path.clone(), "memory:///movie.nd2", handle.clone());
    let wrong = open.clone();
    let error = error_of(runtime.block_on(async move { wrong() }));
    assert!(error.to_string().contains("read sources on a blocking thread"), "{error}");
    let right = runtime.block_on(async { tokio::task::spawn_blocking(open).await.unwrap() });
    assert_eq!(right.unwrap().info().frames, 60);
}

#[test]
fn a_local_folder_as_store_gives_the_same_bytes_at_any_position() {
    let runtime = runtime();
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|value| (value.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(folder.path().join("blob"), &bytes).unwrap();
    let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let reader = ObjectReader::open(store, Path::from("blob"), "blob", runtime.handle().clone()).unwrap();
    let mut random = super::support::Random::new(1);
    for _ in 0..200 {
        let offset = random.below(bytes.len());
        let length = random.below((bytes.len() - offset).min(700_000)) + 1;
        let mut buffer = vec![0; length];
        reader.read_exact_at(offset as u64, &mut buffer).unwrap();
        assert!(buffer == bytes[offset..offset + length], "{length} bytes at {offset}");
    }
    assert!(reader.read_exact_at(2_999_999, &mut [0; 2]).is_err());
}
