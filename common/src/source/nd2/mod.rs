//! Nikon ND2, versions 2 and 3.
//!
//! A file is a heap of named chunks and a map of them at its end (`chunk_map`). Metadata are trees of named values (`clx`,
//! `clx_xml`): how frames are stored (`attributes`), the loops of the acquisition (`experiment`), channels and pixel size
//! (`picture`). From the loops follows which frame holds which FOV, time point and Z plane (`sequence`). A frame is a
//! time stamp of eight bytes and the pixels of all channels, interleaved, with rows that may be padded; as they are, or as one
//! zlib stream.
//!
//! Choices where the format leaves some:
//! - A missing axis has size 1. A file without loops is a movie of as many time points as it has frames.
//! - An acquisition that was stopped is a shorter movie: see `sequence`.
//! - Positions that were unticked before the acquisition have no frames and get no ID.
//! - The frame interval is the planned period, else the measured one, else the mean of the time stamps.
//! - A frame that is missing or too short is an error that names the plane. Nikon's and other readers give zeros.

mod attributes;
mod chunk_map;
mod clx;
mod clx_xml;
mod experiment;
mod picture;
mod sequence;

use std::io::Read;

use flate2::read::ZlibDecoder;
use ndarray::Array2;

pub(super) use self::chunk_map::CHUNK_MAGIC;

use self::attributes::{Attributes, Compression};
use self::chunk_map::ChunkMap;
use self::clx::Document;
use self::experiment::{Axis, Loop};
use self::picture::Picture;
use self::sequence::Sequence;
use super::error::SourceError;
use super::identity::identity;
use super::info::{FovInfo, PlaneIndex, SourceFormat, SourceInfo};
use super::little_endian::f64_at;
use super::pixels::{PixelLayout, copy_pixels};
use super::range_reader::{RangeRead, read_range};
use super::{Source, check_plane, file_name};

/// Bytes of the time stamp before a frame's pixels.
const TIME_STAMP_BYTES: u64 = 8;

/// Bytes that one byte of zlib can stand for, at most.
const MAX_ZLIB_RATIO: u64 = 1032;

/// An opened ND2 file.
pub struct Nd2Source {
    reader: Box<dyn RangeRead>,
    info: SourceInfo,
    map: ChunkMap,
    attributes: Attributes,
    sequence: Sequence,
    /// The frame read last: its channels are asked for one after the other.
    last_frame: Option<(u32, Vec<u8>)>,
}

impl Nd2Source {
    /// Reads the file's map and metadata.
    ///
    /// # Errors
    /// Any [`SourceError`] but `OutOfRange` and `MissingPlane`.
    pub fn open(reader: Box<dyn RangeRead>) -> Result<Self, SourceError> {
        let map = ChunkMap::read(reader.as_ref())?;
        let attributes_document = map
            .read_document(reader.as_ref(), &["ImageAttributesLV!", "ImageAttributes!"])?
            .ok_or_else(|| SourceError::Corrupt {
                location: reader.location().to_string(),
                what: "the chunk map".to_string(),
                offset: 0,
                detail: "it lists no chunk ImageAttributesLV! or ImageAttributes!".to_string(),
            })?;
        let attributes = Attributes::parse(&attributes_document)?;
        check_sizes(reader.as_ref(), &map, &attributes, &attributes_document)?;

        let experiment = map.read_document(reader.as_ref(), &["ImageMetadataLV!", "ImageMetadata!"])?;
        let loops = experiment.as_ref().map_or(Ok(Vec::new()), experiment::parse)?;
        let sequence = Sequence::new(&attributes, &loops, &attributes_document)?;

        let picture_document = map.read_document(reader.as_ref(), &["ImageMetadataSeqLV|0!", "ImageMetadataSeq|0!"])?;
        let picture = Picture::parse(picture_document.as_ref(), &attributes_document, attributes.components)?;

        let frame_interval_s = frame_interval_s(reader.as_ref(), &map, &loops, &sequence)?;
        let info = SourceInfo {
            format: SourceFormat::Nd2,
            name: file_name(reader.location()),
            size_bytes: reader.len(),
            identity: identity(reader.as_ref())?,
            fovs: fovs(&attributes, &loops, &sequence),
            channels: picture.channels,
            frames: sequence.frames,
            z_planes: sequence.z_planes,
            pixel_type: attributes.pixel_type.name().to_string(),
            bits_significant: attributes.bits_significant,
            pixel_size_um: picture.pixel_size_um.map(|size| [size, size]),
            frame_interval_s,
            compression: match attributes.compression {
                Compression::None => "none".to_string(),
                Compression::Zlib => "zlib".to_string(),
            },
        };
        Ok(Self { reader, info, map, attributes, sequence, last_frame: None })
    }

