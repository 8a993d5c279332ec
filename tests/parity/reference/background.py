"""background: medians of overlapping tiles, joined by a bicubic interpolating spline (SPEC section 3)."""

import math

import numpy as np
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import binary_dilation
from skimage.morphology import disk


# SPEC IS SILENT --------------------------------------------------------------------------------------------------
def is_valid(unmasked_count, tile_pixels, min_coverage):
    """Whether a tile has enough unmasked pixels for a median; a tile without any never has, even at `min_coverage` 0."""
    return unmasked_count > 0 and unmasked_count / tile_pixels >= min_coverage


def fill(medians):
    """`medians` with its NaN tiles replaced: a discrete membrane (Laplace equation). Valid tiles stay as they are, each
    other one is the mean of its up to four neighbours in the grid."""
    rows, columns = medians.shape
    matrix = np.eye(medians.size)
    right = np.where(np.isnan(medians), 0.0, medians).ravel()
    for y, x in zip(*np.nonzero(np.isnan(medians))):
        steps = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        neighbours = [(v, u) for v, u in steps if 0 <= v < rows and 0 <= u < columns]
        for v, u in neighbours:
            matrix[y * columns + x, v * columns + u] = -1 / len(neighbours)
    return np.linalg.solve(matrix, right).reshape(medians.shape)


def without_valid_tile(frame, unmasked):
    """The value of a frame that has unmasked pixels, but no tile with enough of them: their median."""
    return np.median(frame[unmasked])


def distinct(starts):
    """Tiles that start at the same pixel (a small tile with a high overlap) are one tile: a spline needs rising centres."""
    return np.unique(starts)


def axis_degree(centres):
    """The spline's degree along an axis; with one centre it is constant along it."""
    return min(3, len(centres) - 1)


# END -------------------------------------------------------------------------------------------------------------


def tile_starts(length, tile_size, overlap):
    """(tile, starts) along an axis of `length` px."""
    tile = min(tile_size, length)
    if tile == length:
        return tile, np.array([0])
    n = max(2, math.ceil((length - tile) / (tile * (1 - overlap))) + 1)
    return tile, distinct(np.rint(np.linspace(0, length - tile, n)).astype(int))


def tile_medians(frame, unmasked, params):
    """(medians, y centres, x centres); NaN for a tile with too few unmasked pixels."""
    tile_h, ys = tile_starts(frame.shape[0], params["tile_size"], params["tile_overlap"])
    tile_w, xs = tile_starts(frame.shape[1], params["tile_size"], params["tile_overlap"])
    medians = np.full((len(ys), len(xs)), np.nan)
    for i, y in enumerate(ys):
        for j, x in enumerate(xs):
            window = np.s_[y : y + tile_h, x : x + tile_w]
            values = frame[window][unmasked[window]]
            if is_valid(values.size, tile_h * tile_w, params["min_tile_coverage"]):
                medians[i, j] = np.median(values)
    return medians, ys + (tile_h - 1) / 2, xs + (tile_w - 1) / 2


def interpolate(medians, y_centres, x_centres, shape):
    """The spline through the tile centres at every pixel of `shape`, clamped outside the outer centres."""
    y_pixels = np.clip(np.arange(shape[0]), y_centres[0], y_centres[-1])
    x_pixels = np.clip(np.arange(shape[1]), x_centres[0], x_centres[-1])
    if len(y_centres) == 1:  # RectBivariateSpline needs two: the same row again, which keeps it constant along y
        y_centres, medians = np.append(y_centres, y_centres[0] + 1), np.repeat(medians, 2, axis=0)
    if len(x_centres) == 1:
        x_centres, medians = np.append(x_centres, x_centres[0] + 1), np.repeat(medians, 2, axis=1)
    degrees = {"kx": axis_degree(y_centres), "ky": axis_degree(x_centres)}
    spline = RectBivariateSpline(y_centres, x_centres, medians, s=0, **degrees)
    return spline(y_pixels, x_pixels)


def background_frame(frame, labels, params):
    """The background of one FL frame (H, W), float64; `labels` is None where nothing is segmented."""
    unmasked = np.ones(frame.shape, bool)
    if labels is not None:
        unmasked = ~binary_dilation(labels > 0, disk(params["dilation_radius"]))
    if not unmasked.any():
        return np.full(frame.shape, np.percentile(frame.astype(np.float64), 1))
    medians, y_centres, x_centres = tile_medians(frame, unmasked, params)
    if np.isnan(medians).all():
        return np.full(frame.shape, without_valid_tile(frame, unmasked))
    return interpolate(fill(medians), y_centres, x_centres, frame.shape)


def background(fl, labeled, params):
    """fl_background of an FL stack (T, H, W), float32."""
    frames = [background_frame(fl[t], None if labeled is None else labeled[t], params) for t in range(len(fl))]
    return np.stack(frames).astype(np.float32)
