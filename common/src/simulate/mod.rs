//! Simulated microscopy: a movie that a microscopist would take for one, and its ground truth.
//!
//! Each module has one subject. [`params`](SimulationParams) says what to simulate. `placement`, `cell`, `shape` and
//! `scene` make the cells: where they are, what they are made of, their outlines, and how they move and divide over
//! time. `texture`, `illumination` and `optics` make them visible, `camera` records them, and `frame` puts this
//! together: one call renders one frame, from nothing but the parameters, the FOV, the frame number and its cells.
//! `czi_writer` and `czi_metadata` write the movie, `truth` writes what is true about it.
//!
//! Equal parameters give equal bytes, on every machine and with any number of threads (see `random`). Memory does not
//! grow with frames or FOVs: a few frames at a time are rendered, encoded and written in order.

mod camera;
mod cell;
mod czi_metadata;
mod czi_writer;
mod error;
mod frame;
mod illumination;
mod optics;
mod params;
mod placement;
mod random;
mod scene;
mod shape;
mod texture;
mod truth;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

pub use czi_writer::{Compression, CziLayout, CziWriter, EncodedPlane, PixelType, PlaneIndex};
pub use error::SimulateError;
pub use frame::{Frame, TrueCell};
pub use params::{Layout, SimulationParams};

use cell::CellState;
use frame::{FovOptics, Instrument};
use scene::Scene;
use truth::TruthWriter;

/// Frames in work at a time.
const FRAMES_IN_WORK: u32 = 8;

/// What a simulation has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimulationSummary {
    /// Planes written: FOVs × frames × channels.
    pub planes: u64,
    /// Different cells seen in at least one frame, over all FOVs.
    pub cells: u64,
    /// Divisions of which at least one daughter was seen.
    pub divisions: u64,
    /// Size of the CZI file, bytes.
    pub bytes: u64,
}

/// One FOV, simulated frame after frame.
///
/// An iterator over its [`Frame`]s; [`simulate_to_czi`] is the way to a file.
#[derive(Debug)]
pub struct FovSimulation<'a> {
    params: &'a SimulationParams,
    optics: FovOptics,
    scene: Scene,
    next_frame: u32,
}

impl<'a> FovSimulation<'a> {
    /// Prepares FOV `fov`.
    ///
    /// # Errors
    /// [`SimulateError::InvalidParameter`] from [`SimulationParams::validate`], or if there is no such FOV.
    pub fn new(params: &'a SimulationParams, fov: u32) -> Result<Self, SimulateError> {
        params.validate()?;
        if fov >= params.fovs {
            return Err(SimulateError::InvalidParameter {
                parameter: "fov",
                value: fov.to_string(),
                expected: format!("the simulation has {} fields of view", params.fovs),
            });
        }
        Ok(Self::with_instrument(params, fov, Instrument::new(params.seed)))
    }

    fn with_instrument(params: &'a SimulationParams, fov: u32, instrument: Arc<Instrument>) -> Self {
        Self { params, optics: FovOptics::new(params, fov, instrument), scene: Scene::new(params, fov), next_frame: 0 }
    }

    /// The cells of the next frame, and a step on.
    fn next_cells(&mut self) -> Option<(u32, Vec<CellState>)> {
        if self.next_frame >= self.params.frames {
            return None;
        }
        let frame = self.next_frame;
        if frame > 0 {
            self.scene.advance();
        }
        self.next_frame += 1;
        Some((frame, self.scene.states()))
    }

    fn render(&self, frame: u32, cells: &[CellState]) -> Frame {
        frame::render_frame(self.params, &self.optics, cells, frame)
    }
}

impl Iterator for FovSimulation<'_> {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let (frame, cells) = self.next_cells()?;
        Some(self.render(frame, &cells))
    }
}

