//! The outer shell of an ND2 file: a file header, named chunks, and at the end of the file a map of them.
//!
//! A chunk is a header of 16 bytes (magic, length of the name, length of the data; little-endian), the name, padded at
//! will, and the data. The last 40 bytes of the file are a signature and the position of the map, itself a chunk, whose data
//! are entries of a name that ends in `!`, a position and a size. The sizes aren't used: writers have filled them in various
//! ways, and the chunk's own header has the length.

use super::clx::{self, Document};
use crate::source::error::SourceError;
use crate::source::little_endian::{array_at, u32_at, u64_at};
use crate::source::range_reader::{RangeRead, check_range, read_range};

/// First bytes of every chunk, and so of every ND2 file of version 2 or 3.
pub(crate) const CHUNK_MAGIC: [u8; 4] = [0xda, 0xce, 0xbe, 0x0a];

const FILE_SIGNATURE: &[u8; 32] = b"ND2 FILE SIGNATURE CHUNK NAME01!";
const MAP_SIGNATURE: &[u8; 32] = b"ND2 CHUNK MAP SIGNATURE 0000001!";
const MAP_NAME: &[u8; 32] = b"ND2 FILEMAP SIGNATURE NAME 0001!";

const FILE_HEADER_BYTES: u64 = 112;
const FOOTER_BYTES: u64 = 40;
const CHUNK_HEADER_BYTES: u64 = 16;
const FRAME_PREFIX: &str = "ImageDataSeq|";

/// Longest chunk name that is taken for one; frames have 4072 bytes of name and padding.
const MAX_NAME_BYTES: u32 = 64 * 1024;
/// Largest map, enough for more than two million frames.
const MAX_MAP_BYTES: u64 = 128 * 1024 * 1024;
/// Largest chunk of metadata.
const MAX_METADATA_BYTES: u64 = clx::MAX_BYTES as u64;

/// Where the chunks are that this reader uses.
#[derive(Debug)]
pub(super) struct ChunkMap {
    /// (sequence number, position), ascending: 16 bytes per frame.
    frames: Vec<(u32, u64)>,
    /// (name, position) of everything but frames and other per-frame chunks.
    others: Vec<(String, u64)>,
}

/// The data part of a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkData {
    /// Position of the first byte.
    pub(super) offset: u64,
    /// Number of bytes, all of them within the file.
    pub(super) length: u64,
}

impl ChunkMap {
    /// Checks the file's header and reads its map.
    pub(super) fn read(reader: &dyn RangeRead) -> Result<Self, SourceError> {
        check_file_header(reader)?;
        let map_offset = read_footer(reader)?;
        let data = find_data(reader, map_offset, MAP_NAME, "the chunk map")?;
        if data.length > MAX_MAP_BYTES {
            return Err(corrupt(
                reader,
                "the chunk map",
                map_offset,
                format!("it states {} bytes; expected at most {MAX_MAP_BYTES}", data.length),
            ));
        }
        let bytes = read_range(reader, data.offset, data.length, "the chunk map")?;
        parse_map(&bytes).map_err(|detail| corrupt(reader, "the chunk map", map_offset, detail))
    }

    /// How many frames the map lists.
    pub(super) fn frame_count(&self) -> usize {
        self.frames.len()
    }

    /// Position of the chunk of frame `number`.
    pub(super) fn frame_offset(&self, number: u32) -> Option<u64> {
        let index = self.frames.binary_search_by_key(&number, |&(number, _)| number).ok()?;
        Some(self.frames[index].1)
    }

    /// The data of frame `number` at `offset`.
    pub(super) fn frame_data(
        &self,
        reader: &dyn RangeRead,
        number: u32,
        offset: u64,
    ) -> Result<ChunkData, SourceError> {
        let name = format!("{FRAME_PREFIX}{number}!");
        find_data(reader, offset, name.as_bytes(), &format!("frame chunk {name}"))
    }

