//! The image-processing kernels: pure functions on ndarray views, without I/O, async or configuration types.
//!
//! Images are `(H, W)`, row-major, y before x. Where a kernel names a scipy, scikit-image or numpy function, it has that
//! function's semantics, edge cases included. Results do not depend on the machine, the thread count or the platform's libm.
//!
//! Segmentation, in the order in which a frame passes through:
//! - [`box_filter`]: the local standard deviation of a frame, from exact sums over a square window.
//! - [`histogram`], [`signal`], [`threshold`]: the value that separates cells from background; `histogram` counts,
//!   `signal` smooths and finds peaks, `threshold` combines the two.
//! - [`bitmask`]: a binary image, one bit per pixel, on which everything below works.
//! - [`footprint`], [`morphology`]: disks and squares; dilation, erosion, closing and opening by them.
//! - [`fill_holes`]: background that is enclosed by foreground becomes foreground.
//! - [`components`]: connected components, filtered by area and numbered into labels.
//!
//! Tracking: [`assignment`] solves the linear assignment problem.
//!
//! Background: [`tiles`] lays out overlapping tiles and takes their medians, [`spline`] interpolates a grid, and
//! [`background`] composes both into an estimate for each pixel.
//!
//! Extraction and cache: [`shape`] measures a region's shape, [`percentile`] computes exact percentiles of integer images,
//! [`downsample`] halves the resolution.

pub mod assignment;
pub mod background;
pub mod bitmask;
pub mod box_filter;
pub mod components;
pub mod downsample;
pub mod fill_holes;
pub mod footprint;
pub mod histogram;
pub mod morphology;
pub mod percentile;
mod reflect;
pub mod shape;
pub mod signal;
pub mod spline;
pub mod threshold;
pub mod tiles;
