//! A subblock: sizes, a copy of its directory entry, metadata, and the coded pixels.

use super::codec::Codec;
use super::directory::{DIMENSION_BYTES, ENTRY_BYTES, Tile};
use super::segment::{HEADER_BYTES, check_magic, corrupt};
use crate::source::error::SourceError;
use crate::source::little_endian::{array_at, i32_at, u32_at, u64_at};
use crate::source::pixels::PixelType;
use crate::source::range_reader::{RangeRead, check_range, read_range};

const MAGIC: &[u8; 16] = b"ZISRAWSUBBLOCK\0\0";
/// Sizes before the directory entry.
const SIZES_BYTES: usize = 16;
/// The metadata start after this many bytes, or after the directory entry if that is longer.
const MIN_FIXED_BYTES: usize = 256;

/// Where a subblock's coded pixels lie, within the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredPixels {
    offset: u64,
    length: u64,
}

/// Reads a subblock's header, holds it against the directory, and finds its pixels.
pub(super) fn locate(reader: &dyn RangeRead, tile: &Tile) -> Result<StoredPixels, SourceError> {
    let what = "a subblock";
    let position = tile.position;
    let header = read_range(reader, position, HEADER_BYTES + MIN_FIXED_BYTES as u64, what)?;
    check_magic(reader, position, &header, MAGIC, what)?;
    let fixed = &header[HEADER_BYTES as usize..];
    let entry = &fixed[SIZES_BYTES..];
    check_entry(entry, tile).map_err(|detail| corrupt(reader, what, position, detail))?;

    let dimension_count = u32_at(entry, 28).unwrap_or(0) as usize;
    let entry_end = dimension_count.saturating_mul(DIMENSION_BYTES).saturating_add(SIZES_BYTES + ENTRY_BYTES);
    let metadata_bytes = u64::from(u32_at(fixed, 0).unwrap_or(0));
    // No sum of these overflows: the position lies in the file, the others are below 2³⁸.
    let offset = position + HEADER_BYTES + entry_end.max(MIN_FIXED_BYTES) as u64 + metadata_bytes;
    let length = u64_at(fixed, 8).unwrap_or(0);
    check_range(reader, offset, length, "the pixels of a subblock")?;
    Ok(StoredPixels { offset, length })
}

/// Reads and decodes a tile's pixels: rows of `width` pixels without gaps.
pub(super) fn read_pixels(reader: &dyn RangeRead, tile: &Tile) -> Result<Vec<u8>, SourceError> {
    let stored = locate(reader, tile)?;
    let tile_corrupt = |detail: String| corrupt(reader, "the pixels of a subblock", stored.offset, detail);
    let expected = usize::try_from(tile.pixel_bytes())
        .map_err(|_| tile_corrupt(format!("{} x {} pixels don't fit in memory", tile.width, tile.height)))?;
    if tile.codec == Codec::None && stored.length != expected as u64 {
        return Err(tile_corrupt(format!("it holds {} bytes; expected {expected}", stored.length)));
    }
    let bytes = read_range(reader, stored.offset, stored.length, "the pixels of a subblock")?;
    tile.codec.decode(bytes, tile.pixel_type, expected).map_err(tile_corrupt)
}

/// The subblock's own entry must agree with the directory's on what its bytes mean.
fn check_entry(entry: &[u8], tile: &Tile) -> Result<(), String> {
    if !entry.starts_with(b"DV") {
        return Err(format!("its schema is {:?}; expected \"DV\"", String::from_utf8_lossy(&entry[..2])));
    }
    let expected_pixel_type = match tile.pixel_type {
        PixelType::Uint8 => 0,
        PixelType::Uint16 => 1,
    };
    let pixel_type = i32_at(entry, 2);
    let codec = i32_at(entry, 18);
    if pixel_type != Some(expected_pixel_type) || codec != Some(tile.codec.raw()) {
        return Err(format!(
            "it has pixel type {} and codec {}; the directory says {} and {}",
            pixel_type.unwrap_or(-1),
            codec.unwrap_or(-1),
            expected_pixel_type,
            tile.codec.raw()
        ));
    }
    let dimension_count = u32_at(entry, 28).unwrap_or(0) as usize;
    for dimension in entry[ENTRY_BYTES..].chunks_exact(DIMENSION_BYTES).take(dimension_count) {
        let size = u32_at(dimension, 8);
        let code: [u8; 4] = array_at(dimension, 0).unwrap_or_default();
        let expected = match &code {
            b"X\0\0\0" => tile.width,
            b"Y\0\0\0" => tile.height,
            _ => continue,
        };
        if size != Some(expected) {
            return Err(format!(
                "it spans {} pixels along {}; the directory says {expected}",
                size.unwrap_or(0),
                char::from(code[0])
            ));
        }
    }
    Ok(())
}
