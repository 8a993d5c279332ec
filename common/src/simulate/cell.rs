//! One cell: what it is born with, and how it looks at a given frame.
//!
//! Everything but the position is a smooth function of the frame number with bounded change, so a cell deforms, turns,
//! brightens and rounds up for division without ever jumping.

use super::random::RandomStream;
use super::shape::{Deformation, Outline};
use super::texture;

/// Frames from the start of rounding up to the division.
const ROUNDING: f64 = 6.0;

/// Frames that daughters take to spread out again.
const SPREADING: f64 = 7.0;

/// Relative loss of radius of a fully rounded cell.
const ROUNDING_LOSS: f64 = 0.12;

/// k = 2 amplitude of the waist just before the division.
const LARGEST_PINCH: f64 = 0.3;

/// A cell's innate and drawn properties.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Number in the ground truth, from 1.
    pub id: u16,
    /// The dividing cell this one came from.
    pub parent: Option<u16>,
    /// Centre (y, x), px, in coordinates that the stage's drift does not move.
    pub position: (f64, f64),
    /// Change of `position` per frame.
    pub velocity: (f64, f64),
    /// Mean radius when born, px.
    pub radius: f64,
    /// Relative growth of the area per frame.
    pub growth: f64,
    /// Frame at which the cell came into being.
    pub born: u32,
    /// Frame at which its daughters take its place.
    pub divides_at: Option<u32>,
    /// Direction in which the daughters part, radians.
    pub division_axis: f64,
    /// Whether the cell seeks contact with others.
    pub sociable: bool,
    /// Change of shape over time.
    pub deformation: Deformation,
    interior: Interior,
    expression: Vec<Expression>,
}

/// What is inside a cell and how it moves.
#[derive(Debug, Clone)]
struct Interior {
    rotation: f64,
    spin: f64,
    texture_shift: (f64, f64),
    streaming: (f64, f64),
    mix_phase: f64,
    mix_turn: f64,
    nucleus: Nucleus,
}

/// The nucleus, in the cell's own unit disc.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nucleus {
    /// Centre (y, x).
    pub center: (f32, f32),
    /// Radius; the cell's outline is at 1.
    pub radius: f32,
    /// Centres of the nucleoli.
    pub nucleoli: [(f32, f32); 2],
}

/// Expression of one fluorophore: a level that swings slowly.
#[derive(Debug, Clone, Copy)]
struct Expression {
    level: f64,
    swing: f64,
    speed: f64,
    phase: f64,
}

/// A cell as it looks at one frame; all that rendering needs.
#[derive(Debug, Clone)]
pub(super) struct CellState {
    pub id: u16,
    pub parent: Option<u16>,
    /// Centre (y, x) in the frame, px.
    pub center: (f32, f32),
    pub outline: Outline,
    /// 0 for a spread cell, 1 for a cell rounded up for division.
    pub roundness: f32,
    /// Cosine and sine of the interior's rotation.
    pub turn: (f32, f32),
    /// Where the cell looks at the texture tiles, px.
    pub texture_shift: (f32, f32),
    /// Weights of the two texture tiles; their squares sum to 1.
    pub texture_mix: (f32, f32),
    pub nucleus: Nucleus,
    /// Peak signal in each fluorescence channel, grey values at full illumination.
    pub brightness: Vec<f32>,
}

impl Cell {
    /// Draws a cell of mean radius `radius` that is there from the beginning.
    pub fn draw(random: &mut RandomStream, radius: f64, channels: u32) -> Self {
        let velocity = (0.4 * random.normal(), 0.4 * random.normal());
        Self {
            id: 0,
            parent: None,
            position: (0.0, 0.0),
            velocity,
            radius,
            growth: 0.0,
            born: 0,
            divides_at: None,
            division_axis: random.angle(),
            sociable: false,
            deformation: Deformation::draw(random, radius),
            interior: Interior::draw(random),
            expression: (0..channels).map(|_| Expression::draw(random)).collect(),
        }
    }

    /// One of the two daughters that take this cell's place at `frame`; `side` is 1 or −1 along the division axis.
    /// Together they have the mother's area and her concentration of fluorophores.
    pub fn daughter(&self, random: &mut RandomStream, frame: u32, side: f64) -> Self {
        let radius = self.radius_at(frame) / std::f64::consts::SQRT_2;
        let mut daughter = Self::draw(random, radius, 0);
        let direction = (side * libm::sin(self.division_axis), side * libm::cos(self.division_axis));
        let offset = radius * (1.0 - ROUNDING_LOSS);
        daughter.position = (self.position.0 + offset * direction.0, self.position.1 + offset * direction.1);
        daughter.velocity = (0.9 * direction.0, 0.9 * direction.1);
        daughter.parent = Some(self.id);
        daughter.born = frame;
        daughter.growth = 0.006;
        daughter.expression = self.expression.clone();
        daughter
    }

