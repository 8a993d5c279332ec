//! How an ND2 file's frames are stored: chunk `ImageAttributesLV!` (version 3) or `ImageAttributes!` (version 2).

use super::clx::{Document, Value};
use crate::source::error::SourceError;
use crate::source::pixels::PixelType;

const SUPPORTED: &str = "8- and 16-bit unsigned grey";

/// Most channels of a file; spectral detectors have 32.
const MAX_COMPONENTS: u32 = 1000;

/// How the bytes of a frame are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// As they are.
    None,
    /// One zlib stream per frame.
    Zlib,
}

/// The attributes that reading needs. A frame holds all channels, interleaved pixel by pixel.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attributes {
    /// Pixels along x.
    pub(super) width: u32,
    /// Pixels along y.
    pub(super) height: u32,
    /// Samples per pixel: channels times colour components.
    pub(super) components: u32,
    pub(super) pixel_type: PixelType,
    pub(super) bits_significant: Option<u32>,
    /// Bytes from one row to the next.
    pub(super) row_bytes: u64,
    /// Frames that the file says it holds.
    pub(super) sequence_count: u32,
    pub(super) compression: Compression,
}

impl Attributes {
    /// Reads the attributes, and refuses what can't be read.
    pub(super) fn parse(document: &Document) -> Result<Self, SourceError> {
        let fields = document.unwrapped("SLxImageAttributes");
        let number = |name: &str| {
            let value = fields.get(name).and_then(Value::as_u32);
            value.ok_or_else(|| document.corrupt(format!("{name} is missing or not a number")))
        };
        let width = number("uiWidth")?;
        let height = number("uiHeight")?;
        let components = number("uiComp")?;
        if width == 0 || height == 0 || components == 0 {
            return Err(document.corrupt(format!(
                "the frames are {width} x {height} pixels with {components} components; expected at least 1"
            )));
        }
        if components > MAX_COMPONENTS {
            return Err(
                document.corrupt(format!("a pixel has {components} components; expected at most {MAX_COMPONENTS}"))
            );
        }
        let pixel_type = parse_pixel_type(document, fields, number("uiBpcInMemory")?)?;
        // Saturates far above any file's length, against which it is held later.
        let used_row_bytes = (u64::from(width) * u64::from(components)).saturating_mul(pixel_type.bytes() as u64);
        let row_bytes = match fields.get("uiWidthBytes").and_then(Value::as_u32) {
            None | Some(0) => used_row_bytes,
            Some(row_bytes) => u64::from(row_bytes),
        };
        if row_bytes < used_row_bytes {
            return Err(document.corrupt(format!(
                "a row takes {row_bytes} bytes (uiWidthBytes); expected at least {used_row_bytes} for {width} pixels of \
                 {components} components"
            )));
        }
        Ok(Self {
            width,
            height,
            components,
            pixel_type,
            bits_significant: fields.get("uiBpcSignificant").and_then(Value::as_u32),
            row_bytes,
            sequence_count: number("uiSequenceCount")?,
            compression: parse_compression(document, fields)?,
        })
    }

    /// Bytes of a whole frame, decoded; saturates far above any file's length.
    pub(super) fn frame_bytes(&self) -> u64 {
        self.row_bytes.saturating_mul(u64::from(self.height))
    }
}

fn parse_pixel_type(document: &Document, fields: &Value, bits: u32) -> Result<PixelType, SourceError> {
    // ePixelType: 1 unsigned, 2 signed, 3 float; older files leave it out or zero.
    let kind = fields.get("ePixelType").and_then(Value::as_u32).unwrap_or(1);
    match (bits, kind) {
        (8, 0 | 1) => Ok(PixelType::Uint8),
        (16, 0 | 1) => Ok(PixelType::Uint16),
        (32, _) => Err(document.unsupported("32-bit floating-point pixels", SUPPORTED)),
        (_, 2) => Err(document.unsupported(format!("{bits}-bit signed pixels"), SUPPORTED)),
        (_, 3) => Err(document.unsupported(format!("{bits}-bit floating-point pixels"), SUPPORTED)),
        _ => Err(document.unsupported(format!("{bits}-bit pixels of kind {kind}"), SUPPORTED)),
    }
}

