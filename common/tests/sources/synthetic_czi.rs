//! CZI features that the real files don't have.

use fovflow_common::source::{Source, SourceError, open_bytes};
use ndarray::Array2;

use super::support::czi_writer::{Subblock, czi};
use super::support::pixel;
use super::{all_planes, error_of, expected_plane, plane};

const XML: &str = r#"<ImageDocument><Metadata><Information><Image><Dimensions><Channels>
    <Channel Name="Phase"/><Channel Name="GFP"/></Channels></Dimensions></Image></Information></Metadata></ImageDocument>"#;

fn open(subblocks: &[Subblock]) -> Box<dyn Source> {
    open_bytes("synthetic.czi", czi(subblocks, XML, &[])).unwrap()
}

/// A subblock of synthetic plane `number`, 9 x 6.
fn subblock(number: usize) -> Subblock {
    Subblock::new(9, 6, (0..54).map(|index| pixel(number, index / 9, index % 9)).collect())
}

#[test]
fn every_codec_and_pixel_type_gives_the_same_pixels() {
    for codec in [0, 5, 6] {
        let wide = Subblock { codec, ..subblock(3) };
        let narrow_pixels = wide.pixels.iter().map(|pixel| pixel % 256).collect();
        let narrow = Subblock { pixel_type: 0, channel: 1, pixels: narrow_pixels, ..wide.clone() };
        let mut source = open(&[wide, narrow]);
        let name = ["none", "", "", "", "", "zstd0", "zstd1"][codec as usize];
        assert_eq!((source.info().compression.as_str(), source.info().pixel_type.as_str()), (name, "uint16"));
        let expected = expected_plane(3, 6, 9);
        assert_eq!(source.read_plane(plane(0, 0, 0, 0)).unwrap(), expected, "codec {codec}");
        let narrow = source.read_plane(plane(0, 0, 1, 0)).unwrap();
        assert_eq!(narrow, expected.mapv(|pixel| pixel % 256), "codec {codec}");
    }
}

#[test]
fn axes_may_start_anywhere_and_scenes_may_be_missing() {
    let mut subblocks = Vec::new();
    for (scene, offset) in [(2, 0), (5, 4)] {
        for time in 0..2 {
            for z in 0..2 {
                let number = offset + 2 * time + z;
                subblocks.push(Subblock {
                    scene: Some(scene),
                    time: 40 + time as i32,
                    channel: 1,
                    z: z as i32 - 7,
                    x: -1_000_000 * scene,
                    y: 90_000,
                    ..subblock(number)
                });
            }
        }
    }
    let mut source = open(&subblocks);
    let info = source.info().clone();
    assert_eq!(info.fovs.iter().map(|fov| fov.id).collect::<Vec<_>>(), [2, 5]);
    assert_eq!((info.frames, info.z_planes, info.channels.len()), (2, 2, 1));
    assert_eq!(info.channels[0].name.as_deref(), Some("GFP"), "the file's channel 1");
    for (number, index) in all_planes(source.as_ref()).into_iter().enumerate() {
        assert_eq!(source.read_plane(index).unwrap(), expected_plane(number, 6, 9), "{index}");
    }
    let error = error_of(source.read_plane(plane(0, 0, 0, 0)));
    assert_eq!(error.to_string(), "synthetic.czi has no fov 0: the file has 2, numbered 2 to 5");
}

#[test]
fn tiles_overlap_in_the_order_of_their_index_and_gaps_are_background() {
    // Listed against the order of drawing. The first covers columns 0 to 8, the second 5 to 13, three rows lower.
    let lower = Subblock { scene: Some(0), mosaic: Some(0), x: 100, y: 50, ..subblock(1) };
    let upper = Subblock { scene: Some(0), mosaic: Some(1), x: 105, y: 53, ..subblock(2) };
    let mut source = open(&[upper, lower]);
    let mosaic = source.read_plane(plane(0, 0, 0, 0)).unwrap();
    let expected = Array2::from_shape_fn((9, 14), |(y, x)| {
        if y >= 3 && x >= 5 {
            pixel(2, y - 3, x - 5)
        } else if y < 6 && x < 9 {
            pixel(1, y, x)
        } else {
            0
        }
    });
    assert_eq!(mosaic, expected);
}

