//! The ground truth of a simulated movie, as files that every tool reads.
//!
//! ```text
//! {dir}/simulation.json       the parameters; written last, so it tells that the rest is whole
//! {dir}/cells.csv             fov,frame,cell,parent,y,x,area,intensity_total_ch_1,…: one row per visible cell and frame
//! {dir}/fov_000/labels.npy    (T, H, W) uint16: true cell IDs, the same over time, 0 for background
//! ```
//! A cell that divides ends; its two daughters have new IDs and name it as `parent` (empty for all others). `y` and `x`
//! are the centre of mass, `intensity_total` is the noise-free light from the cell over its pixels (see
//! [`super::TrueCell`]), numbered by the channel's index in the file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::error::SimulateError;
use super::frame::{Frame, TrueCell};
use super::params::SimulationParams;

/// Alignment of the data in a .npy file, bytes.
const NPY_ALIGNMENT: usize = 64;

/// Writes the ground truth, frame by frame.
#[derive(Debug)]
pub(super) struct TruthWriter {
    directory: PathBuf,
    table: Output,
    labels: Option<Output>,
}

/// A file with its path, for errors.
#[derive(Debug)]
struct Output {
    path: PathBuf,
    file: BufWriter<File>,
}

impl TruthWriter {
    /// Begins the ground truth of a movie in `directory`, which is made if need be.
    pub fn create(directory: &Path, params: &SimulationParams) -> Result<Self, SimulateError> {
        let made = fs::create_dir_all(directory);
        made.map_err(SimulateError::io("create the folder", directory))?;
        let marker = directory.join("simulation.json");
        match fs::remove_file(&marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(SimulateError::io("replace", &marker)(error));
            }
            _ => {}
        }
        let mut header = "fov,frame,cell,parent,y,x,area".to_string();
        let first = u32::from(params.with_phase);
        for channel in first..first + params.fluorescence_channels {
            header += &format!(",intensity_total_ch_{channel}");
        }
        let mut table = Output::create(directory.join("cells.csv"))?;
        table.write(format!("{header}\n").as_bytes())?;
        Ok(Self { directory: directory.to_path_buf(), table, labels: None })
    }

    /// Begins a FOV; its frames follow in order.
    pub fn begin_fov(&mut self, params: &SimulationParams, fov: u32) -> Result<(), SimulateError> {
        self.end_fov()?;
        let folder = self.directory.join(format!("fov_{fov:03}"));
        let made = fs::create_dir_all(&folder);
        made.map_err(SimulateError::io("create the folder", &folder))?;
        let mut labels = Output::create(folder.join("labels.npy"))?;
        let (height, width) = params.fov_size(fov);
        labels.write(&npy_header(params.frames, height, width))?;
        self.labels = Some(labels);
        Ok(())
    }

    /// Writes the next frame of the FOV begun last.
    pub fn write_frame(&mut self, fov: u32, frame: u32, truth: &Frame) -> Result<(), SimulateError> {
        if let Some(labels) = &mut self.labels {
            labels.write(&little_endian(&truth.labels))?;
        }
        for cell in &truth.cells {
            self.table.write(table_row(fov, frame, cell).as_bytes())?;
        }
        Ok(())
    }

    /// Completes all files.
    pub fn finish(mut self, params: &SimulationParams) -> Result<(), SimulateError> {
        self.end_fov()?;
        self.table.close()?;
        let path = self.directory.join("simulation.json");
        let text = serde_json::to_string_pretty(params).map_err(io::Error::other);
        let text = text.map_err(SimulateError::io("write", &path))?;
        fs::write(&path, text + "\n").map_err(SimulateError::io("write", &path))
    }

    fn end_fov(&mut self) -> Result<(), SimulateError> {
        match self.labels.take() {
            Some(labels) => labels.close(),
            None => Ok(()),
        }
    }
}

impl Output {
    fn create(path: PathBuf) -> Result<Self, SimulateError> {
        let file = File::create(&path).map_err(SimulateError::io("create", &path))?;
        let file = BufWriter::new(file);
        Ok(Self { path, file })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SimulateError> {
        let written = self.file.write_all(bytes);
        written.map_err(SimulateError::io("write", &self.path))
    }

    fn close(mut self) -> Result<(), SimulateError> {
        let flushed = self.file.flush();
        flushed.map_err(SimulateError::io("write", &self.path))
    }
}

/// Header of a version 1.0 .npy file with a C-ordered (T, H, W) array of little-endian uint16.
fn npy_header(frames: u32, height: u32, width: u32) -> Vec<u8> {
    let mut description =
        format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({frames}, {height}, {width}), }}");
    let prefix = 10;
    let length = (prefix + description.len() + 1).next_multiple_of(NPY_ALIGNMENT);
    while prefix + description.len() + 1 < length {
        description.push(' ');
    }
    description.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((description.len() as u16).to_le_bytes());
    header.extend(description.as_bytes());
    header
}

fn little_endian(labels: &Array2<u16>) -> Vec<u8> {
    labels.iter().flat_map(|label| label.to_le_bytes()).collect()
}

fn table_row(fov: u32, frame: u32, cell: &TrueCell) -> String {
    let parent = cell.parent.map(|id| id.to_string()).unwrap_or_default();
    let (y, x) = cell.centroid;
    let mut row = format!("{fov},{frame},{},{parent},{y},{x},{}", cell.id, cell.area);
    for total in &cell.intensity_total {
        row += &format!(",{total}");
    }
    row + "\n"
}
