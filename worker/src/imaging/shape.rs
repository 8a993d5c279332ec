//! Shapes of labelled regions: bounding boxes, areas, overlap, elongation.
//!
//! Everything that can be an integer is one: areas and moments are exact sums, so the results do not depend on the order in
//! which pixels are visited, and rounding enters only in the last few operations.

use ndarray::{ArrayView2, Axis};

/// A bounding box in pixels, half-open: rows `y0..y1`, columns `x0..x1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BBox {
    /// First row.
    pub y0: u32,
    /// First column.
    pub x0: u32,
    /// One past the last row.
    pub y1: u32,
    /// One past the last column.
    pub x1: u32,
}

impl BBox {
    /// The number of rows; 0 for an inverted box.
    pub fn height(&self) -> u32 {
        self.y1.saturating_sub(self.y0)
    }

    /// The number of columns; 0 for an inverted box.
    pub fn width(&self) -> u32 {
        self.x1.saturating_sub(self.x0)
    }

    /// The number of pixels inside the box.
    pub fn area(&self) -> u64 {
        u64::from(self.height()) * u64::from(self.width())
    }

    /// The number of pixels that both boxes cover.
    pub fn intersection_area(&self, other: &BBox) -> u64 {
        let overlap = BBox {
            y0: self.y0.max(other.y0),
            x0: self.x0.max(other.x0),
            y1: self.y1.min(other.y1),
            x1: self.x1.min(other.x1),
        };
        overlap.area()
    }
}

/// Intersection over union of two boxes, in `[0, 1]`; 0 when both are empty.
pub fn iou(a: &BBox, b: &BBox) -> f64 {
    let intersection = a.intersection_area(b);
    if intersection == 0 {
        return 0.0;
    }
    let union = u128::from(a.area()) + u128::from(b.area()) - u128::from(intersection);
    intersection as f64 / union as f64
}

/// One label of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// The label, at least 1.
    pub label: u16,
    /// The number of pixels that carry the label.
    pub area: u64,
    /// The smallest box around them.
    pub bbox: BBox,
}

/// The regions of a labelled `(H, W)` frame in ascending label order; 0 is background. One pass over the pixels.
///
/// A label need not be connected, and labels need not be consecutive.
pub fn regions(labels: ArrayView2<'_, u16>) -> Vec<Region> {
    let mut region_of_label: Vec<Option<Region>> = Vec::new();
    for (y, row) in labels.axis_iter(Axis(0)).enumerate() {
        let y = y as u32;
        let mut x = 0;
        while x < row.len() {
            let label = row[x];
            let run_start = x;
            while x < row.len() && row[x] == label {
                x += 1;
            }
            if label != 0 {
                add_run(&mut region_of_label, label, y, run_start as u32, x as u32);
            }
        }
    }
    region_of_label.into_iter().flatten().collect()
}

/// Adds the pixels `x0..x1` of row `y` to a label. Rows arrive in ascending order.
fn add_run(region_of_label: &mut Vec<Option<Region>>, label: u16, y: u32, x0: u32, x1: u32) {
    let slot = usize::from(label);
    if slot >= region_of_label.len() {
        region_of_label.resize(slot + 1, None);
    }
    let region = region_of_label[slot].get_or_insert(Region { label, area: 0, bbox: BBox { y0: y, x0, y1: y, x1 } });
    region.area += u64::from(x1 - x0);
    region.bbox.y1 = y + 1;
    region.bbox.x0 = region.bbox.x0.min(x0);
    region.bbox.x1 = region.bbox.x1.max(x1);
}

