//! The subblock directory: which piece of which plane lies where.
//!
//! An entry has 32 bytes (schema `DV`, pixel type, position, file part, codec, pyramid flag, number of dimensions) and 20 for
//! each dimension (its letter, start, size, start as a coordinate, stored size). The sorted table takes 48 bytes per
//! subblock: 180 000 of them, 500 scenes of 180 frames and 2 channels, take 9 MB, and a plane is found by binary search.

use std::collections::BTreeMap;

use super::codec::Codec;
use super::segment::{self, Segment, corrupt};
use crate::source::error::SourceError;
use crate::source::little_endian::{array_at, i32_at, u64_at};
use crate::source::pixels::PixelType;
use crate::source::range_reader::{RangeRead, check_range, read_range};

const MAGIC: &[u8; 16] = b"ZISRAWDIRECTORY\0";
const FIXED_BYTES: u64 = 128;
/// Bytes of an entry before its dimensions.
pub(super) const ENTRY_BYTES: usize = 32;
/// Bytes of a dimension.
pub(super) const DIMENSION_BYTES: usize = 20;

/// Largest directory, enough for more than a million subblocks.
const MAX_DIRECTORY_BYTES: u64 = 256 * 1024 * 1024;
const MAX_DIMENSIONS: usize = 32;
/// Header of a subblock's segment, and of the subblock at its shortest.
const MIN_SUBBLOCK_BYTES: u64 = segment::HEADER_BYTES + 256;
/// Largest plane that is composed: 16384 x 16384 pixels.
const MAX_PLANE_PIXELS: u64 = 1 << 28;

/// A subblock in full resolution: the whole of a plane, or a tile of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tile {
    pub(super) scene: i32,
    pub(super) time: i32,
    pub(super) channel: i32,
    pub(super) z: i32,
    /// Place in the order of drawing: higher ones lie on top.
    pub(super) mosaic: i32,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) position: u64,
    pub(super) pixel_type: PixelType,
    pub(super) codec: Codec,
}

impl Tile {
    fn plane(&self) -> (i32, i32, i32, i32) {
        (self.scene, self.time, self.channel, self.z)
    }

    /// Bytes of the decoded pixels; below 2⁶⁴, as sizes are positive `i32`.
    pub(super) fn pixel_bytes(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * self.pixel_type.bytes() as u64
    }
}

/// The box around a scene's tiles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Scene {
    /// The file's index of the scene.
    pub(super) index: u32,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// The values that an axis takes: `count` of them from `first` on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) first: i32,
    pub(super) count: u32,
}

/// The file's tiles and what follows from them.
#[derive(Debug)]
pub(super) struct Directory {
    tiles: Vec<Tile>,
    pub(super) scenes: Vec<Scene>,
    pub(super) time: Axis,
    pub(super) channel: Axis,
    pub(super) z: Axis,
}

impl Directory {
    /// Reads and checks the directory at `offset`.
    pub(super) fn read(reader: &dyn RangeRead, offset: u64) -> Result<Self, SourceError> {
        let what = "the subblock directory";
        let segment = segment::read_segment(reader, offset, MAGIC, what)?;
        let bytes = read_entries(reader, segment, what)?;
        let mut parser =
            Parser { reader, offset, extra_dimensions: BTreeMap::new(), has_scenes: None, tiles: Vec::new() };
        let count = i32_at(&bytes, 0).unwrap_or(0);
        let mut rest = bytes.get(FIXED_BYTES as usize..).unwrap_or_default();
        for index in 0..count {
            let length = parser.entry(rest, index)?;
            rest = rest.get(length..).unwrap_or_default();
        }
        let mut tiles = parser.tiles;
        // Stable, so that tiles without a place in the drawing order keep the directory's.
        tiles.sort_by_key(|tile| (tile.plane(), tile.mosaic));
        Self::from_tiles(tiles).map_err(|detail| corrupt(reader, what, offset, detail))
    }

