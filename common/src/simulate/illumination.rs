//! Light that does not come from cells: uneven illumination, specks of dust out of focus, autofluorescence, flicker.
//!
//! All of it is smooth. Unevenness and autofluorescence are drawn anew for each FOV (wells, medium and meniscus differ);
//! the dust sits in the microscope and is the same in all of them.

use ndarray::Array2;

use super::params::SimulationParams;
use super::random::{Purpose, RandomStream};

/// Mean grey value of the phase-contrast background above the camera's offset.
const PHASE_LEVEL: f64 = 20000.0;

/// Specks of dust in the light path.
const DUST_SPECKS: u32 = 5;

/// The fixed light fields of one FOV.
#[derive(Debug)]
pub(super) struct Illumination {
    /// Phase-contrast background, grey values above the camera's offset.
    pub phase: Array2<f32>,
    /// Relative excitation in fluorescence, about 0.7 to 1.
    pub excitation: Array2<f32>,
    /// Autofluorescence of the medium per channel under that excitation, grey values above the camera's offset.
    pub autofluorescence: Vec<Array2<f32>>,
}

impl Illumination {
    /// The fields of FOV `fov`.
    pub fn new(params: &SimulationParams, fov: u32) -> Self {
        let mut random = RandomStream::new(params.seed, Purpose::Illumination, [u64::from(fov), 0]);
        let size = params.fov_size(fov);
        let phase_field = SmoothField::draw(&mut random, 0.05, -0.06, 0.012);
        let dust = draw_dust(params);
        let phase = render(size, |y, x| {
            let shade: f64 = dust.iter().map(|speck| speck.shade(y, x)).sum();
            PHASE_LEVEL * phase_field.at(y, x) * (1.0 + shade)
        });

        let excitation_field = SmoothField::draw(&mut random, 0.03, -0.2, 0.0);
        let excitation = render(size, |y, x| excitation_field.at(y, x));
        let mut autofluorescence = Vec::new();
        for _ in 0..params.fluorescence_channels {
            let level = random.uniform(260.0, 340.0);
            let medium = SmoothField::draw(&mut random, 0.12, 0.0, 0.01);
            autofluorescence.push(render(size, |y, x| level * medium.at(y, x) * excitation_field.at(y, x)));
        }
        Self { phase, excitation, autofluorescence }
    }
}

/// Relative brightness of the lamp in one frame of one channel: a trembling of a few per mille.
pub(super) fn flicker(seed: u64, fov: u32, frame: u32, channel: u32) -> f32 {
    let index = u64::from(frame) << 32 | u64::from(channel);
    let mut random = RandomStream::new(seed, Purpose::Flicker, [u64::from(fov), index]);
    (1.0 + 0.003 * random.normal().clamp(-3.0, 3.0)) as f32
}

/// A field around 1: a tilt, a vignette, and three long waves.
#[derive(Debug)]
struct SmoothField {
    tilt: (f64, f64),
    center: (f64, f64),
    vignette: f64,
    waves: [Wave; 3],
}

/// `height · cos(y·frequency.0 + x·frequency.1 + phase)`.
#[derive(Debug)]
struct Wave {
    height: f64,
    frequency: (f64, f64),
    phase: f64,
}

impl SmoothField {
    /// A tilt of up to `tilt`, a change of `vignette` from the middle to the border, waves of `ripple`.
    fn draw(random: &mut RandomStream, tilt: f64, vignette: f64, ripple: f64) -> Self {
        Self {
            tilt: (random.uniform(-tilt, tilt), random.uniform(-tilt, tilt)),
            center: (random.uniform(-0.25, 0.25), random.uniform(-0.25, 0.25)),
            vignette: vignette * random.uniform(0.7, 1.3),
            waves: [(); 3].map(|()| Wave {
                height: ripple * random.uniform(0.5, 1.0),
                frequency: (random.uniform(-4.0, 4.0), random.uniform(-4.0, 4.0)),
                phase: random.angle(),
            }),
        }
    }

    /// The field at (y, x), each −1 to 1 over the frame.
    fn at(&self, y: f64, x: f64) -> f64 {
        let (from_y, from_x) = (y - self.center.0, x - self.center.1);
        let mut value = 1.0 + self.tilt.0 * y + self.tilt.1 * x;
        value += self.vignette * 0.5 * (from_y * from_y + from_x * from_x);
        for wave in &self.waves {
            if wave.height != 0.0 {
                let angle = wave.frequency.0 * y + wave.frequency.1 * x + wave.phase;
                value += wave.height * libm::cos(angle);
            }
        }
        value
    }
}

/// A blurred disc, darker or brighter than its surroundings.
#[derive(Debug)]
struct Speck {
    center: (f64, f64),
    square_radius: f64,
    height: f64,
}

impl Speck {
    fn shade(&self, y: f64, x: f64) -> f64 {
        let (dy, dx) = (y - self.center.0, x - self.center.1);
        let square = (dy * dy + dx * dx) / self.square_radius;
        self.height / (1.0 + square * square)
    }
}

fn draw_dust(params: &SimulationParams) -> Vec<Speck> {
    let mut random = RandomStream::new(params.seed, Purpose::Illumination, [u64::MAX, 0]);
    let mut specks = Vec::new();
    for _ in 0..DUST_SPECKS {
        let radius = random.uniform(0.05, 0.12);
        specks.push(Speck {
            center: (random.uniform(-1.0, 1.0), random.uniform(-1.0, 1.0)),
            square_radius: radius * radius,
            height: random.uniform(-0.03, 0.012),
        });
    }
    specks
}

/// Evaluates a field over a frame of `size` (height, width) px in coordinates −1 to 1.
fn render(size: (u32, u32), field: impl Fn(f64, f64) -> f64) -> Array2<f32> {
    let shape = (size.0 as usize, size.1 as usize);
    let scale = |index: usize, length: usize| (2 * index + 1) as f64 / length as f64 - 1.0;
    Array2::from_shape_fn(shape, |(row, column)| field(scale(row, shape.0), scale(column, shape.1)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_is_uneven_and_smooth() {
        let params = SimulationParams::default();
        for fov in 0..5 {
            let light = Illumination::new(&params, fov);
            assert_eq!(light.phase.dim(), (512, 512));
            for (field, low, high) in [
                (&light.phase, 16000.0, 24000.0),
                (&light.excitation, 0.55, 1.1),
                (&light.autofluorescence[0], 130.0, 420.0),
            ] {
                let least = field.fold(f32::MAX, |a, &b| a.min(b));
                let most = field.fold(f32::MIN, |a, &b| a.max(b));
                assert!(low < least && most < high, "{least} to {most}");
                assert!(most / least > 1.05, "even light: {least} to {most}");
                for row in field.rows() {
                    for pair in row.windows(2) {
                        assert!((pair[1] / pair[0] - 1.0).abs() < 0.006, "a step in the light");
                    }
                }
            }
        }
    }

    #[test]
    fn the_lamp_flickers_a_little() {
        let values: Vec<f32> = (0..50).map(|frame| flicker(1, 0, frame, 0)).collect();
        assert!(values.iter().all(|v| (v - 1.0).abs() < 0.01));
        assert!(values.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
