//! The configuration as a user writes it: the shape of the YAML file, with the defaults of SPEC.md section 2.
//!
//! These types only say what may be written and what is assumed where nothing is. Reading, merging and checking
//! stand in the sibling modules; what a worker gets is the [`ResolvedConfig`](super::ResolvedConfig).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::selection::text_or_number;

/// A whole configuration, before it's checked against a source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// FOVs to process, as `"0-5,7"`, in this order; `None` is all of them.
    #[serde(deserialize_with = "text_or_number")]
    pub fovs: Option<String>,
    /// Frames to process, as `"0-119"`, ascending; `None` is all of them.
    #[serde(deserialize_with = "text_or_number")]
    pub frames: Option<String>,
    /// The Z plane that's read from every stack.
    pub z: u32,
    /// Channels and what is measured in them.
    pub channels: Channels,
    /// Parameters of the stages.
    pub params: Params,
}

/// The channels to process.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Channels {
    /// The phase-contrast channel; without it nothing is segmented.
    pub pc: Option<PcChannel>,
    /// Fluorescence channels, in the order of their CSV columns.
    pub fl: Vec<FlChannel>,
}

/// The phase-contrast channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PcChannel {
    /// Which channel of the file.
    pub channel: ChannelRef,
    /// Features to extract, in the order of their CSV columns.
    #[serde(default)]
    pub features: Vec<PcFeature>,
}

/// One fluorescence channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlChannel {
    /// Which channel of the file.
    pub channel: ChannelRef,
    /// Features to extract, in the order of their CSV columns.
    #[serde(default)]
    pub features: Vec<FlFeature>,
}

/// A channel, by its index in the file or by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChannelRef {
    /// Zero-based index.
    Index(u32),
    /// The name that the microscope software gave it.
    Name(String),
}

/// Features of the phase-contrast channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PcFeature {
    /// Pixels of the cell's mask.
    Area,
    /// Major ÷ minor axis length of the ellipse with the mask's second moments.
    AspectRatio,
}

/// Features of a fluorescence channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlFeature {
    /// Background-corrected sum over the mask, in camera counts.
    IntensityTotal,
    /// The same, divided by the area.
    IntensityMean,
}

/// Parameters of all stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Copy the channels and stop.
    pub copy_only: bool,
    /// FOVs admitted at once (a sliding window).
    pub batch_size: u32,
    /// Stage `segment`.
    pub segmentation: Segmentation,
    /// Stage `track`.
    pub tracking: Tracking,
    /// Stage `background`.
    pub background: Background,
    /// Stage `extract`.
    pub extraction: Extraction,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            copy_only: false,
            batch_size: 4,
            segmentation: Segmentation::default(),
            tracking: Tracking::default(),
            background: Background::default(),
            extraction: Extraction::default(),
        }
    }
}

/// How cells are found in a phase-contrast frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Segmentation {
    /// The algorithm; log-STD is the only one.
    pub method: SegmentationMethod,
    /// Side of the window of the local standard deviation, in px.
    pub logstd_window_size: u32,
    /// How the threshold is found.
    pub threshold: Threshold,
    /// Clean-up steps, in order.
    pub cleanup: Vec<CleanupStep>,
    /// Shape of the footprint of opening and closing.
    pub morph_shape: MorphShape,
    /// Diameter (disk) or side (square) of that footprint, in px.
    pub morph_size: u32,
    /// How often opening and closing repeat their erosions and dilations.
    pub morph_iterations: u32,
    /// Smallest object kept, in px.
    pub min_object_size: u64,
    /// Largest object kept, in px.
    pub max_object_size: u64,
}

impl Default for Segmentation {
    fn default() -> Self {
        Self {
            method: SegmentationMethod::Logstd,
            logstd_window_size: 3,
            threshold: Threshold::Valley,
            cleanup: vec![CleanupStep::Close, CleanupStep::RemoveSmall, CleanupStep::Fill, CleanupStep::Open],
            morph_shape: MorphShape::Disk,
            morph_size: 7,
            morph_iterations: 3,
            min_object_size: 50,
            max_object_size: 10_000,
        }
    }
}

/// Segmentation algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SegmentationMethod {
    /// Threshold on the logarithm of the local standard deviation.
    Logstd,
}

/// How the log-STD threshold is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// The valley between the two main modes of the histogram.
    Valley,
    /// The mode plus three standard deviations of what lies below it.
    ModeSigma,
}

/// One clean-up step of the binary mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CleanupStep {
    /// Binary closing.
    Close,
    /// Objects smaller than `min_object_size` removed.
    RemoveSmall,
    /// Holes filled.
    Fill,
    /// Binary opening.
    Open,
}

/// Shape of the morphological footprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MorphShape {
    /// A disk of the given diameter.
    Disk,
    /// A square of the given side.
    Square,
}

/// How regions are linked from frame to frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tracking {
    /// The algorithm; bounding-box IoU is the only one.
    pub method: TrackingMethod,
    /// Pairs with a smaller IoU are not linked.
    pub min_iou: f64,
    /// Regions smaller than this many px are dropped first.
    pub min_size: Option<u64>,
    /// Regions larger than this many px are dropped first.
    pub max_size: Option<u64>,
}

impl Default for Tracking {
    fn default() -> Self {
        Self { method: TrackingMethod::Iou, min_iou: 0.1, min_size: None, max_size: None }
    }
}

/// Tracking algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackingMethod {
    /// Optimal assignment by the IoU of bounding boxes.
    Iou,
}

/// How the fluorescence background is estimated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Background {
    /// Side of a tile, in px.
    pub tile_size: u32,
    /// Overlap of neighbouring tiles, as a share of their side.
    pub tile_overlap: f64,
    /// Radius of the disk by which cells are dilated before they're masked, in px.
    pub dilation_radius: u32,
    /// A tile with a smaller share of unmasked pixels is filled from its neighbours.
    pub min_tile_coverage: f64,
}

impl Default for Background {
    fn default() -> Self {
        Self { tile_size: 100, tile_overlap: 0.5, dilation_radius: 10, min_tile_coverage: 0.1 }
    }
}

/// How traces are made from crops.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Extraction {
    /// Share of the background that's subtracted, clipped to `0..=1`.
    pub background_weight: f64,
    /// Cells seen in fewer frames are dropped.
    pub min_frames: u32,
    /// Cells that come this close to an edge are dropped, in px.
    pub border_margin: u32,
    /// Minutes between frames. `None` takes the interval that the file states, else 10 minutes.
    pub frame_interval: Option<f64>,
    /// Frame → time in minutes, for movies whose frames aren't evenly spaced.
    pub time_mapping: Option<BTreeMap<u32, f64>>,
}

impl Default for Extraction {
    fn default() -> Self {
        Self { background_weight: 1.0, min_frames: 30, border_margin: 50, frame_interval: None, time_mapping: None }
    }
}
