//! The outline of a cell: a closed curve in polar coordinates around the cell's centre,
//! `r(θ) = R · (1 + Σₖ aₖ cos kθ + bₖ sin kθ)` for k = 2 … 5.
//!
//! k = 2 stretches, 3 to 5 give lobes; k = 1 would only move the centre. The curve is evaluated without any
//! trigonometric function per pixel: (cos θ, sin θ) is the normalised offset, and higher k follow by complex products.

use super::random::RandomStream;

/// Number of harmonics, k = 2 … 5.
pub(super) const HARMONICS: usize = 4;

/// Share of the largest allowed deformation that each harmonic takes.
const HARMONIC_SHARE: [f64; HARMONICS] = [0.5, 0.27, 0.15, 0.08];

/// Half the width in px below which a cell is not squeezed. Chosen for the default segmentation, whose opening (a disk of
/// radius 3, three times) erases whatever is narrower than about 19 px: movies are meant to hold cells it can find.
const LEAST_HALF_WIDTH: f64 = 11.5;

/// Largest sum of all harmonic amplitudes; beyond it an outline looks torn.
const LARGEST_DEFORMATION: f64 = 0.42;

/// An outline at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outline {
    /// R, px.
    pub radius: f32,
    /// aₖ.
    pub cosine: [f32; HARMONICS],
    /// bₖ.
    pub sine: [f32; HARMONICS],
}

/// Where a pixel lies with respect to an outline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Location {
    /// Distance to the outline in px to first order, negative inside.
    pub distance: f32,
    /// Position in the cell's own unit disc: the centre is (0, 0), the outline is at length 1. (y, x)
    pub inner: (f32, f32),
}

impl Outline {
    /// A radius that the outline never exceeds, px.
    pub fn reach(&self) -> f32 {
        let mut sum = 1.0;
        for k in 0..HARMONICS {
            sum += (self.cosine[k] * self.cosine[k] + self.sine[k] * self.sine[k]).sqrt();
        }
        self.radius * sum
    }

    /// Locates the pixel `(dy, dx)` px away from the centre.
    pub fn locate(&self, dy: f32, dx: f32) -> Location {
        let length = (dy * dy + dx * dx).sqrt();
        if length < 1e-3 {
            return Location { distance: -self.radius, inner: (0.0, 0.0) };
        }
        let (cos1, sin1) = (dx / length, dy / length);
        let (mut cos_k, mut sin_k) = (cos1, sin1);
        let (mut factor, mut slope) = (1.0f32, 0.0f32);
        for index in 0..HARMONICS {
            (cos_k, sin_k) = (cos_k * cos1 - sin_k * sin1, sin_k * cos1 + cos_k * sin1);
            let k = (index + 2) as f32;
            factor += self.cosine[index] * cos_k + self.sine[index] * sin_k;
            slope += k * (self.sine[index] * cos_k - self.cosine[index] * sin_k);
        }
        let radius = self.radius * factor;
        let steepness = (factor * factor + slope * slope).sqrt();
        let share = length / radius;
        Location { distance: (length - radius) * factor / steepness, inner: (sin1 * share, cos1 * share) }
    }
}

/// How an outline changes over time: every harmonic turns slowly and swells and shrinks within a fixed bound.
#[derive(Debug, Clone)]
pub(super) struct Deformation {
    amplitude: [f64; HARMONICS],
    phase: [f64; HARMONICS],
    turn: [f64; HARMONICS],
    swell_phase: [f64; HARMONICS],
    swell: [f64; HARMONICS],
}