    fn from_tiles(tiles: Vec<Tile>) -> Result<Self, String> {
        Ok(Self {
            scenes: scenes(&tiles)?,
            time: axis(&tiles, "time (T)", |tile| tile.time)?,
            channel: axis(&tiles, "channel (C)", |tile| tile.channel)?,
            z: axis(&tiles, "z (Z)", |tile| tile.z)?,
            tiles,
        })
    }

    /// All tiles.
    pub(super) fn tiles(&self) -> &[Tile] {
        &self.tiles
    }

    /// The tiles of one plane in the order of drawing, for 0-based IDs within the axes; none if the file lacks the plane.
    pub(super) fn plane_tiles(&self, scene: &Scene, time: u32, channel: u32, z: u32) -> &[Tile] {
        // No sum overflows: the IDs are below the axes' counts. Scene indices come from `i32`.
        let value = |axis: Axis, id: u32| axis.first.wrapping_add_unsigned(id);
        let plane = (scene.index.cast_signed(), value(self.time, time), value(self.channel, channel), value(self.z, z));
        let start = self.tiles.partition_point(|tile| tile.plane() < plane);
        let length = self.tiles[start..].partition_point(|tile| tile.plane() == plane);
        &self.tiles[start..start + length]
    }
}

/// The segment's bytes, when the number of entries that they state can be true.
fn read_entries(reader: &dyn RangeRead, segment: Segment, what: &str) -> Result<Vec<u8>, SourceError> {
    let directory_corrupt = |detail: String| Err(corrupt(reader, what, segment.offset, detail));
    if segment.length < FIXED_BYTES || segment.length > MAX_DIRECTORY_BYTES {
        let length = segment.length;
        return directory_corrupt(format!("it takes {length} bytes; expected {FIXED_BYTES} to {MAX_DIRECTORY_BYTES}"));
    }
    let bytes = read_range(reader, segment.offset, segment.length, what)?;
    let count = i32_at(&bytes, 0).unwrap_or(0);
    let most = (segment.length - FIXED_BYTES) / ENTRY_BYTES as u64;
    if count <= 0 || count as u64 > most {
        return directory_corrupt(format!("it states {count} entries; expected 1 to {most} for its length"));
    }
    Ok(bytes)
}

struct Parser<'a> {
    reader: &'a dyn RangeRead,
    offset: u64,
    extra_dimensions: BTreeMap<[u8; 4], i32>,
    has_scenes: Option<bool>,
    tiles: Vec<Tile>,
}

