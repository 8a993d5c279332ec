//! How a subblock's pixels are coded: as they are, or with zstd in Zeiss's two wrappings.
//!
//! `zstd0` is a bare zstd stream. `zstd1` has a small header: a byte with the header's length, then, if that is 3, a chunk
//! type (1) and a flag byte, whose lowest bit says that the low bytes of all 16-bit pixels come first and the high bytes
//! after them, which packs better.

use crate::source::pixels::PixelType;

/// A codec that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Codec {
    None,
    Zstd0,
    Zstd1,
}

/// A zstd block of four bytes can stand for 128 KiB, and none for more.
const MAX_ZSTD_BLOCK_BYTES: u64 = 128 * 1024;
const MIN_ZSTD_BLOCK_BYTES: u64 = 4;

impl Codec {
    /// What can be read, for messages.
    pub(super) const SUPPORTED: &'static str = "uncompressed, zstd0 and zstd1";

    /// From the number in the file; the error names a codec that can't be read.
    pub(super) fn from_raw(raw: i32) -> Result<Self, String> {
        match raw {
            0 => Ok(Codec::None),
            5 => Ok(Codec::Zstd0),
            6 => Ok(Codec::Zstd1),
            1 => Err("jpeg compression".to_string()),
            2 => Err("lzw compression".to_string()),
            4 => Err("jpeg-xr compression".to_string()),
            100..=999 => Err(format!("raw data of a camera (codec {raw})")),
            _ => Err(format!("compression {raw}")),
        }
    }

    /// The number in the file.
    pub(super) fn raw(self) -> i32 {
        match self {
            Codec::None => 0,
            Codec::Zstd0 => 5,
            Codec::Zstd1 => 6,
        }
    }

    /// As in [`crate::source::SourceInfo::compression`].
    pub(super) fn name(self) -> &'static str {
        match self {
            Codec::None => "none",
            Codec::Zstd0 => "zstd0",
            Codec::Zstd1 => "zstd1",
        }
    }

    /// The fewest bytes of zstd that can stand for so many.
    pub(super) fn least_zstd_bytes(decoded: u64) -> u64 {
        decoded / MAX_ZSTD_BLOCK_BYTES * MIN_ZSTD_BLOCK_BYTES
    }

    /// Decodes exactly `expected` bytes of pixels; the error says what came instead.
    pub(super) fn decode(self, stored: Vec<u8>, pixel_type: PixelType, expected: usize) -> Result<Vec<u8>, String> {
        match self {
            Codec::None if stored.len() == expected => Ok(stored),
            Codec::None => Err(format!("it holds {} bytes of pixels; expected {expected}", stored.len())),
            Codec::Zstd0 => decode_zstd(&stored, expected),
            Codec::Zstd1 => decode_zstd1(&stored, pixel_type, expected),
        }
    }
}

fn decode_zstd1(stored: &[u8], pixel_type: PixelType, expected: usize) -> Result<Vec<u8>, String> {
    let (stream, is_split) = match stored {
        [1, stream @ ..] => (stream, false),
        [3, 1, flags, stream @ ..] => (stream, flags & 1 == 1),
        _ => {
            let found = hex::encode(&stored[..stored.len().min(3)]);
            return Err(format!("its zstd1 header is {found:?}; expected 01 or 0301 and a flag byte"));
        }
    };
    let decoded = decode_zstd(stream, expected)?;
    if !is_split {
        return Ok(decoded);
    }
    if pixel_type != PixelType::Uint16 {
        return Err("its bytes are split into low and high ones, but its pixels are 8-bit".to_string());
    }
    let (low, high) = decoded.split_at(decoded.len() / 2);
    Ok(low.iter().zip(high).flat_map(|(&low, &high)| [low, high]).collect())
}

/// Decodes into a buffer of the expected size, so that a stream can't ask for more memory than that.
fn decode_zstd(stream: &[u8], expected: usize) -> Result<Vec<u8>, String> {
    if Codec::least_zstd_bytes(expected as u64) > stream.len() as u64 {
        return Err(format!("{} bytes of zstd cannot hold {expected} bytes of pixels", stream.len()));
    }
    let decoded = zstd::bulk::decompress(stream, expected)
        .map_err(|error| format!("its zstd data is damaged, or longer than {expected} bytes: {error}"))?;
    if decoded.len() != expected {
        return Err(format!("it decompresses to {} bytes; expected {expected}", decoded.len()));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compress(bytes: &[u8]) -> Vec<u8> {
        zstd::bulk::compress(bytes, 1).unwrap()
    }

    #[test]
    fn every_codec_gives_exactly_the_expected_bytes() {
        let pixels = [1, 2, 3, 4, 5, 6];
        let split = [[3, 1, 1].to_vec(), compress(&[1, 3, 5, 2, 4, 6])].concat();
        let plain = [[3, 1, 0].to_vec(), compress(&pixels)].concat();
        let bare = [[1].to_vec(), compress(&pixels)].concat();
        let cases = [
            (Codec::None, pixels.to_vec()),
            (Codec::Zstd0, compress(&pixels)),
            (Codec::Zstd1, split),
            (Codec::Zstd1, plain),
            (Codec::Zstd1, bare),
        ];
        for (codec, stored) in cases {
            let decode = |expected| codec.decode(stored.clone(), PixelType::Uint16, expected);
            assert_eq!(decode(6).unwrap(), pixels, "{codec:?}");
            assert!(decode(5).is_err() && decode(7).is_err(), "{codec:?}");
        }
    }

    #[test]
    fn damaged_headers_and_streams_are_errors() {
        let decode1 = |stored: &[u8]| Codec::Zstd1.decode(stored.to_vec(), PixelType::Uint8, 6).unwrap_err();
        assert!(decode1(&[]).contains("zstd1 header is \"\""));
        assert!(decode1(&[3, 2, 0]).contains("030200"));
        assert!(decode1(&[[3, 1, 1].to_vec(), compress(&[0; 6])].concat()).contains("8-bit"));
        assert!(decode1(&[1, 0xff, 0xff, 0xff]).contains("damaged"));
    }

    #[test]
    fn an_empty_image_packs_small_and_a_claim_beyond_that_is_refused_unallocated() {
        let black = vec![0; 2 * 2048 * 2048];
        let stored = compress(&black);
        assert!(stored.len() < 1500);
        assert_eq!(Codec::Zstd0.decode(stored, PixelType::Uint16, black.len()).unwrap(), black);
        let error = Codec::Zstd0.decode(vec![0; 100], PixelType::Uint16, 1 << 40).unwrap_err();
        assert!(error.contains("cannot hold"), "{error}");
    }
}
