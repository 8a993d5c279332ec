//! Intracellular texture: a periodic tile of band-limited noise that cells sample in their own coordinates.
//!
//! What phase contrast shows inside a cell (granules, vesicles, mitochondria) is grain at two scales with a tail of
//! dark spots. A tile holds such a pattern once; each cell looks at it through its own offset, so the texture moves,
//! turns and stretches with the cell.

use super::random::{Purpose, RandomStream};

/// Side of the tile, px; a power of two so that wrapping is a mask.
const SIDE: usize = 256;

/// A multiple of the side that makes every coordinate in use positive.
const FAR_INSIDE: f32 = 4.0 * SIDE as f32;

/// A periodic pattern with mean 0 and variance 1.
#[derive(Debug)]
pub(super) struct Texture {
    values: Vec<f32>,
}

impl Texture {
    /// Makes the tile number `index` of a simulation.
    pub fn new(seed: u64, index: u64) -> Self {
        let mut random = RandomStream::new(seed, Purpose::Texture, [index, 0]);
        let fine = band(&mut random, 1, 8);
        let coarse = band(&mut random, 14, 70);
        let mut values: Vec<f32> = Vec::with_capacity(SIDE * SIDE);
        for (fine, coarse) in fine.iter().zip(&coarse) {
            let grain = 0.9 * fine + 0.4 * coarse;
            let dark_tail = -0.15 * (grain * grain - 1.0);
            values.push(grain + dark_tail);
        }
        standardize(&mut values);
        Self { values }
    }

    /// The pattern at (y, x) px, bilinear, periodic; both above −1024.
    pub fn sample(&self, y: f32, x: f32) -> f32 {
        // Positive coordinates are floored by conversion, which is much faster than `floor`.
        let (y, x) = (y + FAR_INSIDE, x + FAR_INSIDE);
        let (floor_y, floor_x) = (y as u32, x as u32);
        let (part_y, part_x) = (y - floor_y as f32, x - floor_x as f32);
        let (row0, column0) = (floor_y as usize % SIDE, floor_x as usize % SIDE);
        let (row1, column1) = ((row0 + 1) % SIDE, (column0 + 1) % SIDE);
        let at = |row: usize, column: usize| self.values[row * SIDE + column];
        let upper = at(row0, column0) + part_x * (at(row0, column1) - at(row0, column0));
        let lower = at(row1, column0) + part_x * (at(row1, column1) - at(row1, column0));
        upper + part_y * (lower - upper)
    }
}

/// A coordinate brought into the tile.
pub(super) fn wrap(coordinate: f64) -> f32 {
    coordinate.rem_euclid(SIDE as f64) as f32
}

/// White noise between two blurs: the difference of `few` and of `many` binomial passes, variance 1.
fn band(random: &mut RandomStream, few: usize, many: usize) -> Vec<f32> {
    let mut sharp: Vec<f32> = (0..SIDE * SIDE).map(|_| random.normal() as f32).collect();
    blur_periodic(&mut sharp, few);
    let mut blurred = sharp.clone();
    blur_periodic(&mut blurred, many - few);
    for (value, low) in sharp.iter_mut().zip(&blurred) {
        *value -= low;
    }
    standardize(&mut sharp);
    sharp
}

/// `passes` times the binomial kernel (1, 2, 1)/4 along both axes, periodic.
fn blur_periodic(values: &mut Vec<f32>, passes: usize) {
    let mut next = values.clone();
    for _ in 0..passes {
        for stride in [1, SIDE] {
            for row in 0..SIDE {
                for column in 0..SIDE {
                    let index = row * SIDE + column;
                    let (before, after) = if stride == 1 {
                        let line = row * SIDE;
                        (line + (column + SIDE - 1) % SIDE, line + (column + 1) % SIDE)
                    } else {
                        let wrapped = index + SIDE * SIDE;
                        ((wrapped - SIDE) % (SIDE * SIDE), (wrapped + SIDE) % (SIDE * SIDE))
                    };
                    next[index] = 0.25 * (values[before] + 2.0 * values[index] + values[after]);
                }
            }
            std::mem::swap(values, &mut next);
        }
    }
}

/// Shifts and scales to mean 0 and variance 1.
fn standardize(values: &mut [f32]) {
    let count = values.len() as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let mut square = 0.0;
    for &value in values.iter() {
        square += (f64::from(value) - mean) * (f64::from(value) - mean);
    }
    let scale = 1.0 / (square / count).sqrt();
    for value in values.iter_mut() {
        *value = ((f64::from(*value) - mean) * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tile_is_standardized_periodic_and_grainy() {
        let texture = Texture::new(1, 0);
        let count = texture.values.len() as f32;
        let mean = texture.values.iter().sum::<f32>() / count;
        let variance = texture.values.iter().map(|v| v * v).sum::<f32>() / count;
        assert!(mean.abs() < 1e-3 && (variance - 1.0).abs() < 1e-2);

        let side = SIDE as f32;
        assert_eq!(texture.sample(3.25, 7.5), texture.sample(3.25 - side, 7.5 + side));
        assert_eq!(texture.sample(5.0, 9.0), texture.values[5 * SIDE + 9]);

        let neighbours = |distance: f32| {
            let mut product = 0.0;
            for row in 0..SIDE {
                let y = row as f32;
                product += texture.sample(y, 100.0) * texture.sample(y, 100.0 + distance);
            }
            product / SIDE as f32
        };
        assert!(neighbours(1.0) > 0.3, "neighbouring pixels go together");
        assert!(neighbours(20.0).abs() < 0.3, "distant ones do not");
    }
}
