//! Where the planes of a simulated CZI file lie, for tests that damage one.

/// A plane as it's stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPlane {
    /// FOV.
    pub scene: u32,
    /// Time point.
    pub frame: u32,
    /// Channel.
    pub channel: u32,
    /// Position of its coded pixels in the file.
    pub offset: usize,
    /// Their length in bytes.
    pub length: usize,
}

const MAGIC: &[u8] = b"ZISRAWSUBBLOCK\0\0";

/// All planes of a file, in its order.
pub fn planes(file: &[u8]) -> Vec<StoredPlane> {
    let starts = file.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    starts.map(|(start, _)| plane(&file[start..], start)).collect()
}

/// Reads a subblock: a header of 32 bytes; the sizes of its metadata, attachment and pixels; its directory entry, in which
/// dimensions of 20 bytes follow 32 bytes; then, after at least 256 bytes, its metadata and its pixels.
fn plane(subblock: &[u8], start: usize) -> StoredPlane {
    let metadata_bytes = number(subblock, 32) as usize;
    let length = number(subblock, 40) as usize;
    let entry = &subblock[48..];
    let dimension_count = number(entry, 28) as usize;
    let index_along = |name: u8| {
        let dimensions = entry[32..].chunks_exact(20).take(dimension_count);
        let found = dimensions.map(|dimension| (dimension[0], number(dimension, 4))).find(|(code, _)| *code == name);
        found.map_or(0, |(_, index)| index)
    };
    let fixed = (16 + 32 + dimension_count * 20).max(256);
    let offset = start + 32 + fixed + metadata_bytes;
    StoredPlane { scene: index_along(b'S'), frame: index_along(b'T'), channel: index_along(b'C'), offset, length }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes are four bytes"))
}
