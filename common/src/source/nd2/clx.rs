//! ND2 metadata: trees of named values, as a binary format (version 3, "CLx lite") or as XML (version 2).
//!
//! An item of the binary format is a type byte, the length of its name in UTF-16 units, the name, and the value. A level
//! (type 11) has the number of its items, its length counted from the start of the item, the items, and a table of eight
//! bytes per item, which nothing here needs. A chunk that starts with type 76 is zlib-compressed.
//!
//! Limits, each far above any real file: 32 levels, 32 MiB per chunk (compressed or not), a million values.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::source::error::SourceError;
use crate::source::little_endian::{f64_at, i32_at, u32_at, u64_at};

/// Most bytes that a chunk of metadata may have, also when decompressed.
pub(super) const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Deepest nesting.
pub(super) const MAX_DEPTH: usize = 32;
/// Most values in one chunk.
pub(super) const MAX_VALUES: usize = 1_000_000;

const TYPE_COMPRESSED: u8 = 76;
/// Type, name length and eight further bytes come before the compressed data.
const COMPRESSED_HEADER_BYTES: usize = 12;

/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// Items in the order of the file; in a list their names say nothing.
    Level(Vec<(String, Value)>),
}

impl Value {
    /// The item of this name, of a level that has one.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.items().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The items of a level; none of anything else.
    pub(super) fn items(&self) -> &[(String, Value)] {
        match self {
            Value::Level(items) => items,
            _ => &[],
        }
    }

    /// A count or an enum, whatever its stored type.
    pub(super) fn as_u32(&self) -> Option<u32> {
        match *self {
            Value::Int(number) => u32::try_from(number).ok(),
            Value::UInt(number) => u32::try_from(number).ok(),
            _ => None,
        }
    }

    /// A number.
    pub(super) fn as_f64(&self) -> Option<f64> {
        match *self {
            Value::Float(number) => Some(number),
            Value::Int(number) => Some(number as f64),
            Value::UInt(number) => Some(number as f64),
            _ => None,
        }
    }

    /// A flag.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match *self {
            Value::Bool(flag) => Some(flag),
            Value::Int(number) => Some(number != 0),
            Value::UInt(number) => Some(number != 0),
            _ => None,
        }
    }

    /// A text that isn't empty.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) if !text.trim().is_empty() => Some(text.trim()),
            _ => None,
        }
    }

    /// Flags of a list's items, stored as a level or as an array of bytes.
    pub(super) fn as_flags(&self) -> Option<Vec<bool>> {
        match self {
            Value::Bytes(bytes) => Some(bytes.iter().map(|&byte| byte != 0 && byte != b'0').collect()),
            Value::Level(items) => items.iter().map(|(_, value)| value.as_bool()).collect(),
            _ => None,
        }
    }
}

/// A parsed chunk, and where it comes from.
#[derive(Debug)]
pub(super) struct Document {
    /// The file.
    pub(super) location: String,
    /// "chunk NAME".
    pub(super) chunk: String,
    /// Position of the chunk.
    pub(super) offset: u64,
    /// Its content.
    pub(super) value: Value,
}

impl Document {
    /// The content without the wrapping item of version 3 or the nameless one of version 2.
    pub(super) fn unwrapped(&self, name: &str) -> &Value {
        if let Some(inner) = self.value.get(name) {
            return inner;
        }
        match self.value.items() {
            [(key, inner)] if key.is_empty() => inner.get(name).unwrap_or(inner),
            _ => &self.value,
        }
    }

    /// The file contradicts itself.
    pub(super) fn corrupt(&self, detail: impl Into<String>) -> SourceError {
        SourceError::Corrupt {
            location: self.location.clone(),
            what: self.chunk.clone(),
            offset: self.offset,
            detail: detail.into(),
        }
    }

    /// The file has something that isn't supported.
    pub(super) fn unsupported(&self, found: impl Into<String>, supported: &str) -> SourceError {
        SourceError::Unsupported {
            location: self.location.clone(),
            found: found.into(),
            supported: supported.to_string(),
        }
    }
}

