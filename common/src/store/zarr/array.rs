//! Arrays, written and read by the chunk or by the frame.

use std::marker::PhantomData;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, s};
use serde_json::{Value, json};
use zarrs::array::{Array, ArrayError, CodecOptions, Element, ElementOwned};
use zarrs::metadata::ArrayMetadata;

use super::adapter::Adapter;
use super::group::{read_document, write_document};
use super::{ArraySpec, ZarrError};
use crate::store::BlockingStore;

/// The types of sample that arrays hold.
pub trait Sample: Element + ElementOwned + Copy + Default + Send + Sync {
    /// The data type's name in Zarr.
    const DATA_TYPE: &'static str;

    /// What a missing chunk would stand for in other readers.
    fn fill_value() -> Value;
}

macro_rules! sample {
    ($($kind:ty => $name:literal, $fill:expr;)*) => {$(
        impl Sample for $kind {
            const DATA_TYPE: &'static str = $name;

            fn fill_value() -> Value {
                json!($fill)
            }
        }
    )*};
}

sample! {
    bool => "bool", false;
    u8 => "uint8", 0;
    u16 => "uint16", 0;
    i32 => "int32", 0;
    f32 => "float32", 0.0;
}

/// An array in the store.
pub struct ZarrArray<T> {
    key: String,
    adapter: Arc<Adapter>,
    array: Array<Adapter>,
    chunk: Vec<u64>,
    options: CodecOptions,
    sample: PhantomData<T>,
}

impl<T: Sample> ZarrArray<T> {
    /// Writes the metadata of a new array. Chunks that an older one left are the caller's to delete first.
    ///
    /// # Errors
    /// Where the store can't be written.
    pub fn create(store: &BlockingStore, key: &str, spec: &ArraySpec) -> Result<Self, ZarrError> {
        let document = spec.document(T::DATA_TYPE, size_of::<T>(), &T::fill_value());
        let array = Self::from_document(store, key, &document)?;
        write_document(store, key, &document)?;
        Ok(array)
    }

    /// Opens an array.
    ///
    /// # Errors
    /// Where it isn't there, or holds another type of sample.
    pub fn open(store: &BlockingStore, key: &str) -> Result<Self, ZarrError> {
        let document = read_document(store, key)?;
        let data_type = &document["data_type"];
        if data_type != T::DATA_TYPE {
            let reason = format!("its data type is {data_type}, expected {:?}", T::DATA_TYPE);
            return Err(ZarrError::Damaged { place: key.to_owned(), reason });
        }
        Self::from_document(store, key, &document)
    }

    fn from_document(store: &BlockingStore, key: &str, document: &Value) -> Result<Self, ZarrError> {
        let damaged = |reason: String| ZarrError::Damaged { place: key.to_owned(), reason };
        let metadata: ArrayMetadata =
            serde_json::from_value(document.clone()).map_err(|error| damaged(format!("not a Zarr array: {error}")))?;
        let adapter = Arc::new(Adapter::new(store.clone()));
        let array = Array::new_with_metadata(Arc::clone(&adapter), &format!("/{key}"), metadata)
            .map_err(|error| damaged(error.to_string()))?;
        let origin = vec![0; array.dimensionality()];
        let chunk = array.chunk_shape(&origin).map_err(|error| damaged(error.to_string()))?;
        let chunk = chunk.iter().map(|length| length.get()).collect();
        let options = CodecOptions::default().with_concurrent_target(1).with_store_empty_chunks(true);
        Ok(Self { key: key.to_owned(), adapter, array, chunk, options, sample: PhantomData })
    }

    /// The array's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Elements along each axis.
    pub fn shape(&self) -> &[u64] {
        self.array.shape()
    }

    /// Elements of a chunk along each axis.
    pub fn chunk_shape(&self) -> &[u64] {
        &self.chunk
    }

    /// The shape of a movie.
    ///
    /// # Errors
    /// Where the array hasn't three axes.
    pub fn movie_shape(&self) -> Result<[usize; 3], ZarrError> {
        match *self.shape() {
            [frames, height, width] => Ok([frames as usize, height as usize, width as usize]),
            ref shape => {
                let reason = format!("its shape is {shape:?}, expected (T, H, W)");
                Err(ZarrError::Damaged { place: self.key.clone(), reason })
            }
        }
    }

