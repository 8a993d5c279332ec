//! Writes CZI files, plane by plane, in constant memory.
//!
//! A CZI is a chain of segments, each with a 16-byte name, its allocated and its used size, aligned to 32 bytes: the
//! file header, one subblock per plane, then the metadata and the directory of all subblocks, whose places the header
//! gives (Zeiss, *ZISRAW (CZI) file format*, design specification). Each scene lies at its own place of the
//! mosaic, one tile per plane, so that readers tell scenes apart by their rectangles.
//!
//! The file is written under a temporary name beside its final one and renamed when it is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::Serialize;

use super::czi_metadata;
use super::error::SimulateError;

/// Bytes of a segment's header.
const SEGMENT_HEADER: u64 = 32;

/// Size of the file header's data.
const FILE_HEADER: usize = 512;

/// Bytes before a subblock's metadata, unless its directory entry is longer.
const SUBBLOCK_HEADER: usize = 256;

/// Level of zstd: the fastest of the ordinary ones, as camera noise hardly compresses further.
const ZSTD_LEVEL: i32 = 1;

/// How the pixels of a plane are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// As they are.
    Raw,
    /// zstd after separating low and high bytes ("zstd1").
    Zstd1,
}

/// Pixel type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelType {
    /// 8 bits; planes must not exceed 255.
    Gray8,
    /// 16 bits.
    Gray16,
}

/// What a CZI file holds: its planes are all combinations of scene, time, channel and z.
#[derive(Debug, Clone)]
pub struct CziLayout {
    /// Height and width of each scene, px.
    pub scenes: Vec<(u32, u32)>,
    /// Names of the channels.
    pub channels: Vec<String>,
    /// Number of time points.
    pub frames: u32,
    /// Number of z planes.
    pub slices: u32,
    /// Pixel type of all planes.
    pub pixel_type: PixelType,
    /// Compression of all planes.
    pub compression: Compression,
    /// Edge of a pixel, µm.
    pub pixel_size_um: f64,
    /// Time between two frames, s.
    pub frame_interval_s: f64,
}

/// Place of a plane in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaneIndex {
    /// Scene.
    pub scene: u32,
    /// Time point.
    pub frame: u32,
    /// Channel.
    pub channel: u32,
    /// z plane.
    pub slice: u32,
}

/// A plane ready to be written; encoding can run on any thread.
#[derive(Debug, Clone)]
pub struct EncodedPlane {
    size: (u32, u32),
    bytes: Vec<u8>,
}

/// A CZI file being written.
#[derive(Debug)]
pub struct CziWriter {
    layout: CziLayout,
    path: PathBuf,
    partial: PartialFile,
    output: BufWriter<File>,
    position: u64,
    /// Directory entries of the planes written so far, one after another.
    directory: Vec<u8>,
    written: Vec<bool>,
}

/// A temporary file that is removed unless it gets its final name.
#[derive(Debug)]
struct PartialFile {
    path: Option<PathBuf>,
}

impl CziLayout {
    /// Top-left corner (y, x) of each scene on the mosaic, px: a square grid with gaps.
    pub fn scene_origins(&self) -> Vec<(u32, u32)> {
        let columns = (self.scenes.len() as f64).sqrt().ceil().max(1.0) as u32;
        let tallest = self.scenes.iter().map(|size| size.0).max().unwrap_or(0);
        let widest = self.scenes.iter().map(|size| size.1).max().unwrap_or(0);
        let (step_y, step_x) = (tallest + tallest / 4 + 16, widest + widest / 4 + 16);
        (0..self.scenes.len() as u32).map(|scene| (scene / columns * step_y, scene % columns * step_x)).collect()
    }

    /// Number of planes.
    pub fn planes(&self) -> usize {
        let per_scene = self.frames as usize * self.channels.len() * self.slices as usize;
        self.scenes.len() * per_scene
    }

