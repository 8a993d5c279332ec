//! What a source *is*, wherever it lies: the name under which its results are cached and resumed.
//!
//! Hashing a 100 GB movie takes longer than segmenting it, and a path or a modification time changes with every copy. So the
//! identity is the SHA-256 (hexadecimal) of
//!
//! 1. the file's length in bytes, as a little-endian `u64`,
//! 2. its first 64 KiB (or all of it, if shorter),
//! 3. its last 64 KiB (likewise),
//! 4. sixteen samples of 4 KiB, number `i` (1 to 16) starting at ⌊(length − 4096) · i / 17⌋; none in a file under 4 KiB.
//!
//! Both formats keep GUIDs, times of acquisition, the frame table or the metadata in the parts that are read whole, so two
//! acquisitions never share an identity. An edit of a few pixels between the samples goes unseen.

use sha2::{Digest, Sha256};

use super::error::SourceError;
use super::range_reader::{RangeRead, read_range};

const EDGE_BYTES: u64 = 64 * 1024;
const SAMPLE_BYTES: u64 = 4 * 1024;
const SAMPLE_COUNT: u64 = 16;

/// Computes the identity of a file from at most 192 KiB of it.
///
/// # Errors
/// [`SourceError::Io`] if reading fails.
pub fn identity(reader: &dyn RangeRead) -> Result<String, SourceError> {
    let length = reader.len();
    let edge = length.min(EDGE_BYTES);
    let mut hasher = Sha256::new();
    hasher.update(length.to_le_bytes());
    hasher.update(read_range(reader, 0, edge, "the first 64 KiB")?);
    hasher.update(read_range(reader, length - edge, edge, "the last 64 KiB")?);
    for offset in sample_offsets(length) {
        hasher.update(read_range(reader, offset, SAMPLE_BYTES, "a sample of 4 KiB")?);
    }
    Ok(hex::encode(hasher.finalize()))
}

fn sample_offsets(length: u64) -> Vec<u64> {
    let Some(last_start) = length.checked_sub(SAMPLE_BYTES) else {
        return Vec::new();
    };
    // In 128 bits, so that no length overflows; the quotient is at most `last_start`.
    let offset = |index: u64| (u128::from(last_start) * u128::from(index) / u128::from(SAMPLE_COUNT + 1)) as u64;
    (1..=SAMPLE_COUNT).map(offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::range_reader::MemoryFile;

    fn identity_of(bytes: &[u8]) -> String {
        identity(&MemoryFile::new("x", bytes.to_vec())).unwrap()
    }

    #[test]
    fn follows_its_definition() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|value| (value % 251) as u8).collect();
        let mut expected = Sha256::new();
        expected.update(300_000_u64.to_le_bytes());
        expected.update(&bytes[..65_536]);
        expected.update(&bytes[300_000 - 65_536..]);
        for index in 1..=16 {
            let start = (300_000 - 4096) * index / 17;
            expected.update(&bytes[start..start + 4096]);
        }
        assert_eq!(identity_of(&bytes), hex::encode(expected.finalize()));
    }

    #[test]
    fn sees_the_length_and_both_ends() {
        let bytes = vec![7; 1_000_000];
        let original = identity_of(&bytes);
        for position in [0, 65_535, 1_000_000 - 65_536, 999_999] {
            let mut changed = bytes.clone();
            changed[position] = 8;
            assert_ne!(identity_of(&changed), original, "byte {position}");
        }
        assert_ne!(identity_of(&bytes[1..]), original);
    }

    #[test]
    fn short_and_empty_files_have_one_too() {
        assert_ne!(identity_of(&[]), identity_of(&[0]));
        assert_ne!(identity_of(&[0; 4095]), identity_of(&[0; 4096]));
        assert_eq!(sample_offsets(4096), vec![0; 16]);
        assert!(sample_offsets(u64::MAX).iter().all(|offset| offset.checked_add(SAMPLE_BYTES).is_some()));
    }
}