impl Parser<'_> {
    fn corrupt(&self, index: i32, detail: String) -> SourceError {
        corrupt(self.reader, &format!("entry {index} of the subblock directory"), self.offset, detail)
    }

    fn unsupported(&self, found: String, supported: &str) -> SourceError {
        SourceError::Unsupported {
            location: self.reader.location().to_string(),
            found,
            supported: supported.to_string(),
        }
    }

    /// Takes in the entry that `bytes` starts with; gives its length. Pyramid layers are passed over.
    fn entry(&mut self, bytes: &[u8], index: i32) -> Result<usize, SourceError> {
        let short = || self.corrupt(index, "the directory ends within it".to_string());
        let fixed: [u8; ENTRY_BYTES] = array_at(bytes, 0).ok_or_else(short)?;
        if fixed[..2] != *b"DV" {
            let schema = String::from_utf8_lossy(&fixed[..2]).into_owned();
            return Err(self.corrupt(index, format!("its schema is {schema:?}; expected \"DV\"")));
        }
        let number = |position: usize| i32_at(&fixed, position).unwrap_or(0);
        let dimension_count = number(28).max(0) as usize;
        if dimension_count > MAX_DIMENSIONS {
            return Err(
                self.corrupt(index, format!("it has {dimension_count} dimensions; expected at most {MAX_DIMENSIONS}"))
            );
        }
        let length = ENTRY_BYTES + dimension_count * DIMENSION_BYTES;
        let dimensions = bytes.get(ENTRY_BYTES..length).ok_or_else(short)?;
        let dimensions = Dimensions::parse(dimensions).map_err(|detail| self.corrupt(index, detail))?;
        if dimensions.is_pyramid() {
            return Ok(length);
        }
        let (file_part, pixel_type, codec) = (number(14), number(2), number(18));
        if file_part != 0 {
            return Err(segment::multi_file(self.reader, file_part));
        }
        let tile = Tile {
            scene: dimensions.scene.unwrap_or(0),
            time: dimensions.time,
            channel: dimensions.channel,
            z: dimensions.z,
            mosaic: dimensions.mosaic,
            x: dimensions.x.start,
            y: dimensions.y.start,
            width: dimensions.x.size.cast_unsigned(),
            height: dimensions.y.size.cast_unsigned(),
            position: u64_at(&fixed, 6).unwrap_or(0),
            pixel_type: self.pixel_type(pixel_type)?,
            codec: Codec::from_raw(codec).map_err(|name| self.unsupported(name, Codec::SUPPORTED))?,
        };
        self.check_dimensions(&dimensions, index)?;
        self.check_storage(&tile, index)?;
        self.tiles.push(tile);
        Ok(length)
    }

    fn pixel_type(&self, raw: i32) -> Result<PixelType, SourceError> {
        let name = match raw {
            0 => return Ok(PixelType::Uint8),
            1 => return Ok(PixelType::Uint16),
            2 => "Gray32Float",
            3 => "Bgr24",
            4 => "Bgr48",
            8 => "Bgr96Float",
            9 => "Bgra32",
            10 => "Gray64ComplexFloat",
            11 => "Bgr192ComplexFloat",
            12 => "Gray32",
            13 => "Gray64Float",
            _ => "unknown",
        };
        Err(self.unsupported(format!("pixel type {name} ({raw})"), "Gray8 and Gray16"))
    }

    /// A plane is named by scene, time, channel and Z; any other dimension may have one value only.
    fn check_dimensions(&mut self, dimensions: &Dimensions, index: i32) -> Result<(), SourceError> {
        for (code, value) in &dimensions.extra {
            let first = *self.extra_dimensions.entry(*code).or_insert(*value);
            if first != *value {
                let letter = String::from_utf8_lossy(code);
                let found =
                    format!("several values of dimension {} ({first} and {value})", letter.trim_end_matches('\0'));
                return Err(self.unsupported(found, "scenes (S), time (T), channels (C), z (Z) and mosaics (M)"));
            }
        }
        let has_scene = dimensions.scene.is_some();
        if *self.has_scenes.get_or_insert(has_scene) != has_scene {
            return Err(self.corrupt(index, "some subblocks belong to a scene (S) and others to none".to_string()));
        }
        Ok(())
    }

    /// The pixels must be there: as bytes if uncompressed, else as a stream that can stand for so many.
    fn check_storage(&self, tile: &Tile, index: i32) -> Result<(), SourceError> {
        let what = format!("subblock {index}");
        let least = match tile.codec {
            Codec::None => tile.pixel_bytes(),
            Codec::Zstd0 | Codec::Zstd1 => Codec::least_zstd_bytes(tile.pixel_bytes()),
        };
        check_range(self.reader, tile.position, MIN_SUBBLOCK_BYTES.saturating_add(least), &what)?;
        Ok(())
    }
}

#[derive(Clone, Copy, Default)]
struct Extent {
    start: i32,
    size: i32,
    stored: i32,
}

/// An entry's dimensions; those that it lacks are 0.
#[derive(Default)]
struct Dimensions {
    x: Extent,
    y: Extent,
    scene: Option<i32>,
    time: i32,
    channel: i32,
    z: i32,
    mosaic: i32,
    extra: Vec<([u8; 4], i32)>,
}