/// `eCompression` is a number in real files; some tools write its name.
fn parse_compression(document: &Document, fields: &Value) -> Result<Compression, SourceError> {
    let lossy = || document.unsupported("lossy jpeg-2000 compression", "uncompressed and lossless (zlib) frames");
    match fields.get("eCompression") {
        None => Ok(Compression::None),
        Some(Value::Text(name)) => match name.as_str() {
            "lossless" => Ok(Compression::Zlib),
            "lossy" => Err(lossy()),
            "none" | "" => Ok(Compression::None),
            other => Err(document.corrupt(format!("eCompression is {other:?}; expected lossless, lossy or none"))),
        },
        Some(value) => {
            match value.as_f64() {
                Some(0.0) => Ok(Compression::Zlib),
                Some(1.0) => Err(lossy()),
                Some(2.0) => Ok(Compression::None),
                _ => Err(document
                    .corrupt(format!("eCompression is {value:?}; expected 0 (lossless), 1 (lossy) or 2 (none)"))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(changes: &[(&str, Value)]) -> Result<Attributes, SourceError> {
        let mut fields = vec![
            ("uiWidth".to_string(), Value::UInt(38)),
            ("uiWidthBytes".to_string(), Value::UInt(152)),
            ("uiHeight".to_string(), Value::UInt(31)),
            ("uiComp".to_string(), Value::UInt(2)),
            ("uiBpcInMemory".to_string(), Value::UInt(16)),
            ("uiBpcSignificant".to_string(), Value::UInt(12)),
            ("uiSequenceCount".to_string(), Value::UInt(30)),
            ("eCompression".to_string(), Value::Int(2)),
        ];
        for (name, value) in changes {
            fields.retain(|(key, _)| key != name);
            fields.push((name.to_string(), value.clone()));
        }
        Attributes::parse(&Document {
            location: "movie.nd2".to_string(),
            chunk: "chunk ImageAttributesLV!".to_string(),
            offset: 4096,
            value: Value::Level(vec![("SLxImageAttributes".to_string(), Value::Level(fields))]),
        })
    }

    #[test]
    fn reads_sizes_types_and_both_ways_to_write_the_codec() {
        let attributes = parse(&[]).unwrap();
        assert_eq!((attributes.width, attributes.height, attributes.components), (38, 31, 2));
        assert_eq!((attributes.row_bytes, attributes.frame_bytes()), (152, 152 * 31));
        assert_eq!(attributes.bits_significant, Some(12));
        assert_eq!(attributes.compression, Compression::None);
        assert_eq!(parse(&[("eCompression", Value::Int(0))]).unwrap().compression, Compression::Zlib);
        let by_name = parse(&[("eCompression", Value::Text("lossless".to_string()))]).unwrap();
        assert_eq!(by_name.compression, Compression::Zlib);
        assert_eq!(parse(&[("uiWidthBytes", Value::UInt(0))]).unwrap().row_bytes, 152);
    }

    #[test]
    fn refuses_what_it_cannot_read_and_says_what() {
        let message = |name: &str, value: Value| parse(&[(name, value)]).unwrap_err().to_string();
        assert!(
            message("uiBpcInMemory", Value::UInt(32)).contains("movie.nd2 is not supported: 32-bit floating-point")
        );
        assert!(message("ePixelType", Value::Int(2)).contains("signed"));
        assert!(message("eCompression", Value::Int(1)).contains("lossy"));
        assert!(message("eCompression", Value::Int(9)).contains("expected 0 (lossless)"));
        assert!(message("uiWidthBytes", Value::UInt(150)).contains("expected at least 152"));
        assert!(message("uiHeight", Value::UInt(0)).contains("at least 1"));
        assert!(message("uiComp", Value::Text("two".to_string())).contains("uiComp is missing or not a number"));
    }

    #[test]
    fn absurd_sizes_do_not_overflow() {
        let huge = || Value::UInt(u32::MAX.into());
        let sizes = [("uiWidth", huge()), ("uiHeight", huge()), ("uiWidthBytes", Value::UInt(0))];
        assert_eq!(parse(&sizes).unwrap().frame_bytes(), u64::MAX);
        assert!(parse(&[("uiComp", huge())]).unwrap_err().to_string().contains("expected at most 1000"));
    }
}
