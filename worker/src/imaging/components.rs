//! 4-connected components of a binary image, found on runs of pixels rather than on pixels.
//!
//! Components are numbered in raster order: by their first pixel, top row first, then left to right. That is the numbering of
//! `scipy.ndimage.label` and of `skimage.measure.label(connectivity=1)`.

use std::ops::{Range, RangeInclusive};

use ndarray::{Array2, Axis};

use super::bitmask::Bitmask;

/// The most components that a label image can number.
pub const MAX_LABELS: usize = u16::MAX as usize;

/// A label image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// Shape `(H, W)`: 0 in the background, `1..=count` in the components.
    pub image: Array2<u16>,
    /// The number of components.
    pub count: u16,
}

/// There are more components than a 16-bit label image can number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{count} regions are more than the {MAX_LABELS} that a label image can number: raise `min_object_size` or choose another threshold"
)]
pub struct TooManyLabels {
    /// The number of components within the size limits.
    pub count: usize,
}

/// Removes the components with fewer than `min_size` pixels.
///
/// This is `skimage.morphology.remove_small_objects(mask, min_size, connectivity=1)`.
pub fn remove_small(mask: &Bitmask, min_size: usize) -> Bitmask {
    let components = Components::of(mask);
    let mut kept = mask.clone();
    for (run, component) in components.runs() {
        if components.area(component) < min_size {
            kept.clear_run(run.y, run.columns());
        }
    }
    kept
}

/// Numbers the components whose area in px lies within `sizes`, from 1 on in raster order; the others become background.
///
/// # Errors
/// [`TooManyLabels`] where more than [`MAX_LABELS`] components remain.
pub fn label_filtered(mask: &Bitmask, sizes: RangeInclusive<usize>) -> Result<Labels, TooManyLabels> {
    let components = Components::of(mask);
    let mut count = 0;
    // The number of each component, 0 where it is dropped.
    let numbers: Vec<usize> = (0..components.len())
        .map(|component| {
            let is_kept = sizes.contains(&components.area(component));
            count += usize::from(is_kept);
            if is_kept { count } else { 0 }
        })
        .collect();
    let Ok(label_count) = u16::try_from(count) else {
        return Err(TooManyLabels { count });
    };

    let mut image = Array2::zeros(mask.dim());
    for (run, component) in components.runs() {
        // Lossless: numbers reach up to `count`, which fits.
        let label = numbers[component] as u16;
        image.row_mut(run.y).slice_axis_mut(Axis(0), run.columns().into()).fill(label);
    }
    Ok(Labels { image, count: label_count })
}

/// Consecutive pixels of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Row.
    pub(super) y: usize,
    /// First column.
    pub(super) start: usize,
    /// Column after the last.
    pub(super) end: usize,
}

impl Run {
    /// The columns of the run.
    pub(super) fn columns(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The foreground of a mask as runs, each assigned to a component. Components count from 0 in raster order.
#[derive(Debug)]
pub(super) struct Components {
    runs: Vec<Run>,
    component_of_run: Vec<usize>,
    areas: Vec<usize>,
}

impl Components {
    /// Finds the 4-connected components of the foreground, in time linear in the mask's words and runs.
    pub(super) fn of(mask: &Bitmask) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        let mut sets = DisjointSets::default();
        let mut start_of_row_above = 0;
        for y in 0..mask.dim().0 {
            let start_of_row = runs.len();
            let mut above = start_of_row_above;
            for columns in mask.runs(y) {
                let run = Run { y, start: columns.start, end: columns.end };
                let index = sets.add();
                runs.push(run);
                while above < start_of_row && runs[above].end <= run.start {
                    above += 1;
                }
                // The last of the runs that touch may reach on to the next run of this row, so `above` stays.
                let mut touching = above;
                while touching < start_of_row && runs[touching].start < run.end {
                    sets.unite(index, touching);
                    touching += 1;
                }
            }
            start_of_row_above = start_of_row;
        }

        // The first run of a component is the representative of its set, so components come in raster order.
        let mut component_of_run: Vec<usize> = Vec::with_capacity(runs.len());
        let mut areas = Vec::new();
        for (index, run) in runs.iter().enumerate() {
            let first_run = sets.find(index);
            let component = if first_run == index {
                areas.push(0);
                areas.len() - 1
            } else {
                component_of_run[first_run]
            };
            component_of_run.push(component);
            areas[component] += run.end - run.start;
        }
        Self { runs, component_of_run, areas }
    }

    /// The number of components.
    pub(super) fn len(&self) -> usize {
        self.areas.len()
    }

    /// The area of a component in px.
    pub(super) fn area(&self, component: usize) -> usize {
        self.areas[component]
    }

    /// All runs in raster order, each with its component.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Run, usize)> {
        self.runs.iter().copied().zip(self.component_of_run.iter().copied())
    }
}

/// A union-find forest over `0, 1, 2, …` whose representatives are the least elements of their sets.
#[derive(Debug, Default)]
struct DisjointSets {
    parents: Vec<usize>,
}

impl DisjointSets {
    /// Adds the next element as a set of its own.
    fn add(&mut self) -> usize {
        let element = self.parents.len();
        self.parents.push(element);
        element
    }

