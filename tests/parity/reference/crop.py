"""crop: each tracked cell cut out of every channel, and where it was (SPEC section 3)."""

import numpy as np
from skimage.measure import regionprops

# SPEC IS SILENT --------------------------------------------------------------------------------------------------
SCALE_ATTRIBUTE = "scale"  # array attribute; counts = value · scale
FULL_SCALE = 65535
# background crops are divided alone: a spline that overshoots below 0 or above 65535 is not clipped
# END -------------------------------------------------------------------------------------------------------------


def metadata(tracked):
    """(cell_ids (N) int32 rising, bboxes (N, T, 4) int32, valid_frames (N, T) bool) of seg_tracked (T, H, W)."""
    cell_ids = np.unique(tracked)
    cell_ids = cell_ids[cell_ids > 0].astype(np.int32)
    position = {int(cell): n for n, cell in enumerate(cell_ids)}
    bboxes = np.full((len(cell_ids), len(tracked), 4), -1, np.int32)
    for t, frame in enumerate(tracked):
        for region in regionprops(frame):
            bboxes[position[region.label], t] = region.bbox
    return cell_ids, bboxes, bboxes[:, :, 0] >= 0


def window_size(cell_bboxes, valid):
    """The cell's largest height and width, over all frames."""
    present = cell_bboxes[valid]
    return int((present[:, 2] - present[:, 0]).max()), int((present[:, 3] - present[:, 1]).max())


def windows(stack, cell_bboxes, valid, size, fill=0):
    """(T, *size): `stack` from each frame's bounding box on; `fill` where the cell is absent or the image ends."""
    crops = np.full((len(stack), *size), fill, stack.dtype)
    for t in np.nonzero(valid)[0]:
        y0, x0 = cell_bboxes[t, :2]
        part = stack[t, y0 : y0 + size[0], x0 : x0 + size[1]]
        crops[t, : part.shape[0], : part.shape[1]] = part
    return crops


def mask_crop(tracked, cell, cell_bboxes, valid):
    """The cell's own mask, (T, h, w) bool."""
    return windows(tracked, cell_bboxes, valid, window_size(cell_bboxes, valid)) == cell


def intensity_crop(stack, mask, cell_bboxes, valid):
    """A channel inside the cell's mask, (T, h, w) float32 = counts ÷ 65535; 0 outside it."""
    counts = windows(stack, cell_bboxes, valid, mask.shape[1:])
    return (np.where(mask, counts, 0).astype(np.float64) / FULL_SCALE).astype(np.float32)
