//! What to simulate, and which of it makes sense.

use serde::Serialize;

use super::czi_writer::Compression;
use super::error::SimulateError;
use super::placement;

/// Names given to the fluorescence channels, in order.
const FLUORESCENCE_NAMES: [&str; 8] = ["GFP", "mCherry", "CFP", "YFP", "Cy5", "DAPI", "BFP", "Cy7"];

/// Smallest frame side and largest frame side accepted, px.
const FRAME_SIDE: std::ops::RangeInclusive<u32> = 16..=16384;

/// Smallest and largest mean cell radius accepted, px.
const CELL_RADIUS: std::ops::RangeInclusive<f32> = 3.0..=200.0;

/// How close cells may come to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// A usual culture: most cells apart, some touching; they enter, leave and divide.
    Mixed,
    /// For measuring accuracy: in every frame the gap between any two cells is at least a cell diameter (the mean of
    /// theirs), every cell stays whole inside the frame, none divides. The truth is beyond dispute.
    Separate,
    /// A dense culture: most cells touch others; they enter, leave and divide.
    Crowded,
}

/// Everything that determines a simulated movie, to the byte.
#[derive(Debug, Clone, Serialize)]
pub struct SimulationParams {
    /// Number of fields of view; each becomes a scene of the file.
    pub fovs: u32,
    /// Frames per FOV.
    pub frames: u32,
    /// Frame height, px.
    pub height: u32,
    /// Frame width, px.
    pub width: u32,
    /// Cells in view per FOV at the start, about (cells beyond the border come on top).
    pub cells: u32,
    /// Equal seeds give equal files.
    pub seed: u64,
    /// Range of the cells' mean radius, px.
    pub cell_radius: (f32, f32),
    /// How close cells may come.
    pub layout: Layout,
    /// Edge of a pixel in the sample, µm.
    pub pixel_size_um: f64,
    /// Time between two frames, s.
    pub frame_interval_s: f64,
    /// Whether the first channel is phase contrast.
    pub with_phase: bool,
    /// Number of fluorescence channels, after phase contrast.
    pub fluorescence_channels: u32,
    /// How planes are stored.
    pub compression: Compression,
    /// Give the FOVs different sizes: FOV `i` is smaller by 16 px × (i mod 3) in height and 24 px × (i mod 3) in width.
    pub heterogeneous: bool,
}

impl Default for SimulationParams {
    fn default() -> Self {
        Self {
            fovs: 4,
            frames: 40,
            height: 512,
            width: 512,
            cells: 30,
            seed: 1,
            cell_radius: (13.0, 26.0),
            layout: Layout::Mixed,
            pixel_size_um: 0.65,
            frame_interval_s: 600.0,
            with_phase: true,
            fluorescence_channels: 1,
            compression: Compression::Zstd1,
            heterogeneous: false,
        }
    }
}

impl SimulationParams {
    /// Checks every value and their combination.
    ///
    /// # Errors
    /// [`SimulateError::InvalidParameter`] for the first value that no movie can be made from.
    pub fn validate(&self) -> Result<(), SimulateError> {
        check("fovs", self.fovs, (1..=100_000).contains(&self.fovs), || "expected 1 to 100000 fields of view".into())?;
        check("frames", self.frames, (1..=100_000).contains(&self.frames), || "expected 1 to 100000 frames".into())?;
        for (name, side) in [("height", self.height), ("width", self.width)] {
            let (least, most) = (FRAME_SIDE.start(), FRAME_SIDE.end());
            check(name, side, FRAME_SIDE.contains(&side), || format!("expected {least} to {most} px"))?;
        }
        self.validate_channels()?;
        for (name, value) in [("pixel_size_um", self.pixel_size_um), ("frame_interval_s", self.frame_interval_s)] {
            check(name, value, value.is_finite() && value > 0.0, || "expected a positive number".into())?;
        }
        let (low, high) = self.cell_radius;
        let radius = format!("{low}..{high}");
        let in_range = CELL_RADIUS.contains(&low) && CELL_RADIUS.contains(&high) && low <= high;
        check("cell_radius", radius, in_range, || {
            let (least, most) = (CELL_RADIUS.start(), CELL_RADIUS.end());
            format!("expected two radii in ascending order, {least} to {most} px")
        })?;
        self.validate_sizes()?;
        self.validate_crowding()
    }

    /// Height and width of FOV `fov`, px.
    pub fn fov_size(&self, fov: u32) -> (u32, u32) {
        let step = if self.heterogeneous { fov % 3 } else { 0 };
        (self.height - 16 * step, self.width - 24 * step)
    }

    /// Names of the channels, in the file's order.
    pub fn channel_names(&self) -> Vec<String> {
        let fluorescence = FLUORESCENCE_NAMES.iter().take(self.fluorescence_channels as usize);
        let phase = self.with_phase.then_some("Phase");
        phase.iter().chain(fluorescence).map(ToString::to_string).collect()
    }