#[test]
fn a_missing_plane_and_a_lost_tile_are_errors() {
    let at = |time, channel| Subblock { time, channel, ..subblock(0) };
    let mut source = open(&[at(0, 0), at(0, 1), at(1, 0)]);
    let error = error_of(source.read_plane(plane(0, 1, 1, 0)));
    assert!(matches!(error, SourceError::MissingPlane { .. }), "{error}");
    assert!(error.to_string().contains("no pixels for fov 0, frame 1, channel 1, z 0"), "{error}");

    let far = |x| Subblock { scene: Some(0), mosaic: Some(x), x: 9 * 1000 * x, ..subblock(0) };
    let error = error_of(open(&[far(0), far(1)]).read_plane(plane(0, 0, 0, 0)));
    assert!(error.to_string().contains("its tiles cover 108 of 6 x 9009 pixels"), "{error}");
}

#[test]
fn short_long_and_damaged_pixels_are_errors_and_never_zeros() {
    let message = |codec: i32, stored: Vec<u8>| {
        let mut source =
            open(&[Subblock { codec, stored: Some(stored), ..subblock(0) }, Subblock { time: 1, ..subblock(1) }]);
        let error = error_of(source.read_plane(plane(0, 0, 0, 0)));
        assert!(matches!(error, SourceError::Corrupt { .. }), "{error}");
        error.to_string()
    };
    assert!(message(0, vec![1; 107]).contains("holds 107 bytes; expected 108"));
    assert!(message(0, vec![1; 109]).contains("holds 109 bytes; expected 108"));
    let zstd = |bytes: usize| zstd::bulk::compress(&vec![1; bytes], 1).unwrap();
    assert!(message(5, zstd(107)).contains("decompresses to 107 bytes; expected 108"));
    assert!(message(5, zstd(109)).contains("longer than 108 bytes"));
    assert!(message(6, zstd(108)).contains("zstd1 header"));
    assert!(message(5, vec![7; 50]).contains("zstd data is damaged"));
}

#[test]
fn extra_dimensions_codecs_and_split_files_are_refused_by_name() {
    let message = |bytes: Vec<u8>| error_of(open_bytes("synthetic.czi", bytes)).to_string();
    let phase = |value| Subblock { extra: Some((b'H', value)), ..subblock(0) };
    assert!(message(czi(&[phase(0), phase(1)], XML, &[])).contains("several values of dimension H"));
    let jpeg_xr = Subblock { codec: 4, ..subblock(0) };
    assert!(
        message(czi(&[jpeg_xr], XML, &[]))
            .contains("not supported: jpeg-xr compression; supported: uncompressed, zstd0")
    );
    let float = Subblock { pixel_type: 2, ..subblock(0) };
    assert!(message(czi(&[float], XML, &[])).contains("pixel type Gray32Float (2); supported: Gray8 and Gray16"));
    let mut part = czi(&[subblock(0)], XML, &[]);
    part[80] = 1;
    assert!(message(part).contains("split over several files (part 1)"));
    let mut unfinished = czi(&[subblock(0)], XML, &[]);
    unfinished[84..92].fill(0);
    assert!(message(unfinished).contains("never finished"));
    assert!(message(czi(&[subblock(0)], "<ImageDocument>", &[])).contains("xml is damaged"));
}

#[test]
fn time_stamps_give_the_interval_where_the_xml_has_none() {
    let movie: Vec<_> = (0..3).map(|time| Subblock { time, ..subblock(time as usize) }).collect();
    let source = open_bytes("synthetic.czi", czi(&movie, XML, &[0.0, 1.0, 2.5])).unwrap();
    assert_eq!(source.info().frame_interval_s, Some(1.25));
    assert_eq!(open(&movie).info().frame_interval_s, None);
}

#[test]
fn the_directory_decides_and_a_subblock_that_contradicts_it_is_an_error() {
    let mut bytes = czi(&[subblock(0)], XML, &[]);
    // The pixel type in the subblock's own entry: after the file header and the subblock's header and sizes.
    bytes[544 + 32 + 16 + 2] = 0;
    let error = error_of(open_bytes("synthetic.czi", bytes));
    assert!(error.to_string().contains("pixel type 0 and codec 0; the directory says 1 and 0"), "{error}");
}