    /// The first of these chunks that the file has, whole; `None` if it has none of them.
    pub(super) fn read_first(
        &self,
        reader: &dyn RangeRead,
        names: &[&str],
    ) -> Result<Option<(String, u64, Vec<u8>)>, SourceError> {
        let entry = names.iter().find_map(|name| self.others.iter().rev().find(|(other, _)| other == name));
        let Some((name, offset)) = entry else {
            return Ok(None);
        };
        let what = format!("chunk {name}");
        let data = find_data(reader, *offset, name.as_bytes(), &what)?;
        if data.length > MAX_METADATA_BYTES {
            let detail = format!("it states {} bytes; expected at most {MAX_METADATA_BYTES}", data.length);
            return Err(corrupt(reader, &what, *offset, detail));
        }
        let bytes = read_range(reader, data.offset, data.length, &what)?;
        Ok(Some((what, *offset, bytes)))
    }

    /// The first of these chunks that the file has, parsed as metadata; `None` if it has none of them.
    pub(super) fn read_document(
        &self,
        reader: &dyn RangeRead,
        names: &[&str],
    ) -> Result<Option<Document>, SourceError> {
        let Some((what, offset, bytes)) = self.read_first(reader, names)? else {
            return Ok(None);
        };
        let value = clx::parse(&bytes).map_err(|detail| corrupt(reader, &what, offset, detail))?;
        Ok(Some(Document { location: reader.location().to_string(), chunk: what, offset, value }))
    }
}

fn check_file_header(reader: &dyn RangeRead) -> Result<(), SourceError> {
    let header = read_range(reader, 0, FILE_HEADER_BYTES, "the file header")?;
    let header_corrupt = |detail: String| Err(corrupt(reader, "the file header", 0, detail));
    if u32_at(&header, 4) != Some(32) || u64_at(&header, 8) != Some(64) || header[16..48] != FILE_SIGNATURE[..] {
        return header_corrupt("the signature is damaged; expected \"ND2 FILE SIGNATURE CHUNK NAME01!\"".to_string());
    }
    let version = String::from_utf8_lossy(&header[48..54]).into_owned();
    match version.as_bytes() {
        [b'V', b'e', b'r', b'2' | b'3', b'.', _] => Ok(()),
        [b'V', b'e', b'r', b'0'..=b'9', b'.', _] => Err(SourceError::Unsupported {
            location: reader.location().to_string(),
            found: format!("nd2 version {:?}", &version[3..]),
            supported: "version 2 or 3".to_string(),
        }),
        _ => header_corrupt(format!("it gives the version {version:?}; expected \"Ver2.0\" or \"Ver3.0\"")),
    }
}

fn read_footer(reader: &dyn RangeRead) -> Result<u64, SourceError> {
    let footer_offset = reader.len().saturating_sub(FOOTER_BYTES);
    let footer = read_range(reader, footer_offset, FOOTER_BYTES, "the chunk map's signature")?;
    if footer[..32] != MAP_SIGNATURE[..] {
        return Err(corrupt(
            reader,
            "the end of the file",
            footer_offset,
            "expected the chunk map's signature, \"ND2 CHUNK MAP SIGNATURE 0000001!\"; the file was probably cut off while it \
             was acquired or copied"
                .to_string(),
        ));
    }
    Ok(u64_at(&footer, 32).unwrap_or(u64::MAX))
}

/// Reads the header of the chunk at `offset`, checks its name, and gives its data.
fn find_data(reader: &dyn RangeRead, offset: u64, name: &[u8], what: &str) -> Result<ChunkData, SourceError> {
    let header = read_range(reader, offset, CHUNK_HEADER_BYTES, what)?;
    let name_length = u32_at(&header, 4).unwrap_or(0);
    let data_length = u64_at(&header, 8).unwrap_or(0);
    if array_at(&header, 0) != Some(CHUNK_MAGIC) {
        let detail = format!(
            "it starts with {}; expected the chunk magic {}",
            hex::encode(&header[..4]),
            hex::encode(CHUNK_MAGIC)
        );
        return Err(corrupt(reader, what, offset, detail));
    }
    if name_length > MAX_NAME_BYTES || (name_length as usize) < name.len() {
        let detail = format!("its name takes {name_length} bytes; expected {} to {MAX_NAME_BYTES}", name.len());
        return Err(corrupt(reader, what, offset, detail));
    }
    // Can't overflow: the header was read, so that `offset` is no larger than a file.
    let name_offset = offset + CHUNK_HEADER_BYTES;
    let found_name = read_range(reader, name_offset, name.len() as u64, what)?;
    if found_name != name {
        let detail = format!(
            "a chunk named {:?} is there; expected {:?}",
            String::from_utf8_lossy(&found_name),
            String::from_utf8_lossy(name)
        );
        return Err(corrupt(reader, what, offset, detail));
    }
    let data_offset = name_offset + u64::from(name_length);
    check_range(reader, data_offset, data_length, what)?;
    Ok(ChunkData { offset: data_offset, length: data_length })
}

