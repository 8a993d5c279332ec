//! Features of one cell, from its crops.

use fovflow_common::config::{FlFeature, PcFeature};
use fovflow_common::layout;
use fovflow_common::store::zarr::ZarrArray;
use ndarray::ArrayView2;

use crate::imaging::shape::aspect_ratio;
use crate::stages::crop::COUNTS_SCALE;
use crate::stages::{StageContext, StageError};

/// The crops of one cell.
pub(super) struct CellReader {
    mask: ZarrArray<bool>,
    fluorescence: Vec<FlReader>,
}

struct FlReader {
    raw: ZarrArray<f32>,
    background: ZarrArray<f32>,
}

/// A block of frames of one cell.
pub(super) struct Block {
    height: usize,
    width: usize,
    mask: Vec<bool>,
    fluorescence: Vec<FlBlock>,
}

struct FlBlock {
    raw: Vec<f32>,
    background: Vec<f32>,
}

/// The value of one CSV field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    /// A count of pixels.
    Count(u64),
    /// A measurement; `None` where it's undefined.
    Number(Option<f64>),
}

impl CellReader {
    pub(super) fn open(context: &StageContext<'_>, cell: i32) -> Result<Self, StageError> {
        let key = |channel: &str| layout::level(&layout::cell(context.fov_id(), channel, cell as u32), 0);
        let mask = ZarrArray::open(context.store, &key(layout::MASK))?;
        let mut fluorescence = Vec::new();
        for fl in context.config().fl.iter().filter(|fl| !fl.features.is_empty()) {
            let raw = ZarrArray::open(context.store, &key(&layout::fl(fl.channel)))?;
            let background = ZarrArray::open(context.store, &key(&layout::fl_background(fl.channel)))?;
            fluorescence.push(FlReader { raw, background });
        }
        Ok(Self { mask, fluorescence })
    }

    /// Frames of a block.
    pub(super) fn block_frames(&self) -> usize {
        self.mask.chunk_shape()[0] as usize
    }

    pub(super) fn read_block(&self, block: usize) -> Result<Block, StageError> {
        let index = [block as u64, 0, 0];
        let [_, height, width] = self.mask.movie_shape()?;
        let mask = self.mask.read_chunk(&index)?;
        let mut fluorescence = Vec::with_capacity(self.fluorescence.len());
        for reader in &self.fluorescence {
            let (raw, background) = (reader.raw.read_chunk(&index)?, reader.background.read_chunk(&index)?);
            if raw.len() != mask.len() || background.len() != mask.len() {
                let reason = format!("{} and {} differ in shape", reader.raw.key(), self.mask.key());
                return Err(StageError::Impossible(reason));
            }
            fluorescence.push(FlBlock { raw, background });
        }
        Ok(Block { height, width, mask, fluorescence })
    }
}

impl Block {
    /// The configured features in one frame, in the order of the columns.
    pub(super) fn features(&self, context: &StageContext<'_>, frame: usize) -> Vec<Value> {
        let area_of_window = self.height * self.width;
        let plane = frame * area_of_window..(frame + 1) * area_of_window;
        let mask = &self.mask[plane.clone()];
        let area = mask.iter().filter(|is_inside| **is_inside).count() as u64;
        let mut values = Vec::new();
        for feature in context.config().pc.iter().flat_map(|pc| &pc.features) {
            values.push(match feature {
                PcFeature::Area => Value::Count(area),
                PcFeature::AspectRatio => Value::Number(self.aspect_ratio(mask)),
            });
        }
        let channels = context.config().fl.iter().filter(|fl| !fl.features.is_empty());
        for (fl, block) in channels.zip(&self.fluorescence) {
            let weight = context.params().extraction.background_weight;
            let total = block.corrected_total(mask, plane.clone(), weight);
            for feature in &fl.features {
                values.push(Value::Number(match feature {
                    FlFeature::IntensityTotal => Some(total),
                    FlFeature::IntensityMean => (area > 0).then(|| total / area as f64),
                }));
            }
        }
        values
    }

    fn aspect_ratio(&self, mask: &[bool]) -> Option<f64> {
        let view = ArrayView2::from_shape((self.height, self.width), mask).ok()?;
        aspect_ratio(view)
    }
}

impl FlBlock {
    /// `Σ raw − weight · Σ background` over the mask, in camera counts. Raw counts are whole numbers, so their sum is exact.
    fn corrected_total(&self, mask: &[bool], plane: std::ops::Range<usize>, weight: f64) -> f64 {
        let mut raw_total: u64 = 0;
        let mut background_total = 0.0;
        let samples = self.raw[plane.clone()].iter().zip(&self.background[plane]);
        for ((raw, background), _) in samples.zip(mask).filter(|(_, is_inside)| **is_inside) {
            raw_total += (raw * COUNTS_SCALE).round() as u64;
            background_total += f64::from(*background) * f64::from(COUNTS_SCALE);
        }
        raw_total as f64 - weight * background_total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_comes_back_from_its_crop() {
        for count in 0..=u16::MAX {
            let cropped = f32::from(count) / COUNTS_SCALE;
            assert_eq!((cropped * COUNTS_SCALE).round(), f32::from(count));
        }
    }

    #[test]
    fn the_background_is_subtracted_by_its_weight_within_the_mask() {
        let scaled = |counts: f32| counts / COUNTS_SCALE;
        let block = FlBlock {
            raw: [100.0, 50.0, 7.0].map(scaled).to_vec(),
            background: [10.0, 20.0, 7.0].map(scaled).to_vec(),
        };
        let mask = [true, true, false];
        assert!((block.corrected_total(&mask, 0..3, 1.0) - 120.0).abs() < 1e-5);
        assert!((block.corrected_total(&mask, 0..3, 0.5) - 135.0).abs() < 1e-5);
        assert_eq!(block.corrected_total(&mask, 0..3, 0.0), 150.0);
    }
}