    /// Encodes an image as a plane of such a file.
    ///
    /// # Errors
    /// [`io::Error`] if the image exceeds 8 bits in a [`PixelType::Gray8`] layout, or if zstd fails.
    pub fn encode(&self, image: &Array2<u16>) -> io::Result<EncodedPlane> {
        let size = (image.nrows() as u32, image.ncols() as u32);
        let packed = self.compression == Compression::Zstd1;
        let pixels = match self.pixel_type {
            PixelType::Gray8 => narrow(image)?,
            PixelType::Gray16 if packed => separate_bytes(image),
            PixelType::Gray16 => image.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        let bytes = match (self.compression, self.pixel_type) {
            (Compression::Raw, _) => pixels,
            // A zstd1 plane begins with the size of its header and, in chunk 1, whether bytes are separated.
            (Compression::Zstd1, PixelType::Gray8) => compress(&[1], &pixels)?,
            (Compression::Zstd1, PixelType::Gray16) => compress(&[3, 1, 1], &pixels)?,
        };
        Ok(EncodedPlane { size, bytes })
    }

    /// Running number of a plane, if the layout has it.
    fn number(&self, index: PlaneIndex) -> Option<usize> {
        let bounds = [
            (index.scene, self.scenes.len()),
            (index.frame, self.frames as usize),
            (index.channel, self.channels.len()),
            (index.slice, self.slices as usize),
        ];
        let mut number = 0;
        for (position, length) in bounds {
            if position as usize >= length {
                return None;
            }
            number = number * length + position as usize;
        }
        Some(number)
    }

    /// Directory entry of a plane whose subblock begins at `position`: pixel type, place in the file, compression and
    /// dimensions, in the "DV" form.
    fn directory_entry(&self, index: PlaneIndex, position: u64) -> Vec<u8> {
        let (y, x) = self.scene_origins()[index.scene as usize];
        let (height, width) = self.scenes[index.scene as usize];
        let mut dimensions = vec![("X", x, width), ("Y", y, height)];
        if self.slices > 1 {
            dimensions.push(("Z", index.slice, 1));
        }
        dimensions.push(("C", index.channel, 1));
        dimensions.push(("T", index.frame, 1));
        dimensions.push(("S", index.scene, 1));

        let mut entry = Vec::with_capacity(32 + 20 * dimensions.len());
        entry.extend(b"DV");
        let pixel_type: i32 = match self.pixel_type {
            PixelType::Gray8 => 0,
            PixelType::Gray16 => 1,
        };
        entry.extend(pixel_type.to_le_bytes());
        entry.extend(position.to_le_bytes());
        entry.extend(0i32.to_le_bytes());
        let compression: i32 = match self.compression {
            Compression::Raw => 0,
            Compression::Zstd1 => 6,
        };
        entry.extend(compression.to_le_bytes());
        entry.extend([0; 6]);
        entry.extend((dimensions.len() as i32).to_le_bytes());
        for (name, start, size) in dimensions {
            let mut padded_name = [0; 4];
            padded_name[..name.len()].copy_from_slice(name.as_bytes());
            entry.extend(padded_name);
            entry.extend(start.to_le_bytes());
            entry.extend(size.to_le_bytes());
            entry.extend((start as f32).to_le_bytes());
            entry.extend(size.to_le_bytes());
        }
        entry
    }
}

impl CziWriter {
    /// Begins a file that will be at `path` once it is whole.
    ///
    /// # Errors
    /// [`SimulateError::Io`] if no file can be made in that folder.
    pub fn create(path: &Path, layout: CziLayout) -> Result<Self, SimulateError> {
        let partial_path = partial_path(path);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&partial_path)
            .map_err(SimulateError::io("create", &partial_path))?;
        let mut writer = Self {
            path: path.to_path_buf(),
            partial: PartialFile { path: Some(partial_path) },
            output: BufWriter::with_capacity(1 << 20, file),
            position: 0,
            directory: Vec::new(),
            written: vec![false; layout.planes()],
            layout,
        };
        let placeholder = [0; FILE_HEADER];
        writer.write_segment(b"ZISRAWFILE", &[&placeholder])?;
        Ok(writer)
    }

    /// Encodes and writes one plane.
    ///
    /// # Errors
    /// As [`CziWriter::write_encoded`], and [`SimulateError::Io`] if the plane cannot be encoded.
    pub fn write_plane(&mut self, index: PlaneIndex, image: &Array2<u16>) -> Result<(), SimulateError> {
        let encoded = self.layout.encode(image);
        let encoded = encoded.map_err(SimulateError::io("encode a plane of", &self.path))?;
        self.write_encoded(index, &encoded)
    }

    /// Writes one encoded plane. Planes may come in any order.
    ///
    /// # Errors
    /// [`SimulateError::Plane`] if the layout has no such plane, if it is there already, or if its size is not that of
    /// its scene; [`SimulateError::Io`] if the disk does not take it.
    pub fn write_encoded(&mut self, index: PlaneIndex, plane: &EncodedPlane) -> Result<(), SimulateError> {
        let Some(number) = self.layout.number(index) else {
            return Err(self.plane_error(index, "the layout has no such plane".into()));
        };
        if self.written[number] {
            return Err(self.plane_error(index, "it has been written already".into()));
        }
        let scene_size = self.layout.scenes[index.scene as usize];
        if plane.size != scene_size {
            let problem =
                format!("it has {} x {} px, its scene {} x {}", plane.size.0, plane.size.1, scene_size.0, scene_size.1);
            return Err(self.plane_error(index, problem));
        }
        let entry = self.layout.directory_entry(index, self.position);
        let mut head = Vec::with_capacity(SUBBLOCK_HEADER);
        head.extend(0i32.to_le_bytes()); // no metadata
        head.extend(0i32.to_le_bytes()); // no attachment
        head.extend((plane.bytes.len() as u64).to_le_bytes());
        head.extend(&entry);
        head.resize(head.len().max(SUBBLOCK_HEADER), 0);
        self.write_segment(b"ZISRAWSUBBLOCK", &[&head, &plane.bytes])?;
        self.directory.extend(entry);
        self.written[number] = true;
        Ok(())
    }

