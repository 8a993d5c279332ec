"""segment: log-STD, threshold, clean-up, numbered components (SPEC section 3)."""

import numpy as np
from scipy import ndimage
from scipy.signal import find_peaks
from skimage import measure, morphology

BINS = 200
SMOOTHING_SIGMA = 2
PROMINENCE = 0.01
MAX_LABEL = 65535


# SPEC IS SILENT --------------------------------------------------------------------------------------------------
def footprint(shape, size):
    """The structuring element of diameter `size`. SPEC defines odd sizes only; an even one is refused."""
    if size < 1 or size % 2 == 0:
        raise ValueError(f"morph_size {size}: a diameter with a centre pixel is odd")
    if shape == "disk":
        return morphology.disk(size // 2)
    return morphology.footprint_rectangle((size, size))


def remove_small(mask, min_object_size):
    """`remove_small` drops 4-connected objects of fewer than `min_object_size` px: the parameter that also ends the stage."""
    return morphology.remove_small_objects(mask, max_size=min_object_size - 1, connectivity=1)


def window_sums(frame, window):
    """Σx and Σx² over each window, as integers. An even window reaches one pixel further up and left, as scipy's filters do."""
    ones = np.ones((window, window))
    values = frame.astype(np.float64)  # every sum is an integer below 2**53, so float64 holds it exactly
    sums = ndimage.correlate(values, ones, mode="reflect")
    squares = ndimage.correlate(values * values, ones, mode="reflect")
    return sums.astype(np.int64), squares.astype(np.int64)


# a tie between equally high peaks, modes or maxima goes to the leftmost bin, as for the valley: numpy's argmax below
# END -------------------------------------------------------------------------------------------------------------


def log_std(frame, window):
    """0.5 · ln(var) over a `window` × `window` neighbourhood; 0 where the variance is 0. Shape (H, W), float64."""
    n = window * window
    sums, squares = window_sums(frame, window)
    variance = (n * squares - sums * sums) / n**2
    positive = variance > 0
    return np.where(positive, 0.5 * np.log(np.where(positive, variance, 1.0)), 0.0)


def smoothed(counts):
    """The histogram after the Gaussian of σ = 2 bins."""
    return ndimage.gaussian_filter1d(counts.astype(np.float64), SMOOTHING_SIGMA)


def mode_sigma_threshold(values, counts, edges):
    """Centre of the highest raw bin plus 3 standard deviations of the values up to that centre."""
    mode = np.argmax(counts)
    centre = (edges[mode] + edges[mode + 1]) / 2
    return centre + 3 * np.std(values[values <= centre])


def valley_bin(smooth):
    """The lowest bin between the main peak and the second peak, or None where there is no second peak."""
    main = np.argmax(smooth)
    peaks, _ = find_peaks(smooth, prominence=PROMINENCE * smooth[main])
    right = peaks[peaks > main]
    if len(right) == 0:
        return None
    second = right[np.argmax(smooth[right])]
    return main + np.argmin(smooth[main : second + 1])


def choose(values, counts, edges, smooth, method):
    """The threshold, from a frame's values and their raw and smoothed histogram."""
    lowest = valley_bin(smooth) if method == "valley" else None
    if lowest is None:
        return mode_sigma_threshold(values, counts, edges)
    return (edges[lowest] + edges[lowest + 1]) / 2


def threshold(values, method):
    """The threshold of one frame's log-STD values; `method` is "valley" or "mode_sigma"."""
    counts, edges = np.histogram(values, bins=BINS)
    return choose(values, counts, edges, smoothed(counts), method)


def clean(mask, params):
    """The clean-up steps, in the configured order."""
    element = footprint(params["morph_shape"], params["morph_size"])
    repeat = {"structure": element, "iterations": params["morph_iterations"]}
    for step in params["cleanup"]:
        if step == "close":
            mask = ndimage.binary_closing(mask, border_value=0, **repeat)
        elif step == "open":
            mask = ndimage.binary_opening(mask, border_value=0, **repeat)
        elif step == "fill":
            mask = ndimage.binary_fill_holes(mask)
        elif step == "remove_small":
            mask = remove_small(mask, params["min_object_size"])
        else:
            raise ValueError(f"unknown clean-up step {step!r}")
    return mask


def number(mask, params):
    """Labels of the 4-connected components of a fitting size, 1..N by their first pixel in raster order, uint16."""
    components = measure.label(mask, connectivity=1)
    sizes = np.bincount(components.ravel())
    fits = (sizes >= params["min_object_size"]) & (sizes <= params["max_object_size"])
    fits[0] = False
    kept, first_pixel = np.unique(np.where(fits[components], components, 0), return_index=True)
    kept, first_pixel = kept[kept > 0], first_pixel[kept > 0]
    if len(kept) > MAX_LABEL:
        raise ValueError(f"{len(kept)} objects; at most {MAX_LABEL} fit")
    new_label = np.zeros(len(sizes), np.uint16)
    new_label[kept[np.argsort(first_pixel)]] = np.arange(1, len(kept) + 1)
    return new_label[components]


def segment_frame(frame, params):
    """Labels of one PC frame, (H, W) uint16."""
    values = log_std(frame, params["logstd_window_size"])
    foreground = values > threshold(values, params["threshold"])
    return number(clean(foreground, params), params)


def segment(pc, params):
    """seg_labeled of a PC stack (T, H, W)."""
    return np.stack([segment_frame(frame, params) for frame in pc])