    /// The decoded bytes of a whole frame, all channels.
    fn read_frame(&self, number: u32, plane: PlaneIndex) -> Result<Vec<u8>, SourceError> {
        let Some(offset) = self.map.frame_offset(number) else {
            return Err(SourceError::MissingPlane {
                location: self.reader.location().to_string(),
                plane,
                detail: format!("the chunk map lists no ImageDataSeq|{number}!"),
            });
        };
        let reader = self.reader.as_ref();
        let data = self.map.frame_data(reader, number, offset)?;
        let what = format!("frame ImageDataSeq|{number}! ({plane})");
        let corrupt = |detail: String| SourceError::Corrupt {
            location: reader.location().to_string(),
            what: what.clone(),
            offset,
            detail,
        };
        let frame_bytes = self.attributes.frame_bytes();
        let stored_bytes = data.length.saturating_sub(TIME_STAMP_BYTES);
        let pixels_offset = data.offset + TIME_STAMP_BYTES;
        match self.attributes.compression {
            Compression::None => {
                if stored_bytes < frame_bytes {
                    return Err(corrupt(format!("it holds {stored_bytes} bytes of pixels; expected {frame_bytes}")));
                }
                read_range(reader, pixels_offset, frame_bytes, &what)
            }
            Compression::Zlib => {
                if frame_bytes / MAX_ZLIB_RATIO > stored_bytes {
                    return Err(corrupt(format!(
                        "{stored_bytes} bytes of zlib cannot hold the {frame_bytes} bytes of a frame"
                    )));
                }
                let compressed = read_range(reader, pixels_offset, stored_bytes, &what)?;
                inflate(&compressed, frame_bytes).map_err(corrupt)
            }
        }
    }
}

impl Source for Nd2Source {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn read_plane(&mut self, plane: PlaneIndex) -> Result<Array2<u16>, SourceError> {
        let position = check_plane(&self.info, plane)?;
        let number = self.sequence.number(position as u32, plane.frame, plane.z);
        let number = u32::try_from(number).map_err(|_| SourceError::MissingPlane {
            location: self.reader.location().to_string(),
            plane,
            detail: format!("it would be frame {number}, and the file states {}", self.attributes.sequence_count),
        })?;
        let frame = match self.last_frame.take() {
            Some((last_number, frame)) if last_number == number => frame,
            _ => self.read_frame(number, plane)?,
        };
        let attributes = &self.attributes;
        let sample_bytes = attributes.pixel_type.bytes();
        let layout = PixelLayout {
            first: plane.channel as usize * sample_bytes,
            pixel_step: attributes.components as usize * sample_bytes,
            // Fits: a frame of that many rows was held in memory.
            row_step: attributes.row_bytes as usize,
        };
        let mut pixels = Array2::zeros((attributes.height as usize, attributes.width as usize));
        copy_pixels(&frame, attributes.pixel_type, layout, pixels.view_mut()).ok_or_else(|| SourceError::Corrupt {
            location: self.reader.location().to_string(),
            what: format!("frame ImageDataSeq|{number}! ({plane})"),
            offset: self.map.frame_offset(number).unwrap_or(0),
            detail: format!("its {} bytes end before the last pixel", frame.len()),
        })?;
        self.last_frame = Some((number, frame));
        Ok(pixels)
    }
}

