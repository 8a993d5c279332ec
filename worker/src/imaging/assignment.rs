//! Optimal matching of regions between consecutive frames by the overlap of their bounding boxes.
//!
//! # What is optimal
//! A matching minimises the sum of `1 − IoU` over all pairs, as `scipy.optimize.linear_sum_assignment` does on the full
//! cost matrix. Only pairs of boxes that overlap are looked at, and nothing is lost by that. With `p` previous and `c`
//! current regions a full assignment has `k = min(p, c)` pairs and costs `k − Σ IoU`; as `k` is fixed, least cost is
//! greatest `Σ IoU`. Pairs with IoU 0 add nothing to that sum: dropping them from a best full assignment leaves a matching
//! of overlapping pairs with the same sum, and any matching of overlapping pairs can be filled up with arbitrary pairs,
//! which never lowers the sum. So both have the same greatest sum, and the pairs filled in are rejected anyway, since
//! `min_iou > 0`.
//!
//! # How it is found
//! Shortest augmenting paths with dual prices (Jonker & Volgenant 1987, Crouse 2016) over the sparse graph of overlapping
//! pairs, each path by Dijkstra's algorithm. A search sees no more than the connected component of its region, so that the
//! sum over components of `n · e · log e`, for `n` regions and `e` overlapping pairs, bounds the work.
//!
//! IoU is a ratio of integers and is rounded once, to a multiple of 2⁻⁵⁶; all sums and comparisons from there on are
//! exact in `i64`. The total is within `n · 2⁻⁵⁶` of the real optimum.
//!
//! # Ties
//! Of several matchings with the greatest total (in units of 2⁻⁵⁶), the lexicographically smallest is taken: the first
//! current region gets the lowest previous index it can have in any of them ("none" comes after every index), then the
//! second given the first, and so on. When a cell divides into two boxes of equal IoU, the first of them inherits.
//! (scipy leaves ties to its order of search and to rounding, so that on these it may pair otherwise at the same total.)

mod matching;

use self::matching::{Edge, Matching, ONE};
use super::shape::{BBox, iou};

/// For each current region, the index of the previous region that it continues, or `None` for a new one.
///
/// The matching is optimal over all pairs (see the module's documentation); pairs with `IoU < min_iou` are rejected from it
/// afterwards, comparing the IoU itself and not `1 − (1 − IoU)`, which rounds. `min_iou` is greater than 0: boxes that do
/// not overlap are never paired.
pub fn match_regions(previous: &[BBox], current: &[BBox], min_iou: f64) -> Vec<Option<usize>> {
    let mut matching = Matching::new(overlapping_pairs(previous, current), previous.len());
    matching.minimise_cost();
    matching.prefer_low_columns();
    let mut previous_of_current = matching.into_columns();
    for (region, partner) in current.iter().zip(&mut previous_of_current) {
        if partner.is_some_and(|index| iou(&previous[index], region) < min_iou) {
            *partner = None;
        }
    }
    previous_of_current
}

/// The overlapping pairs of each current region (a row), with the previous region (the column) ascending.
///
/// Of the previous boxes, sorted by their top edge, only those are compared that begin above the current box's bottom and no
/// further above its top than the tallest of them is high.
fn overlapping_pairs(previous: &[BBox], current: &[BBox]) -> Vec<Vec<Edge>> {
    let mut by_top: Vec<usize> = (0..previous.len()).collect();
    by_top.sort_by_key(|index| previous[*index].y0);
    let tallest = previous.iter().map(BBox::height).max().unwrap_or(0);
    let mut pairs = Vec::with_capacity(current.len());
    for region in current {
        let first_top = region.y0.saturating_sub(tallest);
        let first = by_top.partition_point(|index| previous[*index].y0 < first_top);
        let end = by_top.partition_point(|index| previous[*index].y0 < region.y1);
        let mut edges = Vec::new();
        for column in by_top.get(first..end).unwrap_or_default() {
            let weight = fixed_point_iou(&previous[*column], region);
            if weight > 0 {
                edges.push(Edge { column: *column, cost: ONE - weight });
            }
        }
        edges.sort_unstable_by_key(|edge| edge.column);
        pairs.push(edges);
    }
    pairs
}

/// IoU in units of 1/`ONE`, rounded half up.
fn fixed_point_iou(a: &BBox, b: &BBox) -> i64 {
    let intersection = u128::from(a.intersection_area(b));
    if intersection == 0 {
        return 0;
    }
    let union = u128::from(a.area()) + u128::from(b.area()) - intersection;
    ((2 * intersection * ONE as u128 + union) / (2 * union)) as i64
}

#[cfg(test)]
mod tests;
