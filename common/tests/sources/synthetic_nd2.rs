//! ND2 features that the real files don't have.

use fovflow_common::source::{Source, SourceError, open_bytes};

use super::support::nd2_writer::{Loop, Nd2};
use super::support::pixel;
use super::{all_planes, error_of, expected_plane, plane};

const WIDTH: usize = 13;
const HEIGHT: usize = 7;

/// `count` frames of two channels; channel `c` of frame `n` is synthetic plane `2 n + c`.
fn two_channels(count: usize) -> Nd2 {
    let frame = |number: usize| {
        let sample = |index: usize| {
            let (pixel_index, channel) = (index / 2, index % 2);
            pixel(2 * number + channel, pixel_index / WIDTH, pixel_index % WIDTH)
        };
        (0..2 * WIDTH * HEIGHT).map(sample).collect()
    };
    Nd2 { channels: vec!["Phase", "GFP"], ..Nd2::new(WIDTH as u32, HEIGHT as u32, (0..count).map(frame).collect()) }
}

fn open(nd2: &Nd2) -> Box<dyn Source> {
    open_bytes("synthetic.nd2", nd2.to_bytes()).unwrap()
}

fn time(count: u32) -> Loop {
    Loop::Time { count, period_ms: 2500.0 }
}

#[test]
fn raw_zlib_and_padded_rows_give_the_same_pixels() {
    for (is_compressed, row_padding) in [(false, 0), (true, 0), (false, 6), (true, 6)] {
        let nd2 = Nd2 { is_compressed, row_padding, loops: vec![time(3)], ..two_channels(3) };
        let mut source = open(&nd2);
        assert_eq!(source.info().compression, if is_compressed { "zlib" } else { "none" });
        for index in all_planes(source.as_ref()) {
            let number = 2 * index.frame + index.channel;
            let expected = expected_plane(number as usize, HEIGHT, WIDTH);
            assert_eq!(source.read_plane(index).unwrap(), expected, "{index}, compressed {is_compressed}");
        }
    }
}

#[test]
fn eight_bit_pixels_keep_their_value() {
    let mut nd2 = Nd2 { bits: 8, is_compressed: true, ..two_channels(1) };
    for sample in nd2.frames[0].as_mut().unwrap() {
        *sample %= 256;
    }
    let mut source = open(&nd2);
    assert_eq!(source.info().pixel_type, "uint8");
    let expected = expected_plane(1, HEIGHT, WIDTH).mapv(|pixel| pixel % 256);
    assert_eq!(source.read_plane(plane(0, 0, 1, 0)).unwrap(), expected);
}

#[test]
fn loops_in_any_order_lead_to_the_right_frame() {
    let positions = Loop::Positions(vec![("A1", true), ("A2", false), ("B1", true)]);
    let nestings = [
        (vec![time(3), positions.clone(), Loop::Z(4)], [4, 2 * 4, 1]),
        (vec![positions.clone(), Loop::Z(4), time(3)], [4 * 3, 1, 3]),
        (vec![Loop::Z(4), time(3), positions], [1, 2, 2 * 3]),
    ];
    for (loops, strides) in nestings {
        let mut source = open(&Nd2 { loops, ..two_channels(24) });
        let info = source.info().clone();
        let names: Vec<_> = info.fovs.iter().map(|fov| (fov.id, fov.name.as_deref())).collect();
        assert_eq!(names, [(0, Some("A1")), (1, Some("B1"))], "the unticked position has no frames");
        assert_eq!((info.frames, info.z_planes, info.frame_interval_s), (3, 4, Some(2.5)));
        for index in all_planes(source.as_ref()) {
            let frame = index.fov * strides[0] + index.frame * strides[1] + index.z * strides[2];
            let expected = expected_plane((2 * frame + index.channel) as usize, HEIGHT, WIDTH);
            assert_eq!(source.read_plane(index).unwrap(), expected, "{index}, strides {strides:?}");
        }
    }
}