    /// Mean radius of the spread cell at `frame`, px.
    fn radius_at(&self, frame: u32) -> f64 {
        let age = f64::from(frame - self.born);
        self.radius * (1.0 + self.growth * age).sqrt()
    }

    /// Mean radius at `frame` with rounding for division, px.
    pub fn body_radius(&self, frame: u32) -> f64 {
        self.radius_at(frame) * (1.0 - ROUNDING_LOSS * self.roundness(frame))
    }

    fn roundness(&self, frame: u32) -> f64 {
        let mut roundness = 0.0;
        if self.parent.is_some() {
            roundness = 1.0 - smooth_step(f64::from(frame - self.born) / SPREADING);
        }
        if let Some(divides_at) = self.divides_at {
            let remaining = f64::from(divides_at.saturating_sub(frame));
            roundness = smooth_step((ROUNDING - remaining) / 4.0).max(roundness);
        }
        roundness
    }

    fn pinch(&self, frame: u32) -> f64 {
        let Some(divides_at) = self.divides_at else {
            return 0.0;
        };
        let remaining = f64::from(divides_at.saturating_sub(frame));
        LARGEST_PINCH * smooth_step((2.5 - remaining) / 2.0)
    }

    /// The cell at `frame`, moved by the stage's `drift` (y, x).
    pub fn state(&self, frame: u32, drift: (f64, f64)) -> CellState {
        let time = f64::from(frame);
        let roundness = self.roundness(frame);
        let radius = self.body_radius(frame);
        let pinch = self.pinch(frame);
        let inside = &self.interior;
        let rotation = inside.rotation + inside.spin * time;
        let mix = inside.mix_phase + inside.mix_turn * time;
        let shift_y = inside.texture_shift.0 + inside.streaming.0 * time;
        let shift_x = inside.texture_shift.1 + inside.streaming.1 * time;
        let axis = self.division_axis;
        CellState {
            id: self.id,
            parent: self.parent,
            center: ((self.position.0 + drift.0) as f32, (self.position.1 + drift.1) as f32),
            outline: self.deformation.outline(time, radius, roundness, pinch, axis),
            roundness: roundness as f32,
            turn: (libm::cos(rotation) as f32, libm::sin(rotation) as f32),
            texture_shift: (texture::wrap(shift_y), texture::wrap(shift_x)),
            texture_mix: (libm::cos(mix) as f32, libm::sin(mix) as f32),
            nucleus: inside.nucleus,
            brightness: self.expression.iter().map(|e| e.at(time)).collect(),
        }
    }
}

impl Interior {
    fn draw(random: &mut RandomStream) -> Self {
        let rotation = random.angle();
        Self {
            rotation,
            spin: random.uniform(-0.02, 0.02),
            texture_shift: (random.uniform(0.0, 256.0), random.uniform(0.0, 256.0)),
            streaming: (random.uniform(-0.15, 0.15), random.uniform(-0.15, 0.15)),
            mix_phase: random.angle(),
            mix_turn: random.uniform(-0.08, 0.08),
            nucleus: Nucleus::draw(random),
        }
    }
}

impl Nucleus {
    fn draw(random: &mut RandomStream) -> Self {
        let center = (random.uniform(-0.14, 0.14) as f32, random.uniform(-0.14, 0.14) as f32);
        let radius = random.uniform(0.36, 0.44) as f32;
        let nucleolus = |random: &mut RandomStream| {
            let angle = random.angle();
            let away = f64::from(radius) * random.uniform(0.15, 0.55);
            (center.0 + (away * libm::sin(angle)) as f32, center.1 + (away * libm::cos(angle)) as f32)
        };
        let nucleoli = [nucleolus(random), nucleolus(random)];
        Self { center, radius, nucleoli }
    }
}

impl Expression {
    fn draw(random: &mut RandomStream) -> Self {
        let level = 700.0 * libm::exp(0.45 * random.normal());
        Self {
            level: level.clamp(250.0, 2600.0),
            swing: random.uniform(0.05, 0.4),
            speed: random.uniform(0.03, 0.12),
            phase: random.angle(),
        }
    }

    fn at(&self, time: f64) -> f32 {
        (self.level * (1.0 + self.swing * libm::sin(self.phase + self.speed * time))) as f32
    }
}

/// 0 up to 0, 1 from 1, smooth between.
fn smooth_step(value: f64) -> f64 {
    let t = value.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}