    /// Completes the file and gives it its name. Returns its size in bytes.
    ///
    /// # Errors
    /// [`SimulateError::Plane`] if planes are missing; [`SimulateError::Io`] if the disk does not take the rest.
    pub fn finish(mut self) -> Result<u64, SimulateError> {
        let missing = self.written.iter().filter(|&&written| !written).count();
        if missing > 0 {
            return Err(SimulateError::Plane {
                path: self.path.clone(),
                plane: "after the last".into(),
                problem: format!("{missing} of {} planes were never written", self.written.len()),
            });
        }
        let metadata_position = self.position;
        let xml = czi_metadata::xml(&self.layout);
        let mut head = [0; 256];
        head[..4].copy_from_slice(&(xml.len() as u32).to_le_bytes());
        self.write_segment(b"ZISRAWMETADATA", &[&head, xml.as_bytes()])?;

        let directory_position = self.position;
        let directory = std::mem::take(&mut self.directory);
        let mut head = [0; 128];
        head[..4].copy_from_slice(&(self.written.len() as u32).to_le_bytes());
        self.write_segment(b"ZISRAWDIRECTORY", &[&head, &directory])?;
        let size = self.position;

        let header = file_header(&xml, directory_position, metadata_position);
        let rewound = self.output.seek(SeekFrom::Start(0));
        rewound.map_err(SimulateError::io("write", &self.path))?;
        self.position = 0;
        self.write_segment(b"ZISRAWFILE", &[&header])?;
        let flushed = self.output.flush();
        flushed.map_err(SimulateError::io("write", &self.path))?;
        let synced = self.output.get_ref().sync_all();
        synced.map_err(SimulateError::io("write", &self.path))?;
        self.partial.persist(&self.path)?;
        Ok(size)
    }

    /// Writes one segment: its header, its parts, and zeros up to the next multiple of 32 bytes.
    fn write_segment(&mut self, name: &[u8], parts: &[&[u8]]) -> Result<(), SimulateError> {
        let used: u64 = parts.iter().map(|part| part.len() as u64).sum();
        let allocated = used.next_multiple_of(32);
        let mut header = [0; SEGMENT_HEADER as usize];
        header[..name.len()].copy_from_slice(name);
        header[16..24].copy_from_slice(&allocated.to_le_bytes());
        header[24..32].copy_from_slice(&used.to_le_bytes());
        let padding = [0; 32];
        let mut write_all = || -> io::Result<()> {
            self.output.write_all(&header)?;
            for part in parts {
                self.output.write_all(part)?;
            }
            self.output.write_all(&padding[..(allocated - used) as usize])
        };
        write_all().map_err(SimulateError::io("write", &self.path))?;
        self.position += SEGMENT_HEADER + allocated;
        Ok(())
    }

    fn plane_error(&self, index: PlaneIndex, problem: String) -> SimulateError {
        let PlaneIndex { scene, frame, channel, slice } = index;
        SimulateError::Plane {
            path: self.path.clone(),
            plane: format!("S {scene}, T {frame}, C {channel}, Z {slice}"),
            problem,
        }
    }
}

impl PartialFile {
    fn persist(&mut self, path: &Path) -> Result<(), SimulateError> {
        if let Some(partial) = &self.path {
            fs::rename(partial, path).map_err(SimulateError::io("rename a finished file to", path))?;
        }
        self.path = None;
        Ok(())
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Nothing more can be done if removing fails as well; the name says what the file is.
            let _ = fs::remove_file(path);
        }
    }
}

/// The hidden temporary name beside `path`; processes do not share it.
fn partial_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.partial", std::process::id()))
}

/// The data of the file header: version 1.0, two identifiers, and the places of directory and metadata.
fn file_header(xml: &str, directory: u64, metadata: u64) -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[0..4].copy_from_slice(&1u32.to_le_bytes());
    let identifier = identifier(xml, directory);
    header[16..32].copy_from_slice(&identifier);
    header[32..48].copy_from_slice(&identifier);
    header[52..60].copy_from_slice(&directory.to_le_bytes());
    header[60..68].copy_from_slice(&metadata.to_le_bytes());
    header
}

/// A file identifier made of the file's content, so that equal simulations give equal bytes (FNV-1a, 128 bits).
fn identifier(xml: &str, directory: u64) -> [u8; 16] {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in xml.bytes().chain(directory.to_le_bytes()) {
        hash ^= u128::from(byte);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    hash.to_le_bytes()
}

/// 16-bit pixels as 8-bit ones.
fn narrow(image: &Array2<u16>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(image.len());
    for &value in image {
        let byte = u8::try_from(value).map_err(|_| {
            let message = format!("the pixel value {value} does not fit into 8 bits");
            io::Error::new(io::ErrorKind::InvalidInput, message)
        })?;
        bytes.push(byte);
    }
    Ok(bytes)
}

/// All low bytes, then all high bytes.
fn separate_bytes(image: &Array2<u16>) -> Vec<u8> {
    let low = image.iter().map(|value| *value as u8);
    let high = image.iter().map(|value| (value >> 8) as u8);
    low.chain(high).collect()
}

/// `header`, then `bytes` as one zstd frame.
fn compress(header: &[u8], bytes: &[u8]) -> io::Result<Vec<u8>> {
    let compressed = zstd::bulk::compress(bytes, ZSTD_LEVEL)?;
    Ok([header, &compressed].concat())
}