    fn validate_channels(&self) -> Result<(), SimulateError> {
        let channels = self.fluorescence_channels;
        let most = FLUORESCENCE_NAMES.len();
        check("fluorescence_channels", channels, channels as usize <= most, || {
            format!("expected at most {most} fluorescence channels")
        })?;
        let any_channel = self.with_phase || channels > 0;
        check("fluorescence_channels", channels, any_channel, || {
            "expected at least one channel, phase contrast or fluorescence".into()
        })
    }

    /// Heterogeneous FOVs must not shrink below the smallest frame.
    fn validate_sizes(&self) -> Result<(), SimulateError> {
        let least = *FRAME_SIDE.start();
        let big_enough = !self.heterogeneous || (self.height >= least + 32 && self.width >= least + 48);
        let size = format!("{} x {}", self.height, self.width);
        check("heterogeneous", size, big_enough, || {
            format!("FOVs of different sizes need a frame of at least {} x {} px", least + 32, least + 48)
        })
    }

    /// The cells must fit into the smallest FOV under the layout's rule.
    fn validate_crowding(&self) -> Result<(), SimulateError> {
        let smallest = if self.heterogeneous { 2 } else { 0 };
        let capacity = placement::capacity(self, self.fov_size(smallest));
        check("cells", self.cells, self.cells <= capacity, || {
            let (height, width) = self.fov_size(smallest);
            let layout = match self.layout {
                Layout::Mixed => "mixed",
                Layout::Separate => "separate (a cell diameter apart)",
                Layout::Crowded => "crowded",
            };
            format!(
                "at most {capacity} cells of this radius fit into {height} x {width} px in layout {layout}; \
                 ask for fewer cells or a larger frame"
            )
        })
    }
}

/// An error for `parameter` unless `valid`.
fn check(
    parameter: &'static str,
    value: impl ToString,
    valid: bool,
    expected: impl FnOnce() -> String,
) -> Result<(), SimulateError> {
    if valid {
        return Ok(());
    }
    Err(SimulateError::InvalidParameter { parameter, value: value.to_string(), expected: expected() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(change: impl FnOnce(&mut SimulationParams)) -> String {
        let mut params = SimulationParams::default();
        change(&mut params);
        params.validate().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_valid_in_every_layout_that_holds_them() {
        SimulationParams::default().validate().unwrap();
        let crowded = SimulationParams { layout: Layout::Crowded, cells: 80, ..Default::default() };
        crowded.validate().unwrap();
        let separate = SimulationParams { layout: Layout::Separate, cells: 14, ..Default::default() };
        separate.validate().unwrap();
    }

    #[test]
    fn a_complaint_names_the_parameter_its_value_and_what_fits() {
        assert_eq!(complaint(|p| p.fovs = 0), "cannot simulate with fovs = 0: expected 1 to 100000 fields of view");
        assert!(complaint(|p| p.frames = 0).contains("frames = 0"));
        assert!(complaint(|p| p.width = 8).contains("width = 8: expected 16 to 16384 px"));
        assert!(complaint(|p| p.pixel_size_um = f64::NAN).contains("pixel_size_um = NaN"));
        assert!(complaint(|p| p.frame_interval_s = -1.0).contains("frame_interval_s = -1"));
        assert!(complaint(|p| p.cell_radius = (20.0, 10.0)).contains("ascending"));
        assert!(complaint(|p| p.cell_radius = (0.0, 10.0)).contains("3 to 200 px"));
        assert!(complaint(|p| p.fluorescence_channels = 9).contains("at most 8"));
    }

    #[test]
    fn a_movie_needs_a_channel() {
        let message = complaint(|p| {
            p.with_phase = false;
            p.fluorescence_channels = 0;
        });
        assert!(message.contains("at least one channel"), "{message}");
    }

    #[test]
    fn too_many_cells_are_refused_with_the_number_that_fits() {
        let message = complaint(|p| {
            p.layout = Layout::Separate;
            p.cells = 500;
        });
        assert!(message.contains("cells = 500"), "{message}");
        assert!(message.contains("layout separate"), "{message}");
        let message = complaint(|p| {
            p.layout = Layout::Separate;
            (p.height, p.width, p.cells) = (64, 64, 1);
        });
        assert!(message.contains("at most 0 cells"), "{message}");
    }

    #[test]
    fn channels_are_named_and_fov_sizes_vary_on_request() {
        let params = SimulationParams { fluorescence_channels: 2, heterogeneous: true, ..Default::default() };
        assert_eq!(params.channel_names(), ["Phase", "GFP", "mCherry"]);
        assert_eq!(params.fov_size(0), (512, 512));
        assert_eq!(params.fov_size(5), (480, 464));
        let small = complaint(|p| {
            p.heterogeneous = true;
            (p.height, p.width) = (40, 400);
        });
        assert!(small.contains("at least 48 x 64 px"), "{small}");
    }
}