/// Parses a chunk of either format; the error says what was found where.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.first() == Some(&b'<') {
        return super::clx_xml::parse(bytes);
    }
    let mut parser = Parser { values_left: MAX_VALUES };
    if bytes.first() != Some(&TYPE_COMPRESSED) {
        return parser.level(bytes, 1, 0);
    }
    let compressed = bytes.get(COMPRESSED_HEADER_BYTES..).unwrap_or_default();
    let mut decompressed = Vec::new();
    ZlibDecoder::new(compressed)
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut decompressed)
        .map_err(|error| format!("its zlib data is damaged: {error}"))?;
    if decompressed.len() > MAX_BYTES {
        return Err(format!("it decompresses to more than {MAX_BYTES} bytes"));
    }
    parser.level(&decompressed, 1, 0)
}

struct Parser {
    values_left: usize,
}

impl Parser {
    fn level(&mut self, bytes: &[u8], count: usize, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err(format!("its values are nested deeper than {MAX_DEPTH} levels"));
        }
        let mut items = Vec::new();
        let mut position = 0;
        while items.len() < count && position < bytes.len() {
            if self.values_left == 0 {
                return Err(format!("it has more than {MAX_VALUES} values"));
            }
            self.values_left -= 1;
            let (name, value, length) = self.item(&bytes[position..], depth)?;
            items.push((name, value));
            position += length;
        }
        Ok(Value::Level(items))
    }

    /// The item that `bytes` starts with, and how many bytes it takes.
    fn item(&mut self, bytes: &[u8], depth: usize) -> Result<(String, Value, usize), String> {
        let short = || "it ends within a value".to_string();
        let [type_byte, name_units, rest @ ..] = bytes else {
            return Err(short());
        };
        let name_bytes = rest.get(..2 * usize::from(*name_units)).ok_or_else(short)?;
        let name = utf16(name_bytes);
        let start = 2 + name_bytes.len();
        let (value, end) = match type_byte {
            1 => (Value::Bool(*bytes.get(start).ok_or_else(short)? != 0), start + 1),
            2 => (Value::Int(i32_at(bytes, start).ok_or_else(short)?.into()), start + 4),
            3 => (Value::UInt(u32_at(bytes, start).ok_or_else(short)?.into()), start + 4),
            4 => (Value::Int(u64_at(bytes, start).ok_or_else(short)?.cast_signed()), start + 8),
            5 | 7 => (Value::UInt(u64_at(bytes, start).ok_or_else(short)?), start + 8),
            6 => (Value::Float(f64_at(bytes, start).ok_or_else(short)?), start + 8),
            8 => {
                let text_bytes = text_length(&bytes[start..]).ok_or_else(short)?;
                (Value::Text(utf16(&bytes[start..start + text_bytes])), start + text_bytes)
            }
            9 => {
                let length = usize::try_from(u64_at(bytes, start).ok_or_else(short)?).map_err(|_| short())?;
                let content = start + 8;
                let end = content.checked_add(length).ok_or_else(short)?;
                (Value::Bytes(bytes.get(content..end).ok_or_else(short)?.to_vec()), end)
            }
            11 => {
                let count = u32_at(bytes, start).ok_or_else(short)? as usize;
                let length = usize::try_from(u64_at(bytes, start + 4).ok_or_else(short)?).map_err(|_| short())?;
                let content = bytes.get(start + 12..length).ok_or_else(short)?;
                let end = count.checked_mul(8).and_then(|table| table.checked_add(length)).ok_or_else(short)?;
                (self.level(content, count, depth + 1)?, end)
            }
            other => return Err(format!("a value ({name:?}) is of type {other}; expected 1 to 9 or 11")),
        };
        Ok((name, value, end))
    }
}

/// Bytes up to and with the zero that ends a UTF-16 text.
fn text_length(bytes: &[u8]) -> Option<usize> {
    let units = bytes.chunks_exact(2).position(|unit| unit == [0, 0])?;
    Some(2 * (units + 1))
}

/// A UTF-16 text without its final zero. A damaged one keeps what can be read: it is shown, never computed with.
fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    let text = String::from_utf16_lossy(&units);
    text.trim_end_matches('\0').to_string()
}

#[cfg(test)]
mod tests;
