//! The camera: photons in, grey values out.
//!
//! Typical figures of a scientific CMOS camera. Photons arrive by a Poisson law, which is taken as normal (no pixel
//! here receives so few that the two could be told apart); read noise is normal too, so one normal with the sum of both
//! variances stands for both.

use ndarray::Array2;

use super::random::{NormalPool, Purpose, RandomStream};

/// Grey value of a pixel without light.
const OFFSET: f32 = 100.0;

/// Electrons per grey value.
const GAIN: f32 = 0.46;

/// Standard deviation of the read noise, electrons.
const READ_NOISE: f32 = 1.6;

/// A camera with 16 bits.
#[derive(Debug)]
pub(super) struct Camera {
    normals: NormalPool,
}

impl Camera {
    /// The camera of a simulation.
    pub fn new(seed: u64) -> Self {
        let mut random = RandomStream::new(seed, Purpose::NormalPool, [0, 0]);
        Self { normals: NormalPool::new(&mut random) }
    }

    /// Records an ideal image, given in grey values above the offset.
    pub fn expose(&self, ideal: &Array2<f32>, random: &mut RandomStream) -> Array2<u16> {
        let mut four = [0.0; 4];
        let mut used = 4;
        ideal.map(|&light| {
            if used == 4 {
                four = self.normals.draw(random);
                used = 0;
            }
            let normal = four[used];
            used += 1;
            record(light, normal)
        })
    }
}

/// The grey value of a pixel that gets `light`, with a standard normal for its noise.
fn record(light: f32, normal: f32) -> u16 {
    let electrons = light.max(0.0) * GAIN;
    let deviation = (electrons + READ_NOISE * READ_NOISE).sqrt();
    let grey = OFFSET + (electrons + deviation * normal) / GAIN;
    // A conversion to an integer type cuts off fractions and stops at the type's limits: this rounds and saturates.
    (grey + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_variance_of_photons_and_read_out() {
        let camera = Camera::new(1);
        for light in [0.0f32, 300.0, 9000.0] {
            let mut random = RandomStream::new(1, Purpose::Camera, [0, 0]);
            let image = camera.expose(&Array2::from_elem((300, 300), light), &mut random);
            let count = image.len() as f64;
            let mean = image.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let deviation = |v: &u16| (f64::from(*v) - mean) * (f64::from(*v) - mean);
            let variance = image.iter().map(deviation).sum::<f64>() / count;
            let gain = f64::from(GAIN);
            let read = f64::from(READ_NOISE) * f64::from(READ_NOISE);
            let expected = (f64::from(light) * gain + read) / (gain * gain) + 1.0 / 12.0;
            assert!((mean - f64::from(light) - 100.0).abs() < 1.5, "mean {mean}");
            assert!((variance / expected - 1.0).abs() < 0.03, "{variance} for {expected}");
        }
    }

    #[test]
    fn light_beyond_the_full_well_saturates() {
        let mut random = RandomStream::new(1, Purpose::Camera, [0, 0]);
        let image = Camera::new(1).expose(&Array2::from_elem((4, 4), 1e6), &mut random);
        assert!(image.iter().all(|&v| v == 65535));
    }
}