    /// The least element of the set. Halves the path on the way, so that later searches are short.
    fn find(&mut self, mut element: usize) -> usize {
        while self.parents[element] != element {
            self.parents[element] = self.parents[self.parents[element]];
            element = self.parents[element];
        }
        element
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.parents[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn mask_of(rows: &[&str]) -> Bitmask {
        let pixels = Array2::from_shape_fn((rows.len(), rows[0].len()), |(y, x)| rows[y].as_bytes()[x] == b'#');
        Bitmask::from_array(pixels.view())
    }

    /// Flood fill from each pixel not yet labelled, in raster order. Returns the labels and the area of each.
    fn naive_labels(mask: &Array2<bool>) -> (Array2<usize>, Vec<usize>) {
        let mut labels = Array2::zeros(mask.dim());
        let mut areas = vec![0];
        for (seed, &is_foreground) in mask.indexed_iter() {
            if !is_foreground || labels[seed] != 0 {
                continue;
            }
            let mut stack = vec![seed];
            labels[seed] = areas.len();
            let mut area = 0;
            while let Some((y, x)) = stack.pop() {
                area += 1;
                let neighbours = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
                for neighbour in neighbours {
                    if mask.get(neighbour) == Some(&true) && labels[neighbour] == 0 {
                        labels[neighbour] = areas.len();
                        stack.push(neighbour);
                    }
                }
            }
            areas.push(area);
        }
        (labels, areas)
    }

    #[test]
    fn diagonal_neighbours_are_separate_and_numbered_in_raster_order() {
        let labels = label_filtered(&mask_of(&[".#.#", "#.##", "##.."]), 1..=usize::MAX).unwrap();
        assert_eq!(labels.image, array![[0, 1, 0, 2], [3, 0, 2, 2], [3, 3, 0, 0]]);
        assert_eq!(labels.count, 3);
    }

    #[test]
    fn branches_that_meet_below_are_one_component() {
        // The left branch begins below the right one, the first pixel of the whole decides.
        let labels = label_filtered(&mask_of(&["..#.#", "#.#.#", "###.#", "....#"]), 1..=usize::MAX).unwrap();
        assert_eq!(labels.image, array![[0, 0, 1, 0, 2], [1, 0, 1, 0, 2], [1, 1, 1, 0, 2], [0, 0, 0, 0, 2]]);
    }

    #[test]
    fn both_size_limits_are_inclusive_and_the_rest_numbered_without_gaps() {
        let mask = mask_of(&["#.##.###.####"]);
        let labels = label_filtered(&mask, 2..=3).unwrap();
        assert_eq!(labels.image, array![[0, 0, 1, 1, 0, 2, 2, 2, 0, 0, 0, 0, 0]]);
        assert_eq!(labels.count, 2);
        assert_eq!(remove_small(&mask, 3), mask_of(&[".....###.####"]));
        assert_eq!(remove_small(&mask, 0), mask);
    }

    #[test]
    fn as_many_labels_as_fit_and_one_more() {
        // Every second pixel of every second row is a component of its own.
        let mut mask = Bitmask::empty(511, 513);
        for y in (0..511).step_by(2) {
            for x in (0..511).step_by(2) {
                mask.fill_run(y, x..x + 1);
            }
        }
        mask.clear_run(0, 0..1);
        assert_eq!(label_filtered(&mask, 1..=1).map(|labels| labels.count), Ok(u16::MAX));
        mask.fill_run(0, 512..513);
        assert_eq!(label_filtered(&mask, 1..=1), Err(TooManyLabels { count: 65_536 }));
        assert_eq!(label_filtered(&mask, 2..=9).map(|labels| labels.count), Ok(0));
    }

    #[test]
    fn empty_and_full_images() {
        for (height, width) in [(0, 0), (0, 3), (3, 0)] {
            assert_eq!(label_filtered(&Bitmask::empty(height, width), 0..=9).unwrap().image.dim(), (height, width));
        }
        let full = label_filtered(&Bitmask::full(3, 70), 1..=210).unwrap();
        assert_eq!((full.count, full.image), (1, Array2::ones((3, 70))));
        assert_eq!(label_filtered(&Bitmask::full(3, 70), 1..=209).unwrap().count, 0);
    }

    proptest! {
        #[test]
        fn equals_flood_fill(
            (height, width) in prop_oneof![(1_usize..12, 1_usize..12), (1_usize..6, 60_usize..140)],
            pixels in prop::collection::vec(0_u8..100, 12 * 140),
            density in 20_u8..95,
            min_size in 0_usize..6,
            max_size in 1_usize..60,
        ) {
            let array = Array2::from_shape_fn((height, width), |(y, x)| pixels[y * width + x] < density);
            let mask = Bitmask::from_array(array.view());
            let (labels, areas) = naive_labels(&array);

            let all = label_filtered(&mask, 1..=usize::MAX).unwrap();
            prop_assert_eq!(all.image.map(|&label| usize::from(label)), labels.clone());
            prop_assert_eq!(usize::from(all.count), areas.len() - 1);

            let large = labels.map(|&label| label != 0 && areas[label] >= min_size);
            prop_assert_eq!(remove_small(&mask, min_size).to_array(), large);

            let filtered = label_filtered(&mask, min_size..=max_size).unwrap();
            let kept: Vec<usize> = (1..areas.len()).filter(|&label| (min_size..=max_size).contains(&areas[label])).collect();
            let renumbered = labels.map(|label| kept.binary_search(label).map_or(0, |position| position + 1));
            prop_assert_eq!(filtered.image.map(|&label| usize::from(label)), renumbered);
            prop_assert_eq!(usize::from(filtered.count), kept.len());
        }
    }
}