fn parse_map(bytes: &[u8]) -> Result<ChunkMap, String> {
    let mut map = ChunkMap { frames: Vec::new(), others: Vec::new() };
    let mut position = 0;
    loop {
        let rest = bytes.get(position..).unwrap_or_default();
        let Some(name_length) = rest.iter().position(|&byte| byte == b'!').map(|index| index + 1) else {
            return Err(format!("its entries don't end with the map's signature (after {position} bytes)"));
        };
        let name = &rest[..name_length];
        if name == MAP_SIGNATURE {
            break;
        }
        let Some(offset) = u64_at(rest, name_length) else {
            return Err(format!("it ends within an entry (at {position} bytes)"));
        };
        position += name_length + 16;
        let Ok(name) = std::str::from_utf8(name) else {
            return Err(format!("an entry's name is {:?}", String::from_utf8_lossy(name)));
        };
        if let Some(number) = name.strip_prefix(FRAME_PREFIX) {
            let number = number.trim_end_matches('!');
            let number: u32 = number.parse().map_err(|_| format!("a frame's number is {number:?}"))?;
            map.frames.push((number, offset));
        } else if !name.starts_with("CustomDataSeq|") {
            map.others.push((name.to_string(), offset));
        }
    }
    // Stable, so that of a frame written twice the later entry stays behind the earlier one.
    map.frames.sort_by_key(|&(number, _)| number);
    map.frames.dedup_by(|later, kept| {
        let same_frame = later.0 == kept.0;
        if same_frame {
            *kept = *later;
        }
        same_frame
    });
    Ok(map)
}

fn corrupt(reader: &dyn RangeRead, what: &str, offset: u64, detail: String) -> SourceError {
    SourceError::Corrupt { location: reader.location().to_string(), what: what.to_string(), offset, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, offset: u64) -> Vec<u8> {
        let mut bytes = name.as_bytes().to_vec();
        bytes.extend(offset.to_le_bytes());
        bytes.extend(7_u64.to_le_bytes());
        bytes
    }

    #[test]
    fn frames_are_found_by_number_and_the_last_entry_of_one_counts() {
        let mut bytes = entry("ImageDataSeq|10!", 400);
        bytes.extend(entry("ImageAttributesLV!", 33)); // 33 is '!', and no end of a name
        bytes.extend(entry("ImageDataSeq|2!", 200));
        bytes.extend(entry("ImageDataSeq|10!", 500));
        bytes.extend(entry("CustomDataSeq|A|0!", 600));
        bytes.extend(MAP_SIGNATURE);
        let map = parse_map(&bytes).unwrap();
        assert_eq!(map.frames, [(2, 200), (10, 500)]);
        assert_eq!(map.others, [("ImageAttributesLV!".to_string(), 33)]);
        assert_eq!((map.frame_offset(10), map.frame_offset(3)), (Some(500), None));
    }

    #[test]
    fn a_map_cut_anywhere_is_an_error() {
        let mut bytes = entry("ImageDataSeq|0!", 400);
        bytes.extend(MAP_SIGNATURE);
        for length in 0..bytes.len() {
            assert!(parse_map(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(parse_map(&entry("ImageDataSeq|-1!", 1)).is_err());
    }
}
