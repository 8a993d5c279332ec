//! Binary morphology with the semantics of `scipy.ndimage` at `border_value=0`: outside the image is background.
//!
//! An image row is widened (or narrowed) by shifting its packed words until it has the extent of the footprint's narrowest
//! rows, combined into the output rows at their offsets, and widened on for the next ones. An operation thus takes a few
//! times `H · W / 64` word operations for each row of the footprint.

use super::bitmask::{Bitmask, WORD_BITS};
use super::footprint::Footprint;

/// Each foreground pixel grows to the footprint around it, `iterations` times:
/// `scipy.ndimage.binary_dilation(mask, footprint, iterations, border_value=0)`.
///
/// No iteration returns the mask as it is (scipy would repeat until nothing changes).
pub fn binary_dilation(mask: &Bitmask, footprint: &Footprint, iterations: usize) -> Bitmask {
    let mut dilated = mask.clone();
    for _ in 0..iterations {
        dilated = dilate(&dilated, footprint);
    }
    dilated
}

/// Only pixels whose whole footprint is foreground remain, `iterations` times:
/// `scipy.ndimage.binary_erosion(mask, footprint, iterations, border_value=0)`.
///
/// As outside the image is background, foreground erodes from the image's edge as well. No iteration returns the mask as it
/// is (scipy would repeat until nothing changes).
pub fn binary_erosion(mask: &Bitmask, footprint: &Footprint, iterations: usize) -> Bitmask {
    let mut eroded = mask.clone();
    for _ in 0..iterations {
        eroded = erode(&eroded, footprint);
    }
    eroded
}

/// Closes gaps: `iterations` dilations, then as many erosions, as `scipy.ndimage.binary_closing(border_value=0)` does.
///
/// The erosions eat into the foreground along the image's edge, also into what was there before.
pub fn binary_closing(mask: &Bitmask, footprint: &Footprint, iterations: usize) -> Bitmask {
    let dilated = binary_dilation(mask, footprint, iterations);
    binary_erosion(&dilated, footprint, iterations)
}

/// Removes what is narrower than the footprint: `iterations` erosions, then as many dilations, as
/// `scipy.ndimage.binary_opening(border_value=0)` does.
pub fn binary_opening(mask: &Bitmask, footprint: &Footprint, iterations: usize) -> Bitmask {
    let eroded = binary_erosion(mask, footprint, iterations);
    binary_dilation(&eroded, footprint, iterations)
}

/// The pixels within `radius` px of the foreground: one dilation by `skimage.morphology.disk(radius)`.
pub fn dilate_disk(mask: &Bitmask, radius: usize) -> Bitmask {
    dilate(mask, &Footprint::disk(radius))
}

fn dilate(mask: &Bitmask, footprint: &Footprint) -> Bitmask {
    let (height, width) = mask.dim();
    let mut dilated = Bitmask::empty(height, width);
    let mut line = Vec::new();
    for y in 0..height {
        if mask.row(y).iter().all(|&word| word == 0) {
            continue;
        }
        line.clear();
        line.extend_from_slice(mask.row(y));
        for band in footprint.bands() {
            combine_with_lower(&mut line, band.more_right, |a, b| a | b);
            combine_with_higher(&mut line, band.more_left, |a, b| a | b);
            for &offset in &band.rows {
                let Some(target) = y.checked_add_signed(offset).filter(|&target| target < height) else {
                    continue;
                };
                for (out, &word) in dilated.row_mut(target).iter_mut().zip(&line) {
                    *out |= word;
                }
            }
        }
    }
    dilated.clear_padding();
    dilated
}

fn erode(mask: &Bitmask, footprint: &Footprint) -> Bitmask {
    let (height, width) = mask.dim();
    let mut eroded = Bitmask::full(height, width);
    let mut line = Vec::new();
    for y in 0..height {
        line.clear();
        line.extend_from_slice(mask.row(y));
        for band in footprint.bands() {
            combine_with_higher(&mut line, band.more_right, |a, b| a & b);
            combine_with_lower(&mut line, band.more_left, |a, b| a & b);
            for &offset in &band.rows {
                // Row `y` is what the rows at the opposite offset see at this one.
                let Some(target) = y.checked_add_signed(-offset).filter(|&target| target < height) else {
                    continue;
                };
                for (out, &word) in eroded.row_mut(target).iter_mut().zip(&line) {
                    *out &= word;
                }
            }
        }
    }

    // Outside the image is background, so a pixel whose footprint reaches there does not remain. Beyond the ends of a row,
    // the zeroes that a shift brings in have seen to it.
    for y in 0..height {
        let reaches_outside = |&offset: &isize| y.checked_add_signed(offset).is_none_or(|seen| seen >= height);
        if footprint.bands().iter().flat_map(|band| &band.rows).any(reaches_outside) {
            eroded.row_mut(y).fill(0);
        }
    }
    eroded
}

