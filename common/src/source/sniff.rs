//! Tells a file's format from its first bytes; its name says nothing.

use super::error::SourceError;
use super::info::SourceFormat;
use super::range_reader::{RangeRead, read_range};
use super::{czi, nd2};

/// Signatures of what people take for a movie, so that the message can name it.
const FOREIGN: [(&[u8], &str); 12] = [
    (b"II*\0", "is a tiff file"),
    (b"MM\0*", "is a tiff file"),
    (b"II+\0", "is a bigtiff file"),
    (b"MM\0+", "is a bigtiff file"),
    (b"\x70\0\0\0", "looks like a leica lif file"),
    (b"\x89HDF\r\n\x1a\n", "is an hdf5 file (imaris, or h5)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an ole file (olympus oib, zeiss zvi)"),
    (b"PK\x03\x04", "is a zip archive"),
    (b"\x1f\x8b", "is a gzip archive"),
    (b"\x89PNG", "is a png image"),
    (b"\xff\xd8\xff", "is a jpeg image"),
    (b"SIMPLE  =", "is a fits image"),
];

/// The format of a file.
///
/// # Errors
/// [`SourceError::UnknownFormat`] says what was found instead; [`SourceError::Unsupported`] for an ND2 of version 1.
pub(super) fn format(reader: &dyn RangeRead) -> Result<SourceFormat, SourceError> {
    let head = read_range(reader, 0, reader.len().min(32), "the first bytes")?;
    if head.starts_with(czi::FILE_MAGIC) {
        return Ok(SourceFormat::Czi);
    }
    if head.starts_with(&nd2::CHUNK_MAGIC) {
        return Ok(SourceFormat::Nd2);
    }
    if head.starts_with(b"\0\0\0\x0cjP  \r\n\x87\n") {
        return Err(SourceError::Unsupported {
            location: reader.location().to_string(),
            found: "a jpeg-2000 file, such as an nd2 of version 1 (nis-elements before 2007)".to_string(),
            supported: "nd2 of version 2 or 3; save it anew with a current nis-elements".to_string(),
        });
    }
    Err(SourceError::UnknownFormat { location: reader.location().to_string(), found: describe(&head) })
}

fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "is empty".to_string();
    }
    for (signature, description) in FOREIGN {
        if head.starts_with(signature) {
            return description.to_string();
        }
    }
    if head.iter().all(|&byte| byte == 0) {
        return format!("starts with {} zero bytes, as a download that was cut off may", head.len());
    }
    let is_text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    if head.iter().all(is_text) {
        let text = String::from_utf8_lossy(head);
        return format!("is a text file that starts with {:?}", text.trim());
    }
    format!("starts with the bytes {}", hex::encode(&head[..head.len().min(16)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::range_reader::MemoryFile;

    fn message(bytes: &[u8]) -> String {
        let file = MemoryFile::new("movie.nd2", bytes.to_vec());
        format(&file).unwrap_err().to_string()
    }

    #[test]
    fn names_what_was_found_instead_of_a_movie() {
        assert!(message(b"").contains("movie.nd2 is neither an nd2 nor a czi file: it is empty"));
        assert!(message(b"dear diary, ").contains("text file that starts with \"dear diary,\""));
        assert!(message(b"II*\0\x08\0\0\0").contains("is a tiff file"));
        assert!(message(&[0; 100]).contains("32 zero bytes"));
        assert!(message(&[0xde, 0xad, 0xbe]).contains("starts with the bytes deadbe"));
        assert!(message(b"\0\0\0\x0cjP  \r\n\x87\nftyp").contains("nd2 of version 1"));
    }

    #[test]
    fn knows_both_formats_by_content() {
        let czi = MemoryFile::new("movie.txt", b"ZISRAWFILE\0\0\0\0\0\0rest".to_vec());
        assert_eq!(format(&czi).unwrap(), SourceFormat::Czi);
        let nd2 = MemoryFile::new("movie.txt", vec![0xda, 0xce, 0xbe, 0x0a]);
        assert_eq!(format(&nd2).unwrap(), SourceFormat::Nd2);
    }
}
