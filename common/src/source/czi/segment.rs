//! The outer shell of a CZI file: segments, the first of which says where the others are.
//!
//! A segment has a header of 32 bytes: a name of 16, the space that it has (`i64`), the bytes that it uses (`i64`, 0 where
//! that is all of the space). All numbers are little-endian.

use crate::source::error::SourceError;
use crate::source::little_endian::{i32_at, u64_at};
use crate::source::range_reader::{RangeRead, check_range, read_range};

/// Name of the first segment, and so the first bytes of every CZI file.
pub(crate) const FILE_MAGIC: &[u8; 16] = b"ZISRAWFILE\0\0\0\0\0\0";

/// Bytes of a segment's header.
pub(super) const HEADER_BYTES: u64 = 32;

const FILE_HEADER_BYTES: u64 = HEADER_BYTES + 80;

/// The used part of a segment, after its header; it lies within the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// Position of the first byte after the header.
    pub(super) offset: u64,
    /// Bytes in use.
    pub(super) length: u64,
}

/// Where the file's tables are; 0 where it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileHeader {
    pub(super) directory_offset: u64,
    pub(super) metadata_offset: u64,
    pub(super) attachments_offset: u64,
}

/// Reads the file's header.
pub(super) fn read_file_header(reader: &dyn RangeRead) -> Result<FileHeader, SourceError> {
    let bytes = read_range(reader, 0, FILE_HEADER_BYTES, "the file header")?;
    let major = i32_at(&bytes, 32).unwrap_or(0);
    if major != 1 {
        return Err(SourceError::Unsupported {
            location: reader.location().to_string(),
            found: format!("czi version {major}"),
            supported: "version 1".to_string(),
        });
    }
    let file_part = i32_at(&bytes, 80).unwrap_or(0);
    if file_part != 0 {
        return Err(multi_file(reader, file_part));
    }
    let offset = |position: usize| u64_at(&bytes, position).unwrap_or(0);
    let header =
        FileHeader { directory_offset: offset(84), metadata_offset: offset(92), attachments_offset: offset(104) };
    if header.directory_offset == 0 {
        return Err(corrupt(
            reader,
            "the file header",
            0,
            "it names no subblock directory; the acquisition probably never finished writing the file".to_string(),
        ));
    }
    Ok(header)
}

/// The file is part of a set, or refers to one.
pub(super) fn multi_file(reader: &dyn RangeRead, file_part: i32) -> SourceError {
    SourceError::Unsupported {
        location: reader.location().to_string(),
        found: format!("a czi split over several files (part {file_part})"),
        supported: "single files; save it anew as one file in zen".to_string(),
    }
}

/// Reads the header of the segment at `offset`, and checks its name and that it lies within the file.
pub(super) fn read_segment(
    reader: &dyn RangeRead,
    offset: u64,
    magic: &[u8; 16],
    what: &str,
) -> Result<Segment, SourceError> {
    let header = read_range(reader, offset, HEADER_BYTES, what)?;
    check_magic(reader, offset, &header, magic, what)?;
    let allocated = u64_at(&header, 16).unwrap_or(0);
    let used = u64_at(&header, 24).unwrap_or(0);
    let segment = Segment { offset: offset + HEADER_BYTES, length: if used == 0 { allocated } else { used } };
    // Writers fill the space that they allocate, so that what is missing of it shows a file that was cut off.
    check_range(reader, segment.offset, allocated.max(used), what)?;
    Ok(segment)
}

/// Checks the name at the start of a segment's header.
pub(super) fn check_magic(
    reader: &dyn RangeRead,
    offset: u64,
    header: &[u8],
    magic: &[u8; 16],
    what: &str,
) -> Result<(), SourceError> {
    if header.starts_with(magic) {
        return Ok(());
    }
    let printable = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\0').to_string();
    let found = printable(&header[..header.len().min(16)]);
    let detail = format!("a segment named {found:?} is there; expected {:?}", printable(magic));
    Err(corrupt(reader, what, offset, detail))
}

/// The file contradicts itself.
pub(super) fn corrupt(reader: &dyn RangeRead, what: &str, offset: u64, detail: String) -> SourceError {
    SourceError::Corrupt { location: reader.location().to_string(), what: what.to_string(), offset, detail }
}