    /// Writes one chunk; at the array's end it reaches beyond the shape and is padded by the caller.
    ///
    /// # Errors
    /// Where the store can't be written, or the number of samples isn't a chunk's.
    pub fn write_chunk(&self, index: &[u64], samples: &[T]) -> Result<(), ZarrError> {
        self.array.store_chunk_opt(index, samples, &self.options).map_err(|error| self.error(&error))
    }

    /// Reads one chunk.
    ///
    /// # Errors
    /// Where the store can't be read, the chunk isn't there, or can't be decoded.
    pub fn read_chunk(&self, index: &[u64]) -> Result<Vec<T>, ZarrError> {
        match self.array.retrieve_chunk_if_exists_opt::<Vec<T>>(index, &self.options) {
            Ok(Some(samples)) => Ok(samples),
            Ok(None) => Err(ZarrError::MissingChunk { array: self.key.clone(), index: index.to_vec() }),
            Err(error) => Err(match self.adapter.take_error() {
                Some(error) => ZarrError::Store(error),
                None => {
                    let (array, index, reason) = (self.key.clone(), index.to_vec(), error.to_string());
                    ZarrError::DamagedChunk { array, index, reason }
                }
            }),
        }
    }

    /// Writes a frame of a movie whose chunks are one frame long.
    ///
    /// # Errors
    /// As [`Self::write_chunk`].
    pub fn write_frame(&self, t: usize, frame: ArrayView2<T>) -> Result<(), ZarrError> {
        let (tile_height, tile_width) = self.tile()?;
        let (height, width) = frame.dim();
        for (row, y) in (0..height).step_by(tile_height).enumerate() {
            for (column, x) in (0..width).step_by(tile_width).enumerate() {
                let index = [t as u64, row as u64, column as u64];
                let part = frame.slice(s![y..height.min(y + tile_height), x..width.min(x + tile_width)]);
                if let (true, Some(samples)) = (part.dim() == (tile_height, tile_width), part.as_slice()) {
                    self.write_chunk(&index, samples)?;
                    continue;
                }
                let mut tile = Array2::from_elem((tile_height, tile_width), T::default());
                tile.slice_mut(s![..part.nrows(), ..part.ncols()]).assign(&part);
                self.write_chunk(&index, &tile.into_raw_vec_and_offset().0)?;
            }
        }
        Ok(())
    }

    /// Reads a frame of a movie whose chunks are one frame long.
    ///
    /// # Errors
    /// As [`Self::read_chunk`].
    pub fn read_frame(&self, t: usize) -> Result<Array2<T>, ZarrError> {
        let [_, height, width] = self.movie_shape()?;
        let (tile_height, tile_width) = self.tile()?;
        let tile_at = |row: usize, column: usize| -> Result<Array2<T>, ZarrError> {
            let samples = self.read_chunk(&[t as u64, row as u64, column as u64])?;
            Array2::from_shape_vec((tile_height, tile_width), samples).map_err(|error| ZarrError::Damaged {
                place: self.key.clone(),
                reason: format!("a chunk of {tile_height} × {tile_width} was expected: {error}"),
            })
        };
        if (tile_height, tile_width) == (height, width) {
            return tile_at(0, 0);
        }
        let mut frame = Array2::from_elem((height, width), T::default());
        for (row, y) in (0..height).step_by(tile_height).enumerate() {
            for (column, x) in (0..width).step_by(tile_width).enumerate() {
                let tile = tile_at(row, column)?;
                let (rows, columns) = (tile_height.min(height - y), tile_width.min(width - x));
                frame.slice_mut(s![y..y + rows, x..x + columns]).assign(&tile.slice(s![..rows, ..columns]));
            }
        }
        Ok(frame)
    }

    /// Height and width of a chunk of a movie whose chunks are one frame long.
    fn tile(&self) -> Result<(usize, usize), ZarrError> {
        match *self.chunk {
            [1, height, width] => Ok((height as usize, width as usize)),
            _ => {
                let reason = format!("its chunks are {:?}, expected one frame each", self.chunk);
                Err(ZarrError::Damaged { place: self.key.clone(), reason })
            }
        }
    }

    fn error(&self, error: &ArrayError) -> ZarrError {
        match self.adapter.take_error() {
            Some(error) => ZarrError::Store(error),
            None => ZarrError::Damaged { place: self.key.clone(), reason: error.to_string() },
        }
    }
}