impl Dimensions {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut dimensions = Self {
            // Tiles without a place in the drawing order lie below those with one.
            mosaic: i32::MIN,
            ..Self::default()
        };
        for dimension in bytes.chunks_exact(DIMENSION_BYTES) {
            let code: [u8; 4] = array_at(dimension, 0).unwrap_or_default();
            let number = |position: usize| i32_at(dimension, position).unwrap_or(0);
            let (start, size) = (number(4), number(8));
            let stored = if number(16) == 0 { size } else { number(16) };
            let extent = Extent { start, size, stored };
            match &code {
                b"X\0\0\0" => dimensions.x = extent,
                b"Y\0\0\0" => dimensions.y = extent,
                _ if size > 1 => {
                    let letter = String::from_utf8_lossy(&code).into_owned();
                    let letter = letter.trim_end_matches('\0');
                    return Err(format!("it spans {size} values of dimension {letter}; expected 1"));
                }
                b"S\0\0\0" if start < 0 => return Err(format!("its scene is {start}; expected 0 or more")),
                b"S\0\0\0" => dimensions.scene = Some(start),
                b"T\0\0\0" => dimensions.time = start,
                b"C\0\0\0" => dimensions.channel = start,
                b"Z\0\0\0" => dimensions.z = start,
                b"M\0\0\0" => dimensions.mosaic = start,
                _ => dimensions.extra.push((code, start)),
            }
        }
        let (width, height) = (dimensions.x.size, dimensions.y.size);
        if width <= 0 || height <= 0 {
            return Err(format!("it is {width} x {height} pixels; expected at least 1 x 1"));
        }
        Ok(dimensions)
    }

    /// Layers of the pyramid are stored smaller than what they show.
    fn is_pyramid(&self) -> bool {
        self.x.stored != self.x.size || self.y.stored != self.y.size
    }
}

/// The boxes of the scenes, from tiles sorted by scene.
fn scenes(tiles: &[Tile]) -> Result<Vec<Scene>, String> {
    let mut scenes = Vec::new();
    for tiles in tiles.chunk_by(|one, other| one.scene == other.scene) {
        let mut left = i64::MAX;
        let mut top = i64::MAX;
        let mut right = i64::MIN;
        let mut bottom = i64::MIN;
        for tile in tiles {
            left = left.min(tile.x.into());
            top = top.min(tile.y.into());
            right = right.max(i64::from(tile.x) + i64::from(tile.width));
            bottom = bottom.max(i64::from(tile.y) + i64::from(tile.height));
        }
        // Both at least 1 and below 2³³, so that their product fits.
        let (width, height) = ((right - left).cast_unsigned(), (bottom - top).cast_unsigned());
        let index = tiles[0].scene.cast_unsigned();
        let sizes = (u32::try_from(width), u32::try_from(height));
        let (Ok(width), Ok(height)) = sizes else {
            return Err(format!("the tiles of scene {index} span {width} x {height} pixels"));
        };
        if u64::from(width) * u64::from(height) > MAX_PLANE_PIXELS {
            return Err(format!(
                "the tiles of scene {index} span {width} x {height} pixels; expected at most {MAX_PLANE_PIXELS} in all"
            ));
        }
        scenes.push(Scene {
            index,
            // The smallest of some `i32`.
            x: left as i32,
            y: top as i32,
            width,
            height,
        });
    }
    if scenes.is_empty() {
        return Err("it lists no subblock in full resolution".to_string());
    }
    Ok(scenes)
}

/// The range of an axis, which may start anywhere, but not have more values than so many tiles could explain.
fn axis(tiles: &[Tile], name: &str, value: impl Fn(&Tile) -> i32) -> Result<Axis, String> {
    let first = tiles.iter().map(&value).min().unwrap_or(0);
    let last = tiles.iter().map(&value).max().unwrap_or(0);
    let count = i64::from(last) - i64::from(first) + 1;
    let most = 1000 + 16 * tiles.len() as i64;
    if count > most {
        return Err(format!(
            "the {} subblocks run from {first} to {last} along {name}; expected at most {most} values",
            tiles.len()
        ));
    }
    // At most `most`, which a directory of limited length keeps small.
    Ok(Axis { first, count: count as u32 })
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
