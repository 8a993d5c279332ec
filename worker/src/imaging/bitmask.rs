//! A binary image with one bit per pixel, so that one machine operation works on 64 pixels.

use std::fmt;
use std::ops::Range;

use ndarray::{Array2, ArrayView2};

/// Pixels in one word.
pub(super) const WORD_BITS: usize = u64::BITS as usize;

/// A binary image of shape `(H, W)`, packed into 64-bit words row by row.
///
/// Pixel `x` of a row is bit `x % 64`, counted from the least significant, of the row's word `x / 64`. Every row starts with
/// a new word, and the bits beyond its width are always zero.
#[derive(Clone, PartialEq, Eq)]
pub struct Bitmask {
    height: usize,
    width: usize,
    words_per_row: usize,
    words: Vec<u64>,
}

impl Bitmask {
    /// A mask of shape `(height, width)` that is background everywhere.
    pub fn empty(height: usize, width: usize) -> Self {
        let words_per_row = width.div_ceil(WORD_BITS);
        Self { height, width, words_per_row, words: vec![0; height * words_per_row] }
    }

    /// A mask of shape `(height, width)` that is foreground everywhere.
    pub fn full(height: usize, width: usize) -> Self {
        Self::empty(height, width).complement()
    }

    /// The mask with the foreground where `mask` is true.
    pub fn from_array(mask: ArrayView2<'_, bool>) -> Self {
        Self::pack(mask, |is_foreground| is_foreground)
    }

    /// The mask of the values strictly above `threshold`.
    pub fn above(values: ArrayView2<'_, f64>, threshold: f64) -> Self {
        Self::pack(values, |value| value > threshold)
    }

    /// The mask of the pixels that carry a label, that is, are not zero.
    pub fn labelled(labels: ArrayView2<'_, u16>) -> Self {
        Self::pack(labels, |label| label != 0)
    }

    fn pack<T: Copy>(image: ArrayView2<'_, T>, is_foreground: impl Fn(T) -> bool) -> Self {
        let (height, width) = image.dim();
        let mut mask = Self::empty(height, width);
        for (y, pixels) in image.outer_iter().enumerate() {
            let row = mask.row_mut(y);
            for (x, &pixel) in pixels.iter().enumerate() {
                row[x / WORD_BITS] |= u64::from(is_foreground(pixel)) << (x % WORD_BITS);
            }
        }
        mask
    }

    /// The mask as an array of shape `(H, W)`, true in the foreground.
    pub fn to_array(&self) -> Array2<bool> {
        Array2::from_shape_fn((self.height, self.width), |(y, x)| self.get(y, x))
    }

    /// Height and width in px.
    pub fn dim(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Whether the pixel is foreground; false outside the image.
    pub fn get(&self, y: usize, x: usize) -> bool {
        y < self.height && x < self.width && (self.row(y)[x / WORD_BITS] >> (x % WORD_BITS)) & 1 == 1
    }

    /// The number of foreground pixels.
    pub fn area(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The mask with foreground and background exchanged.
    pub fn complement(&self) -> Self {
        let mut complement = self.clone();
        for word in &mut complement.words {
            *word = !*word;
        }
        complement.clear_padding();
        complement
    }

    /// The runs of consecutive foreground pixels of row `y`, from left to right, each as its half-open range of columns.
    pub fn runs(&self, y: usize) -> impl Iterator<Item = Range<usize>> {
        Runs { row: self.row(y), width: self.width, position: 0 }
    }

    /// Makes the pixels `run` of row `y` foreground.
    pub fn fill_run(&mut self, y: usize, run: Range<usize>) {
        for (word, bits) in words_of(run) {
            self.row_mut(y)[word] |= bits;
        }
    }

    /// Makes the pixels `run` of row `y` background.
    pub fn clear_run(&mut self, y: usize, run: Range<usize>) {
        for (word, bits) in words_of(run) {
            self.row_mut(y)[word] &= !bits;
        }
    }

    /// The words of row `y`.
    pub(super) fn row(&self, y: usize) -> &[u64] {
        &self.words[y * self.words_per_row..(y + 1) * self.words_per_row]
    }

    /// The words of row `y`. Whoever sets bits beyond the width calls [`clear_padding`](Self::clear_padding) afterwards.
    pub(super) fn row_mut(&mut self, y: usize) -> &mut [u64] {
        &mut self.words[y * self.words_per_row..(y + 1) * self.words_per_row]
    }

    /// Zeroes the bits beyond the width.
    pub(super) fn clear_padding(&mut self) {
        let used_bits = self.width % WORD_BITS;
        if used_bits == 0 {
            return;
        }
        for y in 0..self.height {
            let last_word = self.words_per_row - 1;
            self.row_mut(y)[last_word] &= (1 << used_bits) - 1;
        }
    }
}

impl fmt::Debug for Bitmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} x {}", self.height, self.width)?;
        for y in 0..self.height {
            let row: String = (0..self.width).map(|x| if self.get(y, x) { '#' } else { '.' }).collect();
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

/// The words that a run of pixels touches, each with the bits that belong to the run.
fn words_of(run: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let words = run.start / WORD_BITS..run.end.div_ceil(WORD_BITS);
    words.map(move |word| {
        let first_pixel = word * WORD_BITS;
        let first_bit = run.start.saturating_sub(first_pixel);
        let unused_bits = (first_pixel + WORD_BITS).saturating_sub(run.end);
        (word, (u64::MAX << first_bit) & (u64::MAX >> unused_bits))
    })
}

/// Iterates over the foreground runs of a row.
struct Runs<'a> {
    row: &'a [u64],
    width: usize,
    position: usize,
}

impl Iterator for Runs<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = first_set(self.row, self.position, |word| word)?;
        // The bits beyond the width are clear, so a run that reaches the edge ends there, or at the end of the last word.
        let end = first_set(self.row, start, |word| !word).unwrap_or(self.width);
        self.position = end;
        Some(start..end)
    }
}

