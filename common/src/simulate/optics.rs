//! How cells look through the microscope: phase contrast and fluorescence, before the camera.
//!
//! Phase contrast turns optical thickness into grey: the body is darker than the background, granules and the nucleus
//! stand out in it, a bright halo surrounds it and fades over several pixels, and cells rounded up for division are
//! thick and bright with a strong halo. Fluorescence follows the thickness of the cell and, by channel, its nucleus.
//! Every pixel belongs to the cell whose outline it is deepest in; halos add up.

use ndarray::Array2;

use super::cell::{CellState, Nucleus};
use super::texture::Texture;

/// Distance from the outline at which the halo has become invisible, px.
const HALO_REACH: f32 = 18.0;

/// Brightness of the halo at the outline, relative to the background. Moderate: a halo with much more glow is as common
/// under the microscope, but its slope hides the second histogram peak that the default threshold looks for.
const HALO_HEIGHT: f32 = 0.24;

/// Width of the bright ring next to the outline, px.
const HALO_RING: f32 = 1.3;

/// Width of the faint glow around the ring, px.
const HALO_GLOW: f32 = 8.5;

/// Share of the glow in the halo.
const GLOW_SHARE: f32 = 0.3;

/// How much brighter the halo is towards (y, x): the phase ring is never aligned perfectly.
const HALO_ASYMMETRY: (f32, f32) = (0.1, -0.14);

/// Standard deviation of the intracellular texture, relative to the background.
const TEXTURE_CONTRAST: f32 = 0.135;

/// The cells of one frame as layers, before illumination and camera.
#[derive(Debug)]
pub(super) struct Layers {
    /// True cell IDs, 0 for background.
    pub labels: Array2<u16>,
    /// Phase contrast relative to the background: 0 is as bright as it.
    pub contrast: Array2<f32>,
    /// Fluorescence per channel, grey values at full illumination.
    pub signal: Vec<Array2<f32>>,
}

/// Paints all cells on a frame of `shape` (height, width), for `channels` fluorescence channels.
pub(super) fn paint(shape: (usize, usize), cells: &[CellState], channels: usize, textures: &[Texture; 2]) -> Layers {
    let mut layers = Layers {
        labels: Array2::zeros(shape),
        contrast: Array2::zeros(shape),
        signal: vec![Array2::zeros(shape); channels],
    };
    let mut halo = Array2::zeros(shape);
    let mut depth = Array2::from_elem(shape, 0.0f32);
    for cell in cells {
        paint_cell(cell, textures, &mut layers, &mut halo, &mut depth);
    }
    for (contrast, halo) in layers.contrast.iter_mut().zip(&halo) {
        *contrast += saturating_halo(*halo);
    }
    layers.contrast = blur(&layers.contrast);
    for signal in &mut layers.signal {
        *signal = blur(signal);
    }
    layers
}

/// Paints the window around one cell.
fn paint_cell(
    cell: &CellState,
    textures: &[Texture; 2],
    layers: &mut Layers,
    halo: &mut Array2<f32>,
    depth: &mut Array2<f32>,
) {
    let (height, width) = layers.labels.dim();
    let reach = cell.outline.reach() + HALO_REACH;
    let rows = pixel_range(cell.center.0, reach, height);
    let columns = pixel_range(cell.center.1, reach, width);
    let halo_height = HALO_HEIGHT * (1.0 + 1.2 * cell.roundness);
    for row in rows {
        let dy = row as f32 - cell.center.0;
        for column in columns.clone() {
            let at = (row, column);
            let location = cell.outline.locate(dy, column as f32 - cell.center.1);
            if location.distance > HALO_REACH {
                continue;
            }
            if location.distance >= 0.0 {
                let (up, right) = location.inner;
                let length = (up * up + right * right).sqrt();
                let tilt = (up * HALO_ASYMMETRY.0 + right * HALO_ASYMMETRY.1) / length;
                halo[at] += halo_height * (1.0 + tilt) * halo_profile(location.distance);
                continue;
            }
            if location.distance >= depth[at] {
                continue;
            }
            depth[at] = location.distance;
            layers.labels[at] = cell.id;
            let interior = Interior::new(cell, location.inner, textures);
            layers.contrast[at] = interior.contrast(cell, location.distance);
            for (channel, signal) in layers.signal.iter_mut().enumerate() {
                signal[at] = cell.brightness[channel] * interior.fluorescence(channel);
            }
        }
    }
}

/// What there is at one point inside a cell.
struct Interior {
    /// Relative thickness: 1 in the middle, 0 at the outline.
    thickness: f32,
    /// Value of the texture, standard deviation about 1.
    texture: f32,
    /// Distance from the nucleus' centre in nuclear radii.
    nuclear: f32,
    /// 1 in the middle of a nucleolus, falling off around it.
    nucleolus: f32,
}

