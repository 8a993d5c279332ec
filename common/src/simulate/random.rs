//! Random numbers that are the same on every machine and in every order of work.
//!
//! Each thing that needs randomness opens its own [`RandomStream`], keyed by the seed, a [`Purpose`] and up to two
//! indices (FOV, frame, …). No stream depends on how far another has been read, so frames can be rendered in any order
//! and on any number of threads. The generator is xoshiro256++ (Blackman and Vigna 2021) seeded by SplitMix64 (Steele
//! et al. 2014); normals come from Marsaglia's polar method, whose one transcendental function is taken from `libm`.

/// What a stream is for; two purposes never share a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// Cells, their motion and their fates.
    Scene = 1,
    /// Evenness of the illumination and of the background.
    Illumination = 2,
    /// The lamp's flicker from frame to frame.
    Flicker = 3,
    /// The intracellular texture.
    Texture = 4,
    /// Photon and read noise.
    Camera = 5,
    /// The pool of normals that the noise is drawn from.
    NormalPool = 6,
}

/// One independent sequence of random numbers.
#[derive(Debug, Clone)]
pub(super) struct RandomStream {
    state: [u64; 4],
    spare_normal: Option<f64>,
}

impl RandomStream {
    /// Opens the stream of `purpose` at `indices`.
    pub fn new(seed: u64, purpose: Purpose, indices: [u64; 2]) -> Self {
        let mut key = seed;
        for value in [purpose as u64, indices[0], indices[1]] {
            let mixed = split_mix(&mut key);
            key = mixed ^ value;
        }
        let state = [(); 4].map(|()| split_mix(&mut key));
        Self { state, spare_normal: None }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let (t2, t3) = (s2 ^ s0, s3 ^ s1);
        self.state = [s0 ^ t3, s1 ^ t2, t2 ^ (s1 << 17), t3.rotate_left(45)];
        result
    }

    /// Uniform in [0, 1), in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform angle in [0, 2π).
    pub fn angle(&mut self) -> f64 {
        self.uniform(0.0, std::f64::consts::TAU)
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        loop {
            let u = self.uniform(-1.0, 1.0);
            let v = self.uniform(-1.0, 1.0);
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                let scale = (-2.0 * libm::log(square) / square).sqrt();
                self.spare_normal = Some(v * scale);
                return u * scale;
            }
        }
    }
}

/// A stock of standard normals to draw from by index, for the millions of pixels of a movie: four for one 64-bit number.
///
/// Half of it are the negatives of the other half, so its mean is exactly 0.
#[derive(Debug)]
pub(super) struct NormalPool {
    values: Vec<f32>,
}

impl NormalPool {
    /// One value for each 16-bit index.
    const SIZE: usize = 1 << 16;

    /// Fills a pool from a stream.
    pub fn new(random: &mut RandomStream) -> Self {
        let mut values = Vec::with_capacity(Self::SIZE);
        for _ in 0..Self::SIZE / 2 {
            let value = random.normal() as f32;
            values.extend([value, -value]);
        }
        Self { values }
    }

    /// Four independent draws.
    pub fn draw(&self, random: &mut RandomStream) -> [f32; 4] {
        let bits = random.bits();
        [0, 16, 32, 48].map(|shift| self.values[usize::from((bits >> shift) as u16)])
    }
}

/// The next output of SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_matches_its_published_sequence() {
        let mut state = 1234567;
        let outputs = [(); 3].map(|()| split_mix(&mut state));
        assert_eq!(outputs, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
    }

    #[test]
    fn streams_repeat_and_differ_by_every_part_of_their_key() {
        let first = |seed, purpose, indices| RandomStream::new(seed, purpose, indices).bits();
        let reference = first(1, Purpose::Scene, [2, 3]);
        assert_eq!(reference, first(1, Purpose::Scene, [2, 3]));
        assert_ne!(reference, first(2, Purpose::Scene, [2, 3]));
        assert_ne!(reference, first(1, Purpose::Camera, [2, 3]));
        assert_ne!(reference, first(1, Purpose::Scene, [3, 2]));
        assert_ne!(reference, first(1, Purpose::Scene, [2, 4]));
    }

    fn assert_standard_normal(values: &[f64]) {
        let n = values.len();
        let moment = |power: i32| values.iter().map(|v| v.powi(power)).sum::<f64>() / n as f64;
        assert!(moment(1).abs() < 0.01, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "variance {}", moment(2));
        assert!(moment(3).abs() < 0.05, "skewness {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 0.1, "kurtosis {}", moment(4));
        let neighbours = values.windows(2).map(|pair| pair[0] * pair[1]);
        let correlation = neighbours.sum::<f64>() / n as f64;
        assert!(correlation.abs() < 0.01, "correlation {correlation}");
    }

    #[test]
    fn normals_are_standard_and_independent() {
        let mut stream = RandomStream::new(7, Purpose::Camera, [0, 0]);
        let values: Vec<f64> = (0..200_000).map(|_| stream.normal()).collect();
        assert_standard_normal(&values);
    }

    #[test]
    fn draws_from_the_pool_are_standard_and_independent() {
        let mut stream = RandomStream::new(7, Purpose::NormalPool, [0, 0]);
        let pool = NormalPool::new(&mut stream);
        assert_eq!(pool.values.len(), NormalPool::SIZE);
        let draws = (0..50_000).flat_map(|_| pool.draw(&mut stream));
        let values: Vec<f64> = draws.map(f64::from).collect();
        assert_standard_normal(&values);
    }
}
