//! Filling holes: background that the foreground encloses.

use super::bitmask::Bitmask;
use super::components::Components;

/// Makes every hole foreground.
///
/// A hole is a 4-connected component of the background that does not touch the image's edge. This is
/// `scipy.ndimage.binary_fill_holes(mask)` with its default structure: background that is reached only across a corner is
/// enclosed. Takes time linear in the mask's words and runs.
pub fn fill_holes(mask: &Bitmask) -> Bitmask {
    let (height, width) = mask.dim();
    let background = Components::of(&mask.complement());
    let mut touches_edge = vec![false; background.len()];
    for (run, component) in background.runs() {
        touches_edge[component] |= run.y == 0 || run.y + 1 == height || run.start == 0 || run.end == width;
    }

    let mut filled = mask.clone();
    for (run, component) in background.runs() {
        if !touches_edge[component] {
            filled.fill_run(run.y, run.columns());
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;

    fn mask_of(rows: &[&str]) -> Bitmask {
        let pixels = Array2::from_shape_fn((rows.len(), rows[0].len()), |(y, x)| rows[y].as_bytes()[x] == b'#');
        Bitmask::from_array(pixels.view())
    }

    /// Lets background flow in from a frame around the image until nothing changes.
    fn naive(mask: &Array2<bool>) -> Array2<bool> {
        let (height, width) = mask.dim();
        let mut outside = Array2::from_elem((height + 2, width + 2), false);
        outside[[0, 0]] = true;
        loop {
            let mut grown = outside.clone();
            for ((y, x), pixel) in grown.indexed_iter_mut() {
                let is_image = (1..=height).contains(&y) && (1..=width).contains(&x);
                let is_foreground = is_image && mask[[y - 1, x - 1]];
                let neighbours = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
                *pixel |= !is_foreground && neighbours.iter().any(|&neighbour| outside.get(neighbour) == Some(&true));
            }
            if grown == outside {
                break;
            }
            outside = grown;
        }
        Array2::from_shape_fn((height, width), |(y, x)| !outside[[y + 1, x + 1]])
    }

    #[test]
    fn a_hole_behind_a_corner_is_filled_and_a_bay_is_not() {
        let mask = mask_of(&[".##...", "#..###", "#..#.#", ".##..#", "....##"]);
        let expected = mask_of(&[".##...", "######", "####.#", ".##..#", "....##"]);
        assert_eq!(fill_holes(&mask), expected);
    }

    #[test]
    fn what_touches_the_edge_is_no_hole() {
        for rows in [&["#.#", "#.#", "###"][..], &["."], &["#.#"], &["###", "..#", "###"]] {
            let mask = mask_of(rows);
            assert_eq!(fill_holes(&mask), mask);
        }
    }

    #[test]
    fn an_island_within_a_hole_is_kept() {
        let filled = fill_holes(&mask_of(&["#####", "#...#", "#.#.#", "#...#", "#####"]));
        assert_eq!(filled, Bitmask::full(5, 5));
    }

    #[test]
    fn empty_images_stay_empty() {
        for (height, width) in [(0, 0), (0, 3), (3, 0)] {
            assert_eq!(fill_holes(&Bitmask::empty(height, width)), Bitmask::empty(height, width));
        }
    }

    proptest! {
        #[test]
        fn equals_a_flood_from_outside(
            (height, width) in prop_oneof![(1_usize..12, 1_usize..12), (1_usize..6, 60_usize..70)],
            pixels in prop::collection::vec(0_u8..100, 12 * 70),
            density in 30_u8..95,
        ) {
            let array = Array2::from_shape_fn((height, width), |(y, x)| pixels[y * width + x] < density);
            let filled = fill_holes(&Bitmask::from_array(array.view()));
            prop_assert_eq!(filled.to_array(), naive(&array));
        }
    }
}
