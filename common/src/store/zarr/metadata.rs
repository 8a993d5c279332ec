//! The metadata documents of arrays (`zarr.json`).

use serde_json::{Map, Value, json};

/// What an array looks like.
#[derive(Debug, Clone, PartialEq)]
pub struct ArraySpec {
    /// Elements along each axis.
    pub shape: Vec<u64>,
    /// Elements of a stored object along each axis: a chunk, or a shard of inner chunks.
    pub chunk: Vec<u64>,
    /// Elements of an inner chunk along each axis, where the stored objects are shards. Must divide `chunk`.
    pub inner_chunk: Option<Vec<u64>>,
    /// The axes' names.
    pub axes: &'static [&'static str],
    /// Attributes.
    pub attributes: Map<String, Value>,
}

impl ArraySpec {
    /// An array without attributes.
    pub fn new(shape: &[u64], chunk: &[u64], axes: &'static [&'static str]) -> Self {
        Self { shape: shape.to_vec(), chunk: chunk.to_vec(), inner_chunk: None, axes, attributes: Map::new() }
    }

    /// Frames in time, `(T, H, W)`, one chunk per frame.
    pub fn movie(frames: u64, height: u64, width: u64) -> Self {
        Self::new(&[frames, height, width], &[1, height, width], &["t", "y", "x"])
    }

    /// Divides every stored object into chunks that can be read by themselves, if they're smaller than it.
    ///
    /// Chunks as small as viewers like them would be thousands of objects; in shards they're read as cheaply, and stored in
    /// as few objects as the frames they were made from.
    #[must_use]
    pub fn with_inner_chunk(mut self, inner_chunk: &[u64]) -> Self {
        self.inner_chunk = (inner_chunk != self.chunk).then(|| inner_chunk.to_vec());
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: &str, value: Value) -> Self {
        self.attributes.insert(name.to_owned(), value);
        self
    }

    /// The Zarr v3 metadata document for samples of a data type.
    pub(super) fn document(&self, data_type: &str, sample_bytes: usize, fill_value: &Value) -> Value {
        let bytes_codec = match sample_bytes {
            1 => json!({"name": "bytes"}),
            _ => json!({"name": "bytes", "configuration": {"endian": "little"}}),
        };
        let blosc_codec = json!({
            "name": "blosc",
            "configuration": {
                "cname": "lz4",
                "clevel": 5,
                "shuffle": "bitshuffle",
                "typesize": sample_bytes,
                "blocksize": 0,
            },
        });
        let mut codecs = json!([bytes_codec, blosc_codec]);
        if let Some(inner_chunk) = &self.inner_chunk {
            let index_codecs = json!([{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]);
            codecs = json!([{
                "name": "sharding_indexed",
                "configuration": {
                    "chunk_shape": inner_chunk,
                    "codecs": codecs,
                    "index_codecs": index_codecs,
                    "index_location": "end",
                },
            }]);
        }
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": data_type,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunk}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": fill_value,
            "codecs": codecs,
            "attributes": self.attributes,
            "dimension_names": self.axes,
        })
    }
}
