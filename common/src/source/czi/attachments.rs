//! Attachments: of interest are the time stamps, from which the frame interval follows where the XML has none.

use super::segment::{corrupt, read_segment};
use crate::source::error::SourceError;
use crate::source::little_endian::{f64_at, i32_at, u64_at};
use crate::source::range_reader::{RangeRead, read_range};

const DIRECTORY_MAGIC: &[u8; 16] = b"ZISRAWATTDIR\0\0\0\0";
const ATTACHMENT_MAGIC: &[u8; 16] = b"ZISRAWATTACH\0\0\0\0";
const FIXED_BYTES: u64 = 256;
const ENTRY_BYTES: usize = 128;
/// Real files have about ten: thumbnail, label, time stamps, events.
const MAX_ENTRIES: u64 = 10_000;

/// The mean distance in seconds of the time stamps, where the attachments at `offset` have one for each of `frames`.
pub(super) fn frame_interval_s(reader: &dyn RangeRead, offset: u64, frames: u32) -> Result<Option<f64>, SourceError> {
    let Some(position) = find(reader, offset, b"TimeStamps")? else {
        return Ok(None);
    };
    if frames < 2 {
        return Ok(None);
    }
    let what = "the time stamps";
    let segment = read_segment(reader, position, ATTACHMENT_MAGIC, what)?;
    let table_bytes = 8 * (u64::from(frames) + 1);
    if segment.length < FIXED_BYTES + table_bytes {
        return Ok(None);
    }
    // A size, a count, and the seconds since the first frame.
    let table = read_range(reader, segment.offset + FIXED_BYTES, table_bytes, what)?;
    let seconds = |frame: u32| f64_at(&table, 8 * (frame as usize + 1)).unwrap_or(f64::NAN);
    if i32_at(&table, 4) != i32::try_from(frames).ok() {
        return Ok(None);
    }
    let interval = (seconds(frames - 1) - seconds(0)) / f64::from(frames - 1);
    Ok((interval.is_finite() && interval > 0.0).then_some(interval))
}

/// The position of the attachment of this name. Attachments and their directory often end a file, so looking at them also
/// shows whether the file is whole.
fn find(reader: &dyn RangeRead, offset: u64, name: &[u8]) -> Result<Option<u64>, SourceError> {
    if offset == 0 {
        return Ok(None);
    }
    let what = "the attachment directory";
    let segment = read_segment(reader, offset, DIRECTORY_MAGIC, what)?;
    let fixed = read_range(reader, segment.offset, FIXED_BYTES, what)?;
    let count = i32_at(&fixed, 0).unwrap_or(0).max(0) as u64;
    if count > MAX_ENTRIES {
        let detail = format!("it states {count} entries; expected at most {MAX_ENTRIES}");
        return Err(corrupt(reader, what, offset, detail));
    }
    let entries = read_range(reader, segment.offset + FIXED_BYTES, count * ENTRY_BYTES as u64, what)?;
    let mut found = None;
    let mut last_position = 0;
    for entry in entries.chunks_exact(ENTRY_BYTES).filter(|entry| entry.starts_with(b"A1")) {
        let position = u64_at(entry, 12).unwrap_or(0);
        let entry_name = entry[48..].split(|&byte| byte == 0).next().unwrap_or_default();
        if entry_name == name {
            found = Some(position);
        }
        last_position = last_position.max(position);
    }
    if last_position > 0 {
        read_segment(reader, last_position, ATTACHMENT_MAGIC, "the last attachment")?;
    }
    Ok(found)
}
