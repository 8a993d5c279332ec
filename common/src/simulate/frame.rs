//! One rendered frame: cells, light and camera put together, and what is true about it.

use std::sync::Arc;

use ndarray::{Array2, Zip};

use super::camera::Camera;
use super::cell::CellState;
use super::illumination::{self, Illumination};
use super::optics::{self, Layers};
use super::params::SimulationParams;
use super::random::{Purpose, RandomStream};
use super::texture::Texture;

/// What stays the same over all FOVs of a simulation.
#[derive(Debug)]
pub(super) struct Instrument {
    textures: [Texture; 2],
    camera: Camera,
}

/// What stays the same over all frames of a FOV.
#[derive(Debug)]
pub(super) struct FovOptics {
    fov: u32,
    illumination: Illumination,
    instrument: Arc<Instrument>,
}

/// A frame as the microscope records it, with its ground truth.
#[derive(Debug)]
pub struct Frame {
    /// One image per channel, in the file's order.
    pub planes: Vec<Array2<u16>>,
    /// True cell IDs, 0 for background.
    pub labels: Array2<u16>,
    /// One entry for each cell with at least one pixel in `labels`, by ID.
    pub cells: Vec<TrueCell>,
}

/// What is true of one cell in one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueCell {
    /// ID, as in the labels.
    pub id: u16,
    /// The cell that divided into this one and its sister.
    pub parent: Option<u16>,
    /// Centre of mass of the visible pixels (y, x), px.
    pub centroid: (f64, f64),
    /// Visible pixels.
    pub area: u32,
    /// Per fluorescence channel: sum of the noise-free light from cells over the visible pixels, grey values, without
    /// the camera's offset and without autofluorescence.
    pub intensity_total: Vec<f64>,
}

impl Instrument {
    pub fn new(seed: u64) -> Arc<Self> {
        Arc::new(Self { textures: [Texture::new(seed, 0), Texture::new(seed, 1)], camera: Camera::new(seed) })
    }
}

impl FovOptics {
    pub fn new(params: &SimulationParams, fov: u32, instrument: Arc<Instrument>) -> Self {
        Self { fov, illumination: Illumination::new(params, fov), instrument }
    }
}

/// Renders frame `frame` of a FOV from its cells. A pure function: noise depends on seed, FOV, frame and channel only.
pub(super) fn render_frame(params: &SimulationParams, optics: &FovOptics, cells: &[CellState], frame: u32) -> Frame {
    let (height, width) = params.fov_size(optics.fov);
    let shape = (height as usize, width as usize);
    let fluorophores = params.fluorescence_channels as usize;
    let mut layers = optics::paint(shape, cells, fluorophores, &optics.instrument.textures);

    let mut planes = Vec::new();
    let mut channel = 0;
    let mut record = |ideal: &Array2<f32>| {
        let index = u64::from(frame) << 32 | channel;
        let mut noise = RandomStream::new(params.seed, Purpose::Camera, [optics.fov.into(), index]);
        planes.push(optics.instrument.camera.expose(ideal, &mut noise));
        channel += 1;
    };
    if params.with_phase {
        let lamp = illumination::flicker(params.seed, optics.fov, frame, 0);
        let mut ideal = optics.illumination.phase.clone();
        Zip::from(&mut ideal).and(&layers.contrast).for_each(|light, &contrast| *light *= lamp * (1.0 + contrast));
        record(&ideal);
    }
    for (fluorophore, signal) in layers.signal.iter_mut().enumerate() {
        let lamp = illumination::flicker(params.seed, optics.fov, frame, fluorophore as u32 + 1);
        let mut ideal = optics.illumination.autofluorescence[fluorophore].clone();
        Zip::from(&mut ideal).and(&mut *signal).and(&optics.illumination.excitation).for_each(
            |light, signal, &excitation| {
                *signal *= lamp * excitation;
                *light = *light * lamp + *signal;
            },
        );
        record(&ideal);
    }
    let cells = measure(cells, &layers);
    Frame { planes, labels: layers.labels, cells }
}

/// Measures the visible cells on the noise-free layers.
fn measure(cells: &[CellState], layers: &Layers) -> Vec<TrueCell> {
    let channels = layers.signal.len();
    let largest_id = cells.iter().map(|cell| cell.id).max().unwrap_or(0);
    let mut row_of_id = vec![usize::MAX; usize::from(largest_id) + 1];
    let mut sorted: Vec<&CellState> = cells.iter().collect();
    sorted.sort_by_key(|cell| cell.id);
    let mut measured = Vec::new();
    for cell in sorted {
        row_of_id[usize::from(cell.id)] = measured.len();
        measured.push(TrueCell {
            id: cell.id,
            parent: cell.parent,
            centroid: (0.0, 0.0),
            area: 0,
            intensity_total: vec![0.0; channels],
        });
    }
    for ((row, column), &label) in layers.labels.indexed_iter() {
        if label == 0 {
            continue;
        }
        let cell = &mut measured[row_of_id[usize::from(label)]];
        cell.area += 1;
        cell.centroid.0 += row as f64;
        cell.centroid.1 += column as f64;
        for (total, signal) in cell.intensity_total.iter_mut().zip(&layers.signal) {
            *total += f64::from(signal[(row, column)]);
        }
    }
    measured.retain(|cell| cell.area > 0);
    for cell in &mut measured {
        cell.centroid.0 /= f64::from(cell.area);
        cell.centroid.1 /= f64::from(cell.area);
    }
    measured
}