/// Combines each pixel of a packed row with the `reach` pixels at lower columns; beyond the row they are background.
fn combine_with_lower(row: &mut [u64], reach: usize, combine: impl Fn(u64, u64) -> u64) {
    for shift in doubling_shifts(reach) {
        // From the end, so that a word is combined with words not yet changed.
        for word in (0..row.len()).rev() {
            row[word] = combine(row[word], shifted_up(row, word, shift));
        }
    }
}

/// Combines each pixel of a packed row with the `reach` pixels at higher columns; beyond the row they are background.
fn combine_with_higher(row: &mut [u64], reach: usize, combine: impl Fn(u64, u64) -> u64) {
    for shift in doubling_shifts(reach) {
        for word in 0..row.len() {
            row[word] = combine(row[word], shifted_down(row, word, shift));
        }
    }
}

/// Shifts that, applied one after the other, combine a pixel with all of its `reach` neighbours on one side: after each, a
/// pixel stands for twice as many.
fn doubling_shifts(reach: usize) -> impl Iterator<Item = usize> {
    let mut covered = 0;
    std::iter::from_fn(move || {
        let shift = (covered + 1).min(reach - covered);
        covered += shift;
        (shift > 0).then_some(shift)
    })
}

/// One word of the row moved by `shift` pixels to higher columns.
fn shifted_up(row: &[u64], word: usize, shift: usize) -> u64 {
    let (words, bits) = (shift / WORD_BITS, shift % WORD_BITS);
    let Some(source) = word.checked_sub(words) else {
        return 0;
    };
    if bits == 0 {
        return row[source];
    }
    let carried = if source > 0 { row[source - 1] >> (WORD_BITS - bits) } else { 0 };
    row[source] << bits | carried
}