/// The first bit at or after `from` that is set in the row's words, each seen through `view`.
fn first_set(row: &[u64], from: usize, view: impl Fn(u64) -> u64) -> Option<usize> {
    let first_word = from / WORD_BITS;
    let mut ignored = !(u64::MAX << (from % WORD_BITS));
    for (offset, &word) in row.get(first_word..)?.iter().enumerate() {
        let candidates = view(word) & !ignored;
        if candidates != 0 {
            return Some((first_word + offset) * WORD_BITS + candidates.trailing_zeros() as usize);
        }
        ignored = 0;
    }
    None
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn any_mask() -> impl Strategy<Value = Array2<bool>> {
        (0_usize..4, 0_usize..200).prop_flat_map(|(height, width)| {
            let run = (any::<bool>(), 1_usize..70);
            prop::collection::vec(run, height * width + 1).prop_map(move |runs| {
                let mut pixels = runs.into_iter().flat_map(|(value, length)| std::iter::repeat_n(value, length));
                Array2::from_shape_fn((height, width), |_| pixels.next().unwrap())
            })
        })
    }

    #[test]
    fn masks_are_made_from_values_and_labels() {
        let values = array![[1.0, 2.0, 2.0 + 1e-12], [f64::NAN, -1.0, 9.0]];
        let expected = array![[false, false, true], [false, false, true]];
        assert_eq!(Bitmask::above(values.view(), 2.0).to_array(), expected);
        let labels = array![[0_u16, 0, 1], [0, 0, u16::MAX]];
        assert_eq!(Bitmask::labelled(labels.view()).to_array(), expected);
    }

    #[test]
    fn outside_the_image_is_background() {
        let mask = Bitmask::full(2, 65);
        assert!(mask.get(1, 64));
        assert!(!mask.get(1, 65));
        assert!(!mask.get(2, 0));
        assert_eq!(mask.area(), 130);
    }

    #[test]
    fn debug_shows_the_pixels() {
        let mask = Bitmask::from_array(array![[true, false], [false, true]].view());
        assert_eq!(format!("{mask:?}"), "2 x 2\n#.\n.#\n");
    }

    proptest! {
        #[test]
        fn packing_and_unpacking_keeps_every_pixel(array in any_mask()) {
            let mask = Bitmask::from_array(array.view());
            prop_assert_eq!(mask.to_array(), array.clone());
            prop_assert_eq!(mask.dim(), array.dim());
            prop_assert_eq!(mask.area(), array.iter().filter(|&&pixel| pixel).count());
            prop_assert_eq!(mask.complement().to_array(), array.map(|pixel| !pixel));
            prop_assert_eq!(mask.complement().complement(), mask);
        }

        #[test]
        fn the_runs_are_the_foreground_and_as_long_as_can_be(array in any_mask()) {
            let mask = Bitmask::from_array(array.view());
            let mut rebuilt = Bitmask::empty(array.nrows(), array.ncols());
            let mut emptied = mask.clone();
            for y in 0..array.nrows() {
                let mut previous_end = None;
                for run in mask.runs(y) {
                    prop_assert!(run.start < run.end && run.end <= array.ncols());
                    prop_assert!(previous_end.is_none_or(|end| end < run.start));
                    previous_end = Some(run.end);
                    rebuilt.fill_run(y, run.clone());
                    emptied.clear_run(y, run);
                }
            }
            prop_assert_eq!(rebuilt, mask);
            prop_assert_eq!(emptied, Bitmask::empty(array.nrows(), array.ncols()));
        }
    }
}