#[test]
fn a_file_without_loops_is_a_movie_and_time_stamps_give_its_interval() {
    let nd2 = Nd2 { time_stamps_ms: vec![100.0, 1100.0, 2300.0], ..two_channels(3) };
    let source = open(&nd2);
    let info = source.info();
    assert_eq!((info.fovs.len(), info.frames, info.z_planes), (1, 3, 1));
    assert_eq!(info.frame_interval_s, Some(1.1));
}

#[test]
fn a_stopped_acquisition_is_a_shorter_movie_and_a_lost_frame_an_error() {
    let positions = || Loop::Positions(vec![("A1", true), ("A2", true)]);
    let stopped = Nd2 { loops: vec![time(100), positions()], ..two_channels(7) };
    let mut source = open(&stopped);
    assert_eq!(source.info().frames, 3);
    let error = error_of(source.read_plane(plane(0, 3, 0, 0)));
    assert_eq!(error.to_string(), "synthetic.nd2 has no frame 3: the file has 3, numbered 0 to 2");

    let stopped = Nd2 { loops: vec![positions(), time(5)], ..two_channels(8) };
    let mut source = open(&stopped);
    source.read_plane(plane(1, 2, 0, 0)).unwrap();
    let error = error_of(source.read_plane(plane(1, 3, 1, 0)));
    assert!(matches!(error, SourceError::MissingPlane { .. }), "{error}");
    assert!(error.to_string().contains("no pixels for fov 1, frame 3, channel 1, z 0"), "{error}");

    let mut lost = Nd2 { loops: vec![time(4)], ..two_channels(4) };
    lost.frames[2] = None;
    let mut source = open(&lost);
    assert!(matches!(error_of(source.read_plane(plane(0, 2, 0, 0))), SourceError::MissingPlane { .. }));
    source.read_plane(plane(0, 3, 0, 0)).unwrap();
}

#[test]
fn short_frames_colour_and_float_are_refused_by_name() {
    let message = |nd2: Nd2| error_of(open_bytes("synthetic.nd2", nd2.to_bytes())).to_string();
    let colour = Nd2 { channels: vec!["RGB"], components: Some(3), ..two_channels(1) };
    assert!(message(colour).contains("(uiWidthBytes); expected at least 78"));
    let wide = Nd2 { channels: vec!["RGB"], components: Some(3), row_padding: 100, ..two_channels(1) };
    assert!(message(wide).contains("colour (rgb) pixels: 3 components in 1 channels"));
    let float = Nd2 { bits: 32, row_padding: 0, ..two_channels(1) };
    assert!(message(float).contains("synthetic.nd2 is not supported: 32-bit floating-point pixels"));
    let bad_claim = Nd2 { sequence_count: Some(9), ..two_channels(1) };
    assert!(message(bad_claim).contains("states 9 frames (uiSequenceCount), but its chunk map lists 1"));

    for is_compressed in [false, true] {
        let mut short = Nd2 { is_compressed, ..two_channels(2) };
        short.frames[1].as_mut().unwrap().truncate(2 * WIDTH * (HEIGHT - 1));
        let mut source = open(&short);
        source.read_plane(plane(0, 0, 0, 0)).unwrap();
        let error = error_of(source.read_plane(plane(0, 1, 0, 0)));
        assert!(matches!(error, SourceError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("expected 364") && error.to_string().contains("312"), "{error}");
    }
}

#[test]
fn indices_outside_the_movie_are_errors() {
    let mut source = open(&two_channels(2));
    for (index, axis) in [
        (plane(1, 0, 0, 0), "fov 1"),
        (plane(0, 2, 0, 0), "frame 2"),
        (plane(0, 0, 2, 0), "channel 2"),
        (plane(0, 0, 0, 1), "z plane 1"),
    ] {
        let error = error_of(source.read_plane(index));
        assert!(matches!(error, SourceError::OutOfRange { .. }), "{error}");
        assert!(error.to_string().contains(axis), "{error}");
    }
}