/// One word of the row moved by `shift` pixels to lower columns.
fn shifted_down(row: &[u64], word: usize, shift: usize) -> u64 {
    let (words, bits) = (shift / WORD_BITS, shift % WORD_BITS);
    let source = word + words;
    let low = row.get(source).copied().unwrap_or(0);
    if bits == 0 {
        return low;
    }
    let carried = row.get(source + 1).copied().unwrap_or(0);
    low >> bits | carried << (WORD_BITS - bits)
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    type Offsets = Vec<(isize, isize)>;

    fn disk_offsets(radius: isize) -> Offsets {
        let mut offsets = Vec::new();
        for dy in -radius..=radius {
            for dx in -radius..=radius {
                if dx * dx + dy * dy <= radius * radius {
                    offsets.push((dy, dx));
                }
            }
        }
        offsets
    }

    fn square_offsets(side: isize) -> Offsets {
        let extent = -(side / 2)..side - side / 2;
        extent.clone().flat_map(|dy| extent.clone().map(move |dx| (dy, dx))).collect()
    }

    fn at(mask: &Array2<bool>, y: isize, x: isize) -> bool {
        y >= 0 && x >= 0 && mask.get((y as usize, x as usize)).copied().unwrap_or(false)
    }

    fn naive_dilation(mask: &Array2<bool>, offsets: &Offsets) -> Array2<bool> {
        Array2::from_shape_fn(mask.dim(), |(y, x)| {
            offsets.iter().any(|&(dy, dx)| at(mask, y as isize - dy, x as isize - dx))
        })
    }

    fn naive_erosion(mask: &Array2<bool>, offsets: &Offsets) -> Array2<bool> {
        Array2::from_shape_fn(mask.dim(), |(y, x)| {
            offsets.iter().all(|&(dy, dx)| at(mask, y as isize + dy, x as isize + dx))
        })
    }

    fn repeat(mask: Array2<bool>, times: usize, step: impl Fn(&Array2<bool>) -> Array2<bool>) -> Array2<bool> {
        (0..times).fold(mask, |mask, _| step(&mask))
    }

    #[test]
    fn a_disk_of_diameter_seven_is_the_disk_of_radius_three() {
        let mut dot = Array2::from_elem((7, 7), false);
        dot[[3, 3]] = true;
        let disk = dilate(&Bitmask::from_array(dot.view()), &Footprint::disk_of_diameter(7));
        let expected = "7 x 7\n...#...\n.#####.\n.#####.\n#######\n.#####.\n.#####.\n...#...\n";
        assert_eq!(format!("{disk:?}"), expected);
    }

    #[test]
    fn an_even_square_adds_one_more_pixel_towards_the_origin() {
        let dot = array![[false, false, false], [false, true, false], [false, false, false]];
        let mask = Bitmask::from_array(dot.view());
        let dilated = dilate(&mask, &Footprint::square(2));
        assert_eq!(format!("{dilated:?}"), "3 x 3\n##.\n##.\n...\n");
        assert_eq!(erode(&dilated, &Footprint::square(2)), mask);
    }

    #[test]
    fn footprints_of_size_one_change_nothing() {
        let mask = Bitmask::from_array(array![[true, false, true], [false, true, true]].view());
        for footprint in
            [Footprint::disk(0), Footprint::disk_of_diameter(1), Footprint::square(1), Footprint::square(0)]
        {
            assert_eq!(binary_closing(&mask, &footprint, 3), mask);
            assert_eq!(binary_opening(&mask, &footprint, 3), mask);
        }
    }

    #[test]
    fn closing_a_full_image_erodes_it_from_the_edge() {
        let closed = binary_closing(&Bitmask::full(7, 9), &Footprint::square(3), 2);
        let expected = Array2::from_shape_fn((7, 9), |(y, x)| (2..5).contains(&y) && (2..7).contains(&x));
        assert_eq!(closed.to_array(), expected);
    }

    #[test]
    fn footprints_larger_than_the_image_are_no_trouble() {
        for footprint in [Footprint::disk(300), Footprint::square(500)] {
            for (height, width) in [(1, 1), (1, 130), (3, 64)] {
                let mut dot = Bitmask::empty(height, width);
                dot.fill_run(0, 0..1);
                assert_eq!(dilate(&dot, &footprint), Bitmask::full(height, width));
                assert_eq!(erode(&Bitmask::full(height, width), &footprint), Bitmask::empty(height, width));
            }
        }
    }

    #[test]
    fn empty_images_stay_empty() {
        for (height, width) in [(0, 0), (0, 5), (5, 0)] {
            let mask = Bitmask::empty(height, width);
            assert_eq!(binary_closing(&mask, &Footprint::disk(3), 2), mask);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn equals_the_definition(
            (height, width, density) in (1_usize..14, prop_oneof![1_usize..20, 60_usize..70, 120_usize..140], 1_u32..100),
            seed in any::<u64>(),
            is_disk in any::<bool>(),
            size in prop_oneof![4 => 1_usize..10, 1 => 60_usize..140],
            iterations in 0_usize..4,
        ) {
            let mut state = seed | 1;
            let array = Array2::from_shape_fn((height, width), |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                ((state >> 33) % 100) < u64::from(density)
            });
            let (footprint, offsets) = if is_disk {
                (Footprint::disk_of_diameter(size), disk_offsets((size / 2) as isize))
            } else {
                (Footprint::square(size), square_offsets(size as isize))
            };
            // The naive versions cost as much as their footprint has offsets.
            let iterations = if size > 10 { iterations.min(1) } else { iterations };

            let mask = Bitmask::from_array(array.view());
            let dilated = repeat(array.clone(), iterations, |mask| naive_dilation(mask, &offsets));
            let eroded = repeat(array, iterations, |mask| naive_erosion(mask, &offsets));
            prop_assert_eq!(binary_dilation(&mask, &footprint, iterations).to_array(), dilated.clone());
            prop_assert_eq!(binary_erosion(&mask, &footprint, iterations).to_array(), eroded.clone());
            let closed = repeat(dilated, iterations, |mask| naive_erosion(mask, &offsets));
            let opened = repeat(eroded, iterations, |mask| naive_dilation(mask, &offsets));
            prop_assert_eq!(binary_closing(&mask, &footprint, iterations).to_array(), closed);
            prop_assert_eq!(binary_opening(&mask, &footprint, iterations).to_array(), opened);
        }
    }
}
