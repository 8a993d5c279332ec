"""cache: the half-resolution uint8 level `/1` of every `/0` (SPEC section 3)."""

import numpy as np

MAX_CHUNK = 256


def half_shape(shape):
    """(T, ⌊H/2⌋, ⌊W/2⌋), at least 1."""
    return shape[0], max(1, shape[1] // 2), max(1, shape[2] // 2)


def chunk_shape(shape):
    """Chunks of a `/1` of this shape."""
    return 1, min(MAX_CHUNK, shape[1]), min(MAX_CHUNK, shape[2])


# SPEC IS SILENT --------------------------------------------------------------------------------------------------
def halve(stack):
    """Mean of 2 × 2 in float64: an odd last row or column is dropped; an axis of length 1 is averaged over what is there."""
    _, height, width = half_shape(stack.shape)
    corners = [stack[:, dy::2, dx::2][:, :height, :width] for dy in range(2) for dx in range(2)]
    present = [corner.astype(np.float64) for corner in corners if corner.shape[1] and corner.shape[2]]
    return sum(present) / len(present)


def to_uint8(values, low, high):
    """[low, high] → 0..255, clipped, rounded half to even."""
    return np.rint(scaled(values, low, high)).astype(np.uint8)


def scaled(values, low, high):
    """`to_uint8` before its rounding."""
    if high == low:
        return np.zeros(values.shape)
    return np.clip((values - low) * 255 / (high - low), 0, 255)


def labels_level(stack):
    """Labels (and masks, as labels 0 and 1): the top-left pixel of each 2 × 2; a label never fades to 0."""
    _, height, width = half_shape(stack.shape)
    largest = int(stack.max()) if stack.size else 0
    nearest = stack[:, ::2, ::2][:, :height, :width].astype(np.float64)
    if largest == 0:
        return np.zeros(nearest.shape, np.uint8)
    return np.where(nearest > 0, np.maximum(1, np.rint(nearest * 255 / largest)), 0).astype(np.uint8)


# END -------------------------------------------------------------------------------------------------------------


def intensity_range(stack):
    """1st and 99th percentile of the whole stack; its extremes where those are equal."""
    low, high = np.percentile(stack.astype(np.float64), [1, 99])
    if low == high:
        return float(stack.min()), float(stack.max())
    return low, high


def intensity_level(stack):
    return to_uint8(halve(stack), *intensity_range(stack))


def is_label(channel):
    """Whether a channel holds labels, by its name."""
    return channel == "mask" or channel.startswith("seg_")


def level_one(channel, stack):
    """`/1` of a channel's `/0` (T, H, W)."""
    return labels_level(stack) if is_label(channel) else intensity_level(stack)
