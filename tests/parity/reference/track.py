"""track: optimal assignment on bounding-box IoU between consecutive frames (SPEC section 3)."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from skimage.measure import regionprops


def boxes(labels, min_size=None, max_size=None):
    """{label: (y0, x0, y1, x1)} in label order, without the regions outside the (inclusive) sizes."""
    low = 0 if min_size is None else min_size
    high = np.inf if max_size is None else max_size
    return {region.label: region.bbox for region in regionprops(labels) if low <= region.num_pixels <= high}


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(a, b):
    """(intersection, union) in px of two half-open boxes (y0, x0, y1, x1)."""
    height = min(a[2], b[2]) - max(a[0], b[0])
    width = min(a[3], b[3]) - max(a[1], b[1])
    intersection = max(height, 0) * max(width, 0)
    return intersection, area(a) + area(b) - intersection


def iou(a, b):
    intersection, union = overlap(a, b)
    return intersection / union


def match(previous, current, min_iou):
    """{current label: previous key} of the accepted pairs; both arguments map a key to its box."""
    if not previous or not current:
        return {}
    old, new = list(previous), list(current)
    ious = np.array([[iou(current[n], previous[o]) for o in old] for n in new])
    rows, columns = linear_sum_assignment(1 - ious)
    return {new[r]: old[c] for r, c in zip(rows, columns) if ious[r, c] >= min_iou}


def relabel(labels, new_ids):
    """`labels` with each label replaced by `new_ids[label]`, and by 0 where it has none."""
    table = np.zeros(int(labels.max()) + 1, np.uint16)
    for label, cell in new_ids.items():
        table[label] = cell
    return table[labels]


def track(labeled, params):
    """seg_tracked of a seg_labeled stack (T, H, W) uint16."""
    previous, next_id, tracked = {}, 1, []
    for frame in labeled:
        current = boxes(frame, params["min_size"], params["max_size"])
        matched = match(previous, current, params["min_iou"])
        cells = {}
        for label in current:
            if label in matched:
                cells[label] = matched[label]
                continue
            cells[label] = next_id
            next_id += 1
        if next_id > 65536:
            raise ValueError("more than 65535 tracked cells")
        tracked.append(relabel(frame, cells))
        previous = {cells[label]: box for label, box in current.items()}
    return np.stack(tracked)