/// Major over minor axis length of the ellipse with the mask's second central moments: `axis_major_length /
/// axis_minor_length` of scikit-image's `regionprops` (0.26). `None` where it is undefined: an empty mask, or one whose
/// pixel centres all lie on one line (a single pixel included), so that the minor axis is 0.
///
/// scikit-image takes pixels as points (no 1/12 for a pixel's own extent) and each axis as `4·√λ`, λ the eigenvalues of the
/// inertia tensor. With `n` pixels and the exact sums `a = n·Σy² − (Σy)²`, `c = n·Σx² − (Σx)²`, `b = n·Σxy − Σx·Σy`, these
/// are `λ = (a + c ± √((a − c)² + 4b²)) / 2n²`. Their product is `(ac − b²) / n⁴`, so that with `L = a + c + √(…)` the ratio
/// of the axes is `√(λ₁/λ₂) = L / (2·√(ac − b²))`: no difference of rounded numbers. `ac − b²` is exact up to masks of about
/// 2048 × 2048 px full of foreground; beyond, it is formed in double precision.
pub fn aspect_ratio(mask: ArrayView2<'_, bool>) -> Option<f64> {
    let [mut n, mut sum_y, mut sum_x, mut sum_yy, mut sum_xx, mut sum_xy] = [0i128; 6];
    for (y, row) in mask.axis_iter(Axis(0)).enumerate() {
        let [mut row_n, mut row_x, mut row_xx] = [0i128; 3];
        for (x, _) in row.iter().enumerate().filter(|(_, inside)| **inside) {
            let x = x as i128;
            row_n += 1;
            row_x += x;
            row_xx += x * x;
        }
        let y = y as i128;
        n += row_n;
        sum_y += y * row_n;
        sum_x += row_x;
        sum_yy += y * y * row_n;
        sum_xx += row_xx;
        sum_xy += y * row_x;
    }
    let a = n * sum_yy - sum_y * sum_y;
    let c = n * sum_xx - sum_x * sum_x;
    let b = n * sum_xy - sum_x * sum_y;
    let determinant = determinant(a, b, c);
    if determinant <= 0.0 {
        return None;
    }
    let difference = (a - c) as f64;
    let twice_b = 2.0 * b as f64;
    let major = (a + c) as f64 + (difference * difference + twice_b * twice_b).sqrt();
    Some(major / (2.0 * determinant.sqrt()))
}

