//! Small synthetic movies for tests: just enough of each format's writer to make the cases that real files don't cover.

pub(crate) mod czi_writer;
pub(crate) mod nd2_writer;

/// A generator of reproducible numbers (xorshift64*), so that a failing case can be run again by its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % limit
    }
}

/// The pixel that the synthetic movies have at a place: different for every plane, row and column.
pub(crate) fn pixel(plane: usize, y: usize, x: usize) -> u16 {
    (plane * 1009 + y * 31 + x * 7 + 1) as u16
}