impl Interior {
    fn new(cell: &CellState, inner: (f32, f32), textures: &[Texture; 2]) -> Self {
        let (cos, sin) = cell.turn;
        let own = (cos * inner.0 - sin * inner.1, sin * inner.0 + cos * inner.1);
        let y = own.0 * cell.outline.radius + cell.texture_shift.0;
        let x = own.1 * cell.outline.radius + cell.texture_shift.1;
        let (first, second) = cell.texture_mix;
        let square = inner.0 * inner.0 + inner.1 * inner.1;
        Self {
            thickness: (1.0 - square).max(0.0),
            texture: first * textures[0].sample(y, x) + second * textures[1].sample(y, x),
            nuclear: distance(own, cell.nucleus.center) / cell.nucleus.radius,
            nucleolus: nucleolus(own, &cell.nucleus),
        }
    }

    /// Phase contrast relative to the background; `depth` is the (negative) distance to the outline in px.
    fn contrast(&self, cell: &CellState, depth: f32) -> f32 {
        let spread = 1.0 - cell.roundness;
        let body = -0.07 - 0.06 * self.thickness;
        let rim = -0.09 * bump(depth + 1.5, 1.5);
        let membrane = 0.09 * bump(self.nuclear - 1.05, 0.13);
        let in_nucleus = inside(self.nuclear);
        let nucleus = spread * (membrane + in_nucleus * (0.01 - 0.2 * self.nucleolus));
        let around_nucleus = 0.75 + 0.5 * bump(self.nuclear - 1.1, 0.7);
        let graininess = around_nucleus - 0.75 * in_nucleus * spread;
        let grain = TEXTURE_CONTRAST * graininess * (1.0 - 0.4 * cell.roundness) * self.texture;
        let bright = cell.roundness * (0.42 * self.thickness - 0.02);
        body + rim + nucleus + grain + bright
    }

    /// Fluorescence relative to the cell's brightness. The first channel is in the whole cell and somewhat more in the
    /// nucleus, the second mostly in the nucleus, and so on in turn.
    fn fluorescence(&self, channel: usize) -> f32 {
        let (cytoplasm, nuclear_share) = if channel.is_multiple_of(2) { (0.8, 0.35) } else { (0.25, 1.6) };
        let grain = (1.0 + 0.12 * self.texture).max(0.2);
        let nucleus = inside(self.nuclear) * (1.0 - 0.4 * self.nucleolus);
        self.thickness * (cytoplasm * grain + nuclear_share * nucleus)
    }
}

/// 1 well inside the nucleus, 0 outside, soft between.
fn inside(nuclear: f32) -> f32 {
    ((1.15 - nuclear) / 0.3).clamp(0.0, 1.0)
}

fn nucleolus(point: (f32, f32), nucleus: &Nucleus) -> f32 {
    let size = 0.28 * nucleus.radius;
    let mut value = 0.0f32;
    for &center in &nucleus.nucleoli {
        value = value.max(bump(distance(point, center), size));
    }
    value
}

fn distance(a: (f32, f32), b: (f32, f32)) -> f32 {
    ((a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1)).sqrt()
}

/// A bump of height 1 and half-width about `width` around 0.
fn bump(value: f32, width: f32) -> f32 {
    let square = value * value / (width * width);
    1.0 / (1.0 + square * square)
}

/// Brightness of the halo at `distance` px outside the outline: 1 there, 0 from [`HALO_REACH`] on.
fn halo_profile(distance: f32) -> f32 {
    let remaining = (1.0 - distance / HALO_REACH).max(0.0);
    let ring = 1.0 / (1.0 + distance * distance / (HALO_RING * HALO_RING));
    let glow = 1.0 / (1.0 + distance * distance / (HALO_GLOW * HALO_GLOW));
    remaining * ((1.0 - GLOW_SHARE) * ring * ring + GLOW_SHARE * glow)
}

/// Halos of several cells add up, with a limit.
fn saturating_halo(halo: f32) -> f32 {
    halo / (1.0 + 0.6 * halo)
}

/// Blur by the objective's point spread: the binomial kernel (1, 2, 1)/4 along both axes, borders repeated.
pub(super) fn blur(image: &Array2<f32>) -> Array2<f32> {
    let (height, width) = image.dim();
    let mut along_x = Array2::zeros((height, width));
    for (source, mut target) in image.rows().into_iter().zip(along_x.rows_mut()) {
        for column in 0..width {
            let before = source[column.saturating_sub(1)];
            let after = source[(column + 1).min(width - 1)];
            target[column] = 0.25 * (before + 2.0 * source[column] + after);
        }
    }
    let mut blurred = Array2::zeros((height, width));
    for (row, mut target) in blurred.rows_mut().into_iter().enumerate() {
        let before = along_x.row(row.saturating_sub(1));
        let here = along_x.row(row);
        let after = along_x.row((row + 1).min(height - 1));
        for column in 0..width {
            target[column] = 0.25 * (before[column] + 2.0 * here[column] + after[column]);
        }
    }
    blurred
}

/// The pixels within `reach` of `center` along an axis of `length` px.
fn pixel_range(center: f32, reach: f32, length: usize) -> std::ops::Range<usize> {
    let first = (center - reach).ceil().max(0.0) as usize;
    let end = (center + reach).floor() + 1.0;
    let end = end.clamp(0.0, length as f32) as usize;
    first.min(end)..end
}