/// Holds what the attributes state against the file, before anything is sized after them.
fn check_sizes(
    reader: &dyn RangeRead,
    map: &ChunkMap,
    attributes: &Attributes,
    document: &Document,
) -> Result<(), SourceError> {
    let ratio = match attributes.compression {
        Compression::None => 1,
        Compression::Zlib => MAX_ZLIB_RATIO,
    };
    let most = reader.len().saturating_mul(ratio);
    if attributes.frame_bytes() > most {
        return Err(document.corrupt(format!(
            "a frame of {} x {} pixels and {} components takes {} bytes; the whole file has {}",
            attributes.width,
            attributes.height,
            attributes.components,
            attributes.frame_bytes(),
            reader.len()
        )));
    }
    let listed = map.frame_count() as u64;
    if u64::from(attributes.sequence_count) > 2 * listed {
        return Err(document.corrupt(format!(
            "the file states {} frames (uiSequenceCount), but its chunk map lists {listed}",
            attributes.sequence_count
        )));
    }
    Ok(())
}

fn fovs(attributes: &Attributes, loops: &[Loop], sequence: &Sequence) -> Vec<FovInfo> {
    let names =
        loops.iter().find(|step| step.axis == Axis::Position).map(|step| step.names.as_slice()).unwrap_or_default();
    (0..sequence.positions)
        .map(|id| FovInfo {
            id,
            name: names.get(id as usize).cloned().flatten(),
            height: attributes.height,
            width: attributes.width,
        })
        .collect()
}

/// The time loop's period, or the mean distance of the first FOV's time stamps (a table of milliseconds, one per frame).
fn frame_interval_s(
    reader: &dyn RangeRead,
    map: &ChunkMap,
    loops: &[Loop],
    sequence: &Sequence,
) -> Result<Option<f64>, SourceError> {
    if sequence.frames < 2 {
        return Ok(None);
    }
    let period_ms = loops.iter().find(|step| step.axis == Axis::Time).and_then(|step| step.period_ms);
    if let Some(period_ms) = period_ms {
        return Ok(Some(period_ms / 1000.0));
    }
    let Some((_, _, table)) = map.read_first(reader, &["CustomData|AcqTimesCache!"])? else {
        return Ok(None);
    };
    let time_ms = |frame: u32| {
        let index = usize::try_from(sequence.number(0, frame, 0)).ok()?;
        f64_at(&table, index.checked_mul(8)?)
    };
    let last_frame = sequence.frames - 1;
    let (Some(first_ms), Some(last_ms)) = (time_ms(0), time_ms(last_frame)) else {
        return Ok(None);
    };
    let interval_s = (last_ms - first_ms) / f64::from(last_frame) / 1000.0;
    Ok((interval_s.is_finite() && interval_s > 0.0).then_some(interval_s))
}

/// Decompresses exactly `expected` bytes; the error says what came instead.
fn inflate(compressed: &[u8], expected: u64) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::new();
    ZlibDecoder::new(compressed)
        .take(expected.saturating_add(1))
        .read_to_end(&mut decoded)
        .map_err(|error| format!("its zlib data is damaged after {} of {expected} bytes: {error}", decoded.len()))?;
    if decoded.len() as u64 == expected {
        return Ok(decoded);
    }
    let relation = if decoded.len() as u64 > expected { "more than" } else { "only" };
    let found = expected.min(decoded.len() as u64);
    Err(format!("it decompresses to {relation} {found} bytes; expected {expected}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::write::ZlibEncoder;

    use super::*;

    #[test]
    fn a_frame_must_decompress_to_its_exact_length() {
        let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[5; 1000]).unwrap();
        let compressed = encoder.finish().unwrap();
        assert_eq!(inflate(&compressed, 1000).unwrap(), [5; 1000]);
        assert_eq!(inflate(&compressed, 999).unwrap_err(), "it decompresses to more than 999 bytes; expected 999");
        assert_eq!(inflate(&compressed, 1001).unwrap_err(), "it decompresses to only 1000 bytes; expected 1001");
        assert!(inflate(&compressed[..compressed.len() - 6], 1000).is_err());
        assert!(inflate(b"not zlib", 1000).unwrap_err().contains("damaged after 0 of 1000 bytes"));
    }
}
