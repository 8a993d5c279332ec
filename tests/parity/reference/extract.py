"""extract: one row of features per kept cell and frame, from crops and metadata alone (SPEC section 3)."""

import math

import numpy as np
from skimage.measure import regionprops

from .crop import FULL_SCALE

BASE_COLUMNS = ["fov", "cell", "frame", "good", "position_x", "position_y", "bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"]


# SPEC IS SILENT --------------------------------------------------------------------------------------------------
def listed_frames(valid):
    """The frames that get a row: those in which the cell is present (so `good` is True until someone edits the table)."""
    return np.nonzero(valid)[0]


def frame_number(frame, selection):
    """The `frame` column counts frames of the file, also where `frames` picked a subset: "IDs stay those of the file"."""
    return int(selection[frame])


def header(columns):
    """Base columns, then one for each pair (feature, channel)."""
    return BASE_COLUMNS + [f"{feature}_ch_{channel}" for feature, channel in columns]


def touches_border(bboxes, valid, shape, margin):
    """Whether any mask pixel lies in the outer `margin` px; boxes are tight, so they decide. Margin 0 keeps every cell."""
    height, width = shape
    y0, x0, y1, x1 = bboxes[valid].T
    return bool(np.any((y0 < margin) | (x0 < margin) | (y1 > height - margin) | (x1 > width - margin)))


# END -------------------------------------------------------------------------------------------------------------


def kept_cells(bboxes, valid_frames, shape, params):
    """Positions of the cells that pass both filters; `shape` is the image's (H, W)."""
    return [
        n
        for n in range(len(bboxes))
        if valid_frames[n].sum() >= params["min_frames"]
        and not touches_border(bboxes[n], valid_frames[n], shape, params["border_margin"])
    ]


def aspect_ratio(mask):
    """Major ÷ minor axis length; NaN for a mask one pixel wide, which has no minor axis."""
    region = regionprops(mask.astype(np.uint8))[0]
    if region.axis_minor_length == 0:
        return math.nan
    return region.axis_major_length / region.axis_minor_length


def intensity_total(raw, background, mask, weight):
    """(Σ raw − weight · Σ background, Σ raw + weight · Σ background) in counts: the value, and what it was subtracted from."""
    raw_sum = np.rint(raw[mask].astype(np.float64) * FULL_SCALE).sum()  # camera counts are whole numbers
    background_sum = min(max(weight, 0.0), 1.0) * (background[mask].astype(np.float64) * FULL_SCALE).sum()
    return raw_sum - background_sum, abs(raw_sum) + abs(background_sum)


def feature_value(feature, mask, raw, background, weight):
    """(value, magnitude of the terms in it) of one feature in one frame; raw and background are crops (h, w)."""
    area = int(mask.sum())
    if feature == "area":
        return area, area
    if feature == "aspect_ratio":
        ratio = aspect_ratio(mask)
        return ratio, ratio
    total, magnitude = intensity_total(raw, background, mask, weight)
    if feature == "intensity_total":
        return total, magnitude
    if feature == "intensity_mean":
        return total / area, magnitude / area
    raise ValueError(f"unknown feature {feature!r}")


def base_values(fov, cell, frame, good, bbox):
    y0, x0, y1, x1 = (int(v) for v in bbox)
    return [fov, cell, frame, good, (x0 + x1) / 2, (y0 + y1) / 2, x0, y0, x1, y1]


def at(stack, frame):
    """One frame of a crop stack that may not be there."""
    return None if stack is None else stack[frame]


def rows(fov, meta, crop_of, columns, shape, selection, params):
    """The table's rows, each a pair (base values, [(feature value, magnitude), …]).

    `meta` is (cell_ids, bboxes, valid_frames); `crop_of(channel_name, cell)` reads a crop stack, or gives None;
    `selection` lists the file's frame number for each frame of the tree.
    """
    cell_ids, bboxes, valid_frames = meta
    table = []
    for n in kept_cells(bboxes, valid_frames, shape, params):
        cell = int(cell_ids[n])
        mask = crop_of("mask", cell)
        channels = {channel for _, channel in columns}
        raw = {channel: crop_of(f"fl_ch_{channel}", cell) for channel in channels}
        background = {channel: crop_of(f"fl_background_ch_{channel}", cell) for channel in channels}
        for t in listed_frames(valid_frames[n]):
            values = [
                feature_value(f, mask[t], at(raw[c], t), at(background[c], t), params["background_weight"])
                for f, c in columns
            ]
            base = base_values(fov, cell, frame_number(t, selection), bool(valid_frames[n, t]), bboxes[n, t])
            table.append((base, values))
    return table