/// Simulates a movie and writes it as a CZI file at `path`, with one scene per FOV; with `truth`, its ground truth into
/// that folder (see the module `truth` for its files). `progress` is called after every frame with the number of frames
/// done and their total over all FOVs. Frames are rendered on rayon's current thread pool.
///
/// # Errors
/// [`SimulateError::InvalidParameter`] before anything is written; [`SimulateError::Io`] if a file cannot be written. A
/// half-written file never has the name `path`.
pub fn simulate_to_czi(
    params: &SimulationParams,
    path: &Path,
    truth: Option<&Path>,
    progress: &mut dyn FnMut(u32, u32),
) -> Result<SimulationSummary, SimulateError> {
    params.validate()?;
    let layout = CziLayout {
        scenes: (0..params.fovs).map(|fov| params.fov_size(fov)).collect(),
        channels: params.channel_names(),
        frames: params.frames,
        slices: 1,
        pixel_type: PixelType::Gray16,
        compression: params.compression,
        pixel_size_um: params.pixel_size_um,
        frame_interval_s: params.frame_interval_s,
    };
    let mut movie = MovieWriter {
        planes: CziWriter::create(path, layout.clone())?,
        truth: truth.map(|folder| TruthWriter::create(folder, params)).transpose()?,
        census: Census::default(),
    };
    let instrument = Instrument::new(params.seed);
    let mut done = 0;
    let total = params.fovs * params.frames;
    for fov in 0..params.fovs {
        if let Some(truth) = &mut movie.truth {
            truth.begin_fov(params, fov)?;
        }
        movie.census.begin_fov();
        let mut simulation = FovSimulation::with_instrument(params, fov, Arc::clone(&instrument));
        loop {
            let mut batch = Vec::new();
            while batch.len() < FRAMES_IN_WORK as usize
                && let Some(next) = simulation.next_cells()
            {
                batch.push(next);
            }
            if batch.is_empty() {
                break;
            }
            let rendered: Vec<Rendered> = batch
                .par_iter()
                .map(|(index, cells)| Rendered::new(simulation.render(*index, cells), &layout))
                .collect();
            for ((index, _), rendered) in batch.iter().zip(rendered) {
                movie.write(path, fov, *index, rendered)?;
                done += 1;
                progress(done, total);
            }
        }
    }
    if let Some(truth) = movie.truth {
        truth.finish(params)?;
    }
    Ok(SimulationSummary {
        planes: layout.planes() as u64,
        cells: movie.census.cells,
        divisions: movie.census.divisions,
        bytes: movie.planes.finish()?,
    })
}

/// A frame with its planes encoded, each or why not.
struct Rendered {
    frame: Frame,
    planes: Vec<std::io::Result<EncodedPlane>>,
}

impl Rendered {
    fn new(frame: Frame, layout: &CziLayout) -> Self {
        let planes = frame.planes.iter().map(|plane| layout.encode(plane));
        Self { planes: planes.collect(), frame }
    }
}

/// Where the frames of a movie go.
struct MovieWriter {
    planes: CziWriter,
    truth: Option<TruthWriter>,
    census: Census,
}

impl MovieWriter {
    fn write(&mut self, path: &Path, scene: u32, frame: u32, rendered: Rendered) -> Result<(), SimulateError> {
        for (channel, plane) in rendered.planes.into_iter().enumerate() {
            let plane = plane.map_err(SimulateError::io("encode a plane of", path))?;
            let index = PlaneIndex { scene, frame, channel: channel as u32, slice: 0 };
            self.planes.write_encoded(index, &plane)?;
        }
        self.census.count(&rendered.frame.cells);
        match &mut self.truth {
            Some(truth) => truth.write_frame(scene, frame, &rendered.frame),
            None => Ok(()),
        }
    }
}

/// Counts the cells seen. IDs only ever grow within a FOV, but a cell may come into view late, so each is marked.
#[derive(Debug, Default)]
struct Census {
    seen: Vec<bool>,
    divided: Vec<bool>,
    cells: u64,
    divisions: u64,
}

impl Census {
    fn begin_fov(&mut self) {
        self.seen.clear();
        self.divided.clear();
    }

    fn count(&mut self, cells: &[TrueCell]) {
        for cell in cells {
            self.cells += u64::from(mark(&mut self.seen, cell.id));
            if let Some(parent) = cell.parent {
                self.divisions += u64::from(mark(&mut self.divided, parent));
            }
        }
    }
}

/// Marks `id`; whether it was not marked before.
fn mark(marks: &mut Vec<bool>, id: u16) -> bool {
    let index = usize::from(id);
    if marks.len() <= index {
        marks.resize(index + 1, false);
    }
    !std::mem::replace(&mut marks[index], true)
}
