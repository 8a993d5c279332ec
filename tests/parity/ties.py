"""Where two right answers exist: decides whether a difference is one, so that it is counted rather than reported.

Only two kinds are excused. Equal total cost: an assignment that differs from scipy's and costs the same. Rounding: a value
or a histogram bin that lies within a few units in the last place of the limit that decides about it.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment

from reference import cache, segment, track

EPSILON = 16 * np.finfo(np.float64).eps
JITTERS = 16
COST_TOLERANCE = 1e-12
HALF_TOLERANCE = 1e-9


def nudges(values):
    """`values`, and all of them but the extremes moved up or down by a rounding error: other bins for those on an edge."""
    inner = (values > values.min()) & (values < values.max())
    step = EPSILON * np.abs(values).max() * inner
    return [values, values + step, values - step]


def jittered(smooth, seed):
    """A smoothed histogram with another rounding; bins that are exactly equal stay so, for there SPEC says: leftmost."""
    distinct, index = np.unique(smooth, return_inverse=True)
    signs = np.random.default_rng(seed).choice([-1, 0, 1], len(distinct))
    return smooth * (1 + EPSILON * signs[index])


def possible_thresholds(values, method):
    """Every threshold that another rounding could lead to."""
    found = set()
    for nudged in nudges(values):
        counts, edges = np.histogram(nudged, bins=segment.BINS)
        smooth = segment.smoothed(counts)
        for seed in range(JITTERS):
            found.add(float(segment.choose(values, counts, edges, jittered(smooth, seed), method)))
    return sorted(found)


def segmentation_by_rounding(frame, got, params):
    """Whether the labels `got` of a PC frame follow from another rounding of the threshold or of the log-STD values."""
    values = segment.log_std(frame, params["logstd_window_size"])
    reach = EPSILON * np.abs(values).max()
    for limit in possible_thresholds(values, params["threshold"]):
        for shifted in (limit - reach, limit, limit + reach):
            if np.array_equal(segment.number(segment.clean(values > shifted, params), params), got):
                return True
    return False


def best_total(ious, fixed, min_iou):
    """The highest total IoU of an assignment whose accepted pairs are exactly `fixed`, or None where there is none.

    The other pairs of an optimal assignment over all pairs were rejected: they are under `min_iou`."""
    rows = [r for r in range(ious.shape[0]) if r not in dict(fixed)]
    taken = {c for _, c in fixed}
    columns = [c for c in range(ious.shape[1]) if c not in taken]
    total = sum(ious[r, c] for r, c in fixed)
    if not rows or not columns:
        return total
    rest = ious[np.ix_(rows, columns)]
    cost = np.where(rest < min_iou, 1 - rest, 1e6)
    r, c = linear_sum_assignment(cost)
    return total + (1 - cost[r, c]).sum() if (cost[r, c] < 1e6).all() else None


def assignment_of_equal_cost(previous, current, got, min_iou):
    """Whether `got` ({label: previous cell}) is as good an assignment as scipy's, pairs under `min_iou` rejected."""
    old, new = list(previous), list(current)
    ious = np.array([[track.iou(current[n], previous[o]) for o in old] for n in new])
    pairs = [(new.index(label), old.index(cell)) for label, cell in got.items()]
    if len({c for _, c in pairs}) < len(pairs) or any(ious[pair] < min_iou for pair in pairs):
        return False
    rows, columns = linear_sum_assignment(1 - ious)
    total = best_total(ious, pairs, min_iou)
    return total is not None and abs(total - ious[rows, columns].sum()) <= COST_TOLERANCE


def cache_by_rounding(stack, got, want):
    """Whether an intensity level differs by one step only, and only where the value lies halfway between two."""
    scaled = cache.scaled(cache.halve(stack), *cache.intensity_range(stack))
    differs = got != want
    halfway = np.abs(scaled - np.floor(scaled) - 0.5) <= HALF_TOLERANCE
    one_step = np.abs(got.astype(int) - want.astype(int)) == 1
    return bool(np.all(halfway[differs] & one_step[differs]))
