use super::*;
use crate::source::range_reader::MemoryFile;

fn tile(scene: i32, time: i32, mosaic: i32, x: i32) -> Tile {
    Tile {
        scene,
        time,
        channel: 0,
        z: 0,
        mosaic,
        x,
        y: 0,
        width: 10,
        height: 20,
        position: 0,
        pixel_type: PixelType::Uint16,
        codec: Codec::None,
    }
}

/// An entry of the directory: (letter, start, size, stored size).
fn entry(pixel_type: i32, codec: i32, dimensions: &[(u8, i32, i32, i32)]) -> Vec<u8> {
    let mut bytes = b"DV".to_vec();
    bytes.extend(pixel_type.to_le_bytes());
    bytes.extend(1000_u64.to_le_bytes());
    bytes.extend(0_i32.to_le_bytes());
    bytes.extend(codec.to_le_bytes());
    bytes.extend([0; 6]);
    bytes.extend((dimensions.len() as i32).to_le_bytes());
    for &(letter, start, size, stored) in dimensions {
        bytes.extend([letter, 0, 0, 0]);
        for number in [start, size, 0, stored] {
            bytes.extend(number.to_le_bytes());
        }
    }
    bytes
}

/// A file of 4000 bytes with a directory of these entries at its start.
fn read(entries: &[Vec<u8>]) -> Result<Directory, SourceError> {
    let entry_bytes = entries.concat();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(0_u64.to_le_bytes());
    bytes.extend((FIXED_BYTES + entry_bytes.len() as u64).to_le_bytes());
    bytes.extend((entries.len() as i32).to_le_bytes());
    bytes.extend([0; FIXED_BYTES as usize - 4]);
    bytes.extend(entry_bytes);
    bytes.resize(4000, 0);
    Directory::read(&MemoryFile::new("movie.czi", bytes), 0)
}

const X: (u8, i32, i32, i32) = (b'X', 5, 10, 10);
const Y: (u8, i32, i32, i32) = (b'Y', -3, 20, 20);

#[test]
fn entries_become_scenes_axes_and_tiles_in_drawing_order() {
    let at = |scene, time, mosaic, x| {
        entry(1, 0, &[(b'X', x, 10, 10), Y, (b'S', scene, 1, 0), (b'T', time, 1, 0), (b'M', mosaic, 1, 0)])
    };
    let pyramid = entry(1, 4, &[(b'X', 0, 900, 450), (b'Y', 0, 900, 450), (b'S', 0, 1, 0)]);
    let directory = read(&[at(2, 8, 1, 0), at(2, 8, 0, 7), at(2, 9, 0, 0), at(0, 7, 0, 100), pyramid]).unwrap();
    assert_eq!(directory.time, Axis { first: 7, count: 3 });
    assert_eq!(directory.channel, Axis { first: 0, count: 1 });
    let boxes: Vec<_> =
        directory.scenes.iter().map(|scene| (scene.index, scene.x, scene.width, scene.height)).collect();
    assert_eq!(boxes, [(0, 100, 10, 20), (2, 0, 17, 20)]);
    let scene = directory.scenes[1];
    let drawn = |time| directory.plane_tiles(&scene, time, 0, 0).iter().map(|tile| tile.x).collect::<Vec<_>>();
    assert_eq!((drawn(0), drawn(1), drawn(2)), (vec![], vec![7, 0], vec![0]));
}

#[test]
fn what_cannot_be_read_is_named() {
    let message = |entries: &[Vec<u8>]| read(entries).unwrap_err().to_string();
    assert!(message(&[entry(3, 0, &[X, Y])]).contains("movie.czi is not supported: pixel type Bgr24 (3)"));
    assert!(message(&[entry(2, 0, &[X, Y])]).contains("Gray32Float"));
    assert!(message(&[entry(1, 4, &[X, Y])]).contains("jpeg-xr compression; supported: uncompressed, zstd0 and zstd1"));
    assert!(message(&[entry(1, 0, &[X])]).contains("10 x 0 pixels"));
    assert!(message(&[entry(1, 0, &[X, Y, (b'Z', 0, 5, 5)])]).contains("spans 5 values of dimension Z"));
    let phase = |value| entry(1, 0, &[X, Y, (b'H', value, 1, 0)]);
    assert!(read(&[phase(3), phase(3)]).is_ok());
    assert!(message(&[phase(0), phase(1)]).contains("several values of dimension H (0 and 1)"));
    assert!(message(&[entry(1, 0, &[X, Y, (b'S', 0, 1, 0)]), entry(1, 0, &[X, Y])]).contains("others to none"));
    assert!(message(&[entry(1, 0, &[(b'X', 0, 900, 450), Y])]).contains("no subblock in full resolution"));
}

#[test]
fn sizes_beyond_the_file_are_refused() {
    let message =
        |dimensions: &[(u8, i32, i32, i32)], codec| read(&[entry(1, codec, dimensions)]).unwrap_err().to_string();
    let wide = [(b'X', 0, 2000, 2000), Y];
    assert!(message(&wide, 0).contains("truncated: subblock 0 takes bytes 1000 to 81288"));
    let huge = [(b'X', 0, i32::MAX, i32::MAX), (b'Y', 0, i32::MAX, i32::MAX)];
    assert!(message(&huge, 5).contains("truncated"));
    let apart = |x| entry(1, 0, &[(b'X', x, 10, 10), Y]);
    assert!(read(&[apart(i32::MIN), apart(i32::MAX)]).unwrap_err().to_string().contains("span 4294967305 x 20 pixels"));
    let late = |time| entry(1, 0, &[X, Y, (b'T', time, 1, 0)]);
    assert!(read(&[late(0), late(i32::MAX)]).unwrap_err().to_string().contains("along time (T)"));
}

#[test]
fn a_tile_takes_48_bytes() {
    assert_eq!(size_of::<Tile>(), 56 - 8);
    let directory = Directory::from_tiles(vec![tile(0, 0, 0, 0)]).unwrap();
    assert_eq!(directory.scenes.len(), 1);
}
