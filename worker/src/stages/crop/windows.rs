//! Where each cell is in each frame, and how large its window must be.

use std::collections::BTreeMap;

use crate::imaging::shape::{BBox, Region};

/// A block of crops holds about this many pixels of one channel in all, over all cells: 8 Mi, so 32 MiB as float32.
const BLOCK_PIXELS: u64 = 8 << 20;

/// A block is never longer than this many frames.
const MAX_BLOCK_FRAMES: usize = 64;

/// One tracked cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// The tracked ID.
    pub(super) id: u16,
    /// The largest height over all frames.
    pub(super) height: u32,
    /// The largest width over all frames.
    pub(super) width: u32,
    /// The bounding box in each frame in which the cell is seen, by `t`, ascending.
    pub(super) boxes: Vec<(u32, BBox)>,
}

/// All cells of a FOV.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    cells: Vec<Cell>,
    frames: usize,
    block_frames: usize,
}

impl Windows {
    /// From the regions of each frame, whose labels are tracked IDs.
    pub(super) fn new(regions_of_frames: &[Vec<Region>]) -> Self {
        let mut cells: BTreeMap<u16, Cell> = BTreeMap::new();
        for (t, regions) in regions_of_frames.iter().enumerate() {
            for region in regions {
                let cell = cells.entry(region.label).or_insert_with(|| Cell {
                    id: region.label,
                    height: 0,
                    width: 0,
                    boxes: Vec::new(),
                });
                cell.height = cell.height.max(region.bbox.height());
                cell.width = cell.width.max(region.bbox.width());
                cell.boxes.push((t as u32, region.bbox));
            }
        }
        let cells: Vec<Cell> = cells.into_values().collect();
        let frames = regions_of_frames.len();
        let mut block_frames = MAX_BLOCK_FRAMES.min(frames.max(1));
        while block_frames > 1 && largest_block(&cells, frames, block_frames) > BLOCK_PIXELS {
            block_frames = block_frames.div_ceil(2);
        }
        Self { cells, frames, block_frames }
    }

    /// The cells, by ascending ID.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// Frames of the movie.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// Frames of a block, which is the length of a chunk of crops.
    pub(super) fn block_frames(&self) -> usize {
        self.block_frames
    }
}

impl Cell {
    /// Pixels of the window.
    pub(super) fn area(&self) -> u64 {
        u64::from(self.height) * u64::from(self.width)
    }

    /// The frames of a block in which the cell is seen, with its bounding boxes.
    pub(super) fn boxes_in(&self, start: usize, end: usize) -> &[(u32, BBox)] {
        let first = self.boxes.partition_point(|(t, _)| (*t as usize) < start);
        let last = self.boxes.partition_point(|(t, _)| (*t as usize) < end);
        &self.boxes[first..last]
    }
}

/// Pixels of the largest block: for each cell that's seen in it, its window in every frame of the block.
fn largest_block(cells: &[Cell], frames: usize, block_frames: usize) -> u64 {
    let mut areas = vec![0; frames.div_ceil(block_frames)];
    for cell in cells {
        let mut last_block = None;
        for (t, _) in &cell.boxes {
            let block = *t as usize / block_frames;
            if last_block != Some(block) {
                areas[block] += cell.area();
                last_block = Some(block);
            }
        }
    }
    areas.into_iter().max().unwrap_or(0) * block_frames as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(label: u16, y0: u32, x0: u32, height: u32, width: u32) -> Region {
        Region { label, area: 1, bbox: BBox { y0, x0, y1: y0 + height, x1: x0 + width } }
    }

    #[test]
    fn a_window_holds_the_cell_in_every_frame() {
        let frames = [vec![region(3, 0, 0, 4, 9)], vec![], vec![region(3, 5, 5, 6, 2), region(8, 1, 1, 1, 1)]];
        let windows = Windows::new(&frames);
        let [first, second] = windows.cells() else { panic!("two cells expected") };
        assert_eq!((first.id, first.height, first.width), (3, 6, 9));
        assert_eq!((second.id, second.boxes.len()), (8, 1));
        assert_eq!(first.boxes_in(0, 2).len(), 1);
        assert_eq!(first.boxes_in(1, 3), &[(2, BBox { y0: 5, x0: 5, y1: 11, x1: 7 })]);
        assert_eq!(windows.block_frames(), 3);
    }

    #[test]
    fn large_cells_make_short_blocks() {
        let frames = vec![vec![region(1, 0, 0, 2048, 2048)]; 10];
        assert_eq!(Windows::new(&frames).block_frames(), 2);
        assert_eq!(Windows::new(&[]).block_frames(), 1);
    }

    #[test]
    fn cells_that_come_and_go_count_in_every_block_that_sees_them() {
        let frames: Vec<_> = (1..=64).map(|label| vec![region(label, 0, 0, 512, 512)]).collect();
        // A block of n frames holds n cells of n frames each: 5² · 512² px is the most within 8 Mi, of 64, 32, 16, 8, 4 frames.
        assert_eq!(Windows::new(&frames).block_frames(), 4);
    }
}
