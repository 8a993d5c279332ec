//! Which frame of an ND2 file holds which FOV, time point and Z plane.

use super::attributes::Attributes;
use super::clx::Document;
use super::experiment::{Axis, Loop};
use crate::source::error::SourceError;

/// The sizes of the axes, and how far apart their steps lie in the sequence of frames.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sequence {
    pub(super) positions: u32,
    pub(super) frames: u32,
    pub(super) z_planes: u32,
    position_stride: u64,
    frame_stride: u64,
    z_stride: u64,
}

impl Sequence {
    /// From the loops, outermost first. A missing axis has size 1; a file without any loop is a movie of all its frames.
    ///
    /// An acquisition that was stopped keeps the loops as they were planned, but states fewer frames. Then the outermost
    /// loop is cut: time to its complete steps, positions to those that have any frame. Whatever is still missing after that
    /// is an error when it is read.
    pub(super) fn new(attributes: &Attributes, loops: &[Loop], document: &Document) -> Result<Self, SourceError> {
        let stored = u64::from(attributes.sequence_count);
        if stored == 0 {
            return Err(document.corrupt("the file states that it holds no frame (uiSequenceCount is 0)"));
        }
        let mut sequence =
            Self { positions: 1, frames: 1, z_planes: 1, position_stride: 0, frame_stride: 0, z_stride: 0 };
        if loops.is_empty() {
            sequence.frames = attributes.sequence_count;
            sequence.frame_stride = 1;
            return Ok(sequence);
        }
        let outermost = loops.iter().position(|step| step.count > 1);
        let mut stride: u64 = 1;
        for (depth, step) in loops.iter().enumerate().rev() {
            let is_outermost = outermost == Some(depth);
            let count = match step.axis {
                Axis::Time if is_outermost => u64::from(step.count).min(stored / stride),
                Axis::Position if is_outermost => u64::from(step.count).min(stored.div_ceil(stride)),
                _ => u64::from(step.count),
            };
            // Not above `step.count`, so that it fits.
            let size = count as u32;
            match step.axis {
                Axis::Time => (sequence.frames, sequence.frame_stride) = (size, stride),
                Axis::Position => (sequence.positions, sequence.position_stride) = (size, stride),
                Axis::Z => (sequence.z_planes, sequence.z_stride) = (size, stride),
            }
            stride = stride.saturating_mul(count);
        }
        if stride == 0 {
            return Err(document.corrupt(format!("no time point is complete: the file states only {stored} frames")));
        }
        if stride / MAX_PLANNED_PER_STORED > stored {
            return Err(document.corrupt(format!(
                "the loops have {stride} steps, but the file states only {stored} frames (uiSequenceCount)"
            )));
        }
        Ok(sequence)
    }

    /// The number of the frame that holds a plane, for IDs within the sizes.
    pub(super) fn number(&self, position: u32, frame: u32, z: u32) -> u64 {
        u64::from(position) * self.position_stride + u64::from(frame) * self.frame_stride + u64::from(z) * self.z_stride
    }
}

/// How many times more steps than frames a file may claim before it is taken for damaged.
const MAX_PLANNED_PER_STORED: u64 = 10_000;

#[cfg(test)]
mod tests {
    use super::super::attributes::Compression;
    use super::super::clx::Value;
    use super::*;
    use crate::source::pixels::PixelType;

    fn sequence(loops: &[(Axis, u32)], stored: u32) -> Result<Sequence, SourceError> {
        let attributes = Attributes {
            width: 4,
            height: 4,
            components: 1,
            pixel_type: PixelType::Uint16,
            bits_significant: None,
            row_bytes: 8,
            sequence_count: stored,
            compression: Compression::None,
        };
        let document = Document {
            location: "movie.nd2".to_string(),
            chunk: "chunk ImageAttributesLV!".to_string(),
            offset: 0,
            value: Value::Level(Vec::new()),
        };
        let to_loop = |&(axis, count): &(Axis, u32)| Loop { axis, count, period_ms: None, names: Vec::new() };
        let loops: Vec<Loop> = loops.iter().map(to_loop).collect();
        Sequence::new(&attributes, &loops, &document)
    }

    fn sizes(loops: &[(Axis, u32)], stored: u32) -> (u32, u32, u32) {
        let sequence = sequence(loops, stored).unwrap();
        (sequence.positions, sequence.frames, sequence.z_planes)
    }

    #[test]
    fn the_nesting_decides_where_a_plane_lies() {
        let time_outside = sequence(&[(Axis::Time, 3), (Axis::Position, 4), (Axis::Z, 5)], 60).unwrap();
        assert_eq!(time_outside.number(1, 2, 3), (2 * 4 + 1) * 5 + 3);
        let position_outside = sequence(&[(Axis::Position, 4), (Axis::Z, 5), (Axis::Time, 3)], 60).unwrap();
        assert_eq!(position_outside.number(1, 2, 3), (5 + 3) * 3 + 2);
        assert_eq!(position_outside.number(3, 2, 4), 59);
    }

    #[test]
    fn missing_axes_have_size_one_and_no_loop_means_a_movie() {
        assert_eq!(sizes(&[(Axis::Z, 5)], 5), (1, 1, 5));
        assert_eq!(sizes(&[], 53), (1, 53, 1));
        assert_eq!(sequence(&[], 53).unwrap().number(0, 52, 0), 52);
    }

    #[test]
    fn a_stopped_acquisition_keeps_what_is_complete() {
        let time_outside = [(Axis::Time, 100), (Axis::Position, 4), (Axis::Z, 5)];
        assert_eq!(sizes(&time_outside, 47), (4, 2, 5));
        let position_outside = [(Axis::Position, 100), (Axis::Time, 10)];
        assert_eq!(sizes(&position_outside, 21), (3, 10, 1));
        assert_eq!(sizes(&[(Axis::Position, 1), (Axis::Time, 10)], 7), (1, 7, 1), "a loop of one step is none");
        assert!(sequence(&time_outside, 19).unwrap_err().to_string().contains("no time point is complete"));
    }

    #[test]
    fn claims_beyond_reason_are_refused() {
        assert!(sequence(&[(Axis::Z, u32::MAX), (Axis::Position, u32::MAX), (Axis::Time, u32::MAX)], 9).is_err());
        assert!(sequence(&[(Axis::Time, 3)], 0).unwrap_err().to_string().contains("no frame"));
    }
}