impl Deformation {
    /// Draws a deformation for a cell of mean radius `radius` px. Small cells stay rounder than large ones.
    pub fn draw(random: &mut RandomStream, radius: f64) -> Self {
        let room = 1.0 - LEAST_HALF_WIDTH / radius;
        let bound = room.clamp(0.05, LARGEST_DEFORMATION);
        let mut deformation = Self {
            amplitude: [0.0; HARMONICS],
            phase: [0.0; HARMONICS],
            turn: [0.0; HARMONICS],
            swell_phase: [0.0; HARMONICS],
            swell: [0.0; HARMONICS],
        };
        for (k, share) in HARMONIC_SHARE.iter().enumerate() {
            deformation.amplitude[k] = bound * share * random.uniform(0.45, 1.0);
            deformation.phase[k] = random.angle();
            deformation.turn[k] = random.uniform(-0.05, 0.05);
            deformation.swell_phase[k] = random.angle();
            deformation.swell[k] = random.uniform(0.03, 0.12);
        }
        deformation
    }

    /// Sum of the amplitudes: an outline of mean radius R reaches at most R · (1 + this).
    pub fn bound(&self) -> f64 {
        self.amplitude.iter().sum()
    }

    /// The outline at `frame` for a mean radius of `radius` px. `roundness` (0 to 1) fades the deformation out, as in
    /// mitosis; `pinch` is the waist of a dividing cell: an added k = 2 amplitude along `axis` (radians).
    pub fn outline(&self, frame: f64, radius: f64, roundness: f64, pinch: f64, axis: f64) -> Outline {
        let mut outline = Outline { radius: radius as f32, cosine: [0.0; HARMONICS], sine: [0.0; HARMONICS] };
        for k in 0..HARMONICS {
            let swelling = 0.75 + 0.25 * libm::cos(self.swell_phase[k] + self.swell[k] * frame);
            let amplitude = self.amplitude[k] * swelling * (1.0 - roundness);
            let angle = self.phase[k] + self.turn[k] * frame;
            outline.cosine[k] = (amplitude * libm::cos(angle)) as f32;
            outline.sine[k] = (amplitude * libm::sin(angle)) as f32;
        }
        outline.cosine[0] += (pinch * libm::cos(2.0 * axis)) as f32;
        outline.sine[0] += (pinch * libm::sin(2.0 * axis)) as f32;
        outline
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn a_circle_has_exact_distances() {
        let circle = Outline { radius: 10.0, cosine: [0.0; HARMONICS], sine: [0.0; HARMONICS] };
        let outside = circle.locate(9.0, 12.0);
        assert!((outside.distance - 5.0).abs() < 1e-5);
        assert!((outside.inner.0 - 0.9).abs() < 1e-6 && (outside.inner.1 - 1.2).abs() < 1e-6);
        assert!((circle.locate(-4.0, 0.0).distance + 6.0).abs() < 1e-5);
        assert_eq!(circle.locate(0.0, 0.0).distance, -10.0);
    }

    #[test]
    fn the_harmonics_follow_their_formula() {
        let outline = Outline { radius: 20.0, cosine: [0.1, -0.05, 0.04, 0.02], sine: [0.06, 0.03, -0.02, 0.01] };
        for step in 0..90 {
            let angle = step as f32 * 0.07;
            let mut radius = 1.0;
            for index in 0..HARMONICS {
                let k_angle = (index + 2) as f32 * angle;
                radius += outline.cosine[index] * k_angle.cos();
                radius += outline.sine[index] * k_angle.sin();
            }
            radius *= outline.radius;
            let on_outline = outline.locate(radius * angle.sin(), radius * angle.cos());
            assert!(on_outline.distance.abs() < 1e-3, "angle {angle}");
        }
    }

    #[test]
    fn an_outline_never_exceeds_its_bound() {
        let mut random = RandomStream::new(3, Purpose::Scene, [0, 0]);
        for radius in [13.0, 19.0, 26.0] {
            let deformation = Deformation::draw(&mut random, radius);
            for frame in 0..200 {
                let outline = deformation.outline(f64::from(frame), radius, 0.0, 0.0, 0.0);
                let bound = radius * (1.0 + deformation.bound());
                assert!(f64::from(outline.reach()) <= bound + 1e-4);
            }
        }
    }
}