/// `a·c − b²`, rounded once where the products fit into 128 bits.
fn determinant(a: i128, b: i128, c: i128) -> f64 {
    match (a.checked_mul(c), b.checked_mul(b)) {
        (Some(ac), Some(bb)) => (ac - bb) as f64,
        _ => a as f64 * c as f64 - b as f64 * b as f64,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    fn frame(max_label: u16) -> impl Strategy<Value = Array2<u16>> {
        (1usize..12, 1usize..12).prop_flat_map(move |(height, width)| {
            prop::collection::vec(0..=max_label, height * width)
                .prop_map(move |pixels| Array2::from_shape_vec((height, width), pixels).unwrap())
        })
    }

    fn naive_region(labels: &Array2<u16>, label: u16) -> Option<Region> {
        let pixels: Vec<(u32, u32)> = labels
            .indexed_iter()
            .filter(|(_, value)| **value == label)
            .map(|((y, x), _)| (y as u32, x as u32))
            .collect();
        let bbox = BBox {
            y0: pixels.iter().map(|p| p.0).min()?,
            x0: pixels.iter().map(|p| p.1).min()?,
            y1: pixels.iter().map(|p| p.0).max()? + 1,
            x1: pixels.iter().map(|p| p.1).max()? + 1,
        };
        Some(Region { label, area: pixels.len() as u64, bbox })
    }

    #[test]
    fn regions_cover_gaps_in_the_labels_and_scattered_pixels() {
        let labels = array![[0, 7, 0, 65535], [2, 2, 7, 0]];
        let bbox = |y0, x0, y1, x1| BBox { y0, x0, y1, x1 };
        let expected = vec![
            Region { label: 2, area: 2, bbox: bbox(1, 0, 2, 2) },
            Region { label: 7, area: 2, bbox: bbox(0, 1, 2, 3) },
            Region { label: 65535, area: 1, bbox: bbox(0, 3, 1, 4) },
        ];
        assert_eq!(regions(labels.view()), expected);
        assert_eq!(regions(Array2::zeros((0, 5)).view()), vec![]);
    }

    #[test]
    fn iou_of_known_boxes() {
        let square = BBox { y0: 0, x0: 0, y1: 4, x1: 4 };
        let shifted = BBox { y0: 2, x0: 2, y1: 6, x1: 6 };
        let touching = BBox { y0: 0, x0: 4, y1: 4, x1: 8 };
        let empty = BBox { y0: 1, x0: 1, y1: 1, x1: 1 };
        assert_eq!(iou(&square, &square), 1.0);
        assert_eq!(iou(&square, &shifted), 4.0 / 28.0);
        assert_eq!(iou(&square, &touching), 0.0);
        assert_eq!(iou(&empty, &empty), 0.0);
        let whole = BBox { y0: 0, x0: 0, y1: u32::MAX, x1: u32::MAX };
        assert_eq!(iou(&whole, &whole), 1.0);
    }

    #[test]
    fn aspect_ratio_of_known_shapes() {
        // a solid h × w block has the variances (h² − 1)/12 and (w² − 1)/12
        let block = Array2::from_elem((4, 9), true);
        let expected = (80.0f64 / 15.0).sqrt();
        assert!((aspect_ratio(block.view()).unwrap() - expected).abs() < 1e-15);
        assert_eq!(aspect_ratio(Array2::from_elem((6, 6), true).view()), Some(1.0));
        assert_eq!(aspect_ratio(Array2::from_elem((6, 6), false).view()), None);
        assert_eq!(aspect_ratio(Array2::from_elem((1, 1), true).view()), None);
        assert_eq!(aspect_ratio(Array2::from_elem((1, 9), true).view()), None);
        assert_eq!(aspect_ratio(Array2::from_shape_fn((50, 50), |(y, x)| x == y).view()), None);
    }

    #[test]
    fn thin_shapes_keep_their_precision() {
        // a line of n pixels along x with one pixel beside its middle: λ₂ is tiny next to λ₁
        let n = 4001usize;
        let mask = Array2::from_shape_fn((2, n), |(y, x)| y == 0 || x == n / 2);
        let total = (n + 1) as f64;
        let variance_x = n as f64 * ((n * n - 1) as f64 / 12.0) / total;
        let variance_y = n as f64 / (total * total);
        let expected = (variance_x / variance_y).sqrt();
        let ratio = aspect_ratio(mask.view()).unwrap();
        assert!((ratio / expected - 1.0).abs() < 1e-14, "{ratio} vs {expected}");
    }

    #[test]
    fn determinant_survives_numbers_too_large_for_exact_products() {
        let large = 1i128 << 70;
        assert_eq!(determinant(large, 0, large), (large as f64) * (large as f64));
        assert_eq!(determinant(large, 0, 1), large as f64);
    }

    proptest! {
        #[test]
        fn regions_equal_a_naive_search(labels in frame(6)) {
            let expected: Vec<Region> = (1..=6).filter_map(|label| naive_region(&labels, label)).collect();
            prop_assert_eq!(regions(labels.view()), expected);
        }

        #[test]
        fn aspect_ratio_ignores_place_and_orientation(labels in frame(1)) {
            let mask = labels.mapv(|label| label == 1);
            let ratio = aspect_ratio(mask.view());
            prop_assert!(ratio.is_none_or(|ratio| ratio >= 1.0 - 1e-15));
            prop_assert_eq!(ratio, aspect_ratio(mask.t()));
            let padded = Array2::from_shape_fn((mask.nrows() + 3, mask.ncols() + 5), |(y, x)| {
                y >= 3 && x >= 5 && mask[[y - 3, x - 5]]
            });
            prop_assert_eq!(ratio, aspect_ratio(padded.view()));
        }
    }
}
