use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::*;

fn item(type_byte: u8, name: &str, value: &[u8]) -> Vec<u8> {
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    let mut bytes = vec![type_byte, name.len() as u8];
    bytes.extend(name.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes.extend(value);
    bytes
}

fn level(name: &str, items: &[Vec<u8>]) -> Vec<u8> {
    let content = items.concat();
    let header_bytes = item(11, name, &[]).len() + 12;
    let mut value = (items.len() as u32).to_le_bytes().to_vec();
    value.extend(((header_bytes + content.len()) as u64).to_le_bytes());
    value.extend(content);
    value.extend(vec![0; 8 * items.len()]);
    item(11, name, &value)
}

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn sample() -> Vec<u8> {
    let points = level("Points", &[level("", &[item(8, "dPosName", &text("A1"))]), level("", &[])]);
    let items = [
        item(3, "uiCount", &7_u32.to_le_bytes()),
        item(2, "iOffset", &(-3_i32).to_le_bytes()),
        item(6, "dPeriod", &2.5_f64.to_le_bytes()),
        item(1, "bUse", &[1]),
        points,
        item(9, "pItemValid", &[&3_u64.to_le_bytes()[..], &[1, 0, 1]].concat()),
        item(8, "wsName", &text("µ-slide")),
    ];
    level("SLxExperiment", &items)
}

#[test]
fn reads_every_type_that_is_used() {
    let value = parse(&sample()).unwrap();
    let inner = value.get("SLxExperiment").unwrap();
    assert_eq!(inner.get("uiCount").unwrap().as_u32(), Some(7));
    assert_eq!(inner.get("iOffset").unwrap().as_u32(), None);
    assert_eq!(inner.get("iOffset").unwrap().as_f64(), Some(-3.0));
    assert_eq!(inner.get("dPeriod").unwrap().as_f64(), Some(2.5));
    assert_eq!(inner.get("bUse").unwrap().as_bool(), Some(true));
    let points = inner.get("Points").unwrap().items();
    assert_eq!(points.len(), 2);
    assert_eq!(points[0].1.get("dPosName").unwrap().as_text(), Some("A1"));
    assert_eq!(inner.get("pItemValid").unwrap().as_flags(), Some(vec![true, false, true]));
    assert_eq!(inner.get("wsName").unwrap().as_text(), Some("µ-slide"), "what follows a level and an array");
}

#[test]
fn a_chunk_cut_anywhere_gives_an_error_and_no_panic() {
    let bytes = sample();
    for length in 1..bytes.len() - 8 * 7 {
        assert!(parse(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn compressed_chunks_are_read_within_limits() {
    let compress = |bytes: &[u8]| {
        let mut encoder = ZlibEncoder::new(vec![TYPE_COMPRESSED; COMPRESSED_HEADER_BYTES], Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(parse(&compress(&sample())), parse(&sample()));
    let bomb = compress(&vec![0; MAX_BYTES + 1]);
    assert!(bomb.len() < 40_000);
    assert!(parse(&bomb).unwrap_err().contains("decompresses to more than"));
    assert!(parse(&[TYPE_COMPRESSED; 40]).unwrap_err().contains("zlib data is damaged"));
}

#[test]
fn nesting_and_counts_are_limited() {
    let mut nested = item(1, "b", &[1]);
    for _ in 0..=MAX_DEPTH + 1 {
        nested = level("a", &[nested]);
    }
    assert!(parse(&nested).unwrap_err().contains("nested deeper"));

    // A nameless flag takes three bytes: the cheapest way to ask for many values.
    let flags = [1, 0, 1].repeat(MAX_VALUES + 1);
    let mut value = (MAX_VALUES as u32 + 1).to_le_bytes().to_vec();
    value.extend((flags.len() as u64 + 14).to_le_bytes());
    let many = [vec![11, 0], value, flags].concat();
    assert!(parse(&many).unwrap_err().contains("more than 1000000 values"));
}

#[test]
fn an_array_longer_than_its_chunk_is_not_allocated() {
    let huge = item(9, "pItemValid", &u64::MAX.to_le_bytes());
    assert!(parse(&huge).is_err());
    let huge_level = item(11, "a", &[&u32::MAX.to_le_bytes()[..], &u64::MAX.to_le_bytes()].concat());
    assert!(parse(&huge_level).is_err());
}
