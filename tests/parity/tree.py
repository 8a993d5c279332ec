"""The output tree of SPEC section 4: where everything lies, and which arrays a configuration leads to."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import zarr

import config as configuration
from reference import cache

BOOKKEEPING = ".fovflow"  # commits and timings: not part of the result
CONFIG_FILE = "processing_config.yaml"


class Expected(NamedTuple):
    """An array that has to be there, by its path below the FOV's folder."""

    path: str
    dtype: str
    shape: tuple


class Fov:
    """One FOV's folder in an output tree."""

    def __init__(self, root, fov):
        self.fov = fov
        self.path = Path(root) / f"fov_{fov:03}"
        self.images = self.path / "images.zarr"
        self.cells = self.path / "cells.zarr"

    def csv(self, basename):
        return self.path / f"{basename}_fov_{self.fov:03}_traces.csv"

    def image(self, channel, level=0):
        """An array of images.zarr, read whole."""
        return read(self.images / channel / str(level))

    def crop(self, channel, cell, level=0):
        """A cell's array of cells.zarr, read whole."""
        return read(self.cells / channel / str(cell) / str(level))

    def metadata(self):
        """(cell_ids, bboxes, valid_frames)."""
        return tuple(read(self.cells / "metadata" / name) for name in ("cell_ids", "bboxes", "valid_frames"))


def read(path):
    """A Zarr v3 array, whole."""
    return zarr.open_array(store=path, mode="r", zarr_format=3)[...]


def raw_channels(config):
    """Names of the channels that copy writes, with their numbers in the source."""
    pc = configuration.pc_channel(config)
    names = {} if pc is None else {f"pc_ch_{pc}": pc}
    return names | {f"fl_ch_{fl}": fl for fl in configuration.fl_channels(config)}


def stages(config):
    """The stages that a configuration runs (SPEC section 2)."""
    has_pc, has_fl = configuration.pc_channel(config) is not None, bool(configuration.fl_channels(config))
    if config["params"]["copy_only"]:
        return {"copy"}
    if not has_pc and not has_fl:
        return {"extract"}
    wanted = {"copy", "cache"}
    if has_pc:
        wanted |= {"segment", "track", "crop", "extract"}
    if has_fl:
        wanted |= {"background"}
    return wanted


def image_channels(config):
    """Every channel of images.zarr with the dtype of its `/0`."""
    channels = {name: "uint16" for name in raw_channels(config)}
    run = stages(config)
    pc = configuration.pc_channel(config)
    if "segment" in run:
        channels |= {f"seg_labeled_ch_{pc}": "uint16", f"seg_tracked_ch_{pc}": "uint16"}
    if "background" in run:
        channels |= {f"fl_background_ch_{fl}": "float32" for fl in configuration.fl_channels(config)}
    return channels


def crop_channels(config):
    """Every per-cell channel of cells.zarr with the dtype of its `/0`."""
    images = image_channels(config)
    return {"mask": "bool"} | {name: "float32" for name in images if not name.startswith("seg_")}


def expected_arrays(config, shape, cell_sizes):
    """Every array of one FOV. `shape` is its (T, H, W), `cell_sizes` maps each tracked cell to its crop's (h, w)."""
    run, arrays = stages(config), []

    def with_cache(path, dtype, level_zero):
        arrays.append(Expected(f"{path}/0", dtype, level_zero))
        if "cache" in run:
            arrays.append(Expected(f"{path}/1", "uint8", cache.half_shape(level_zero)))

    for channel, dtype in image_channels(config).items():
        with_cache(f"images.zarr/{channel}", dtype, shape)
    if "crop" not in run:
        return arrays
    cells, frames = len(cell_sizes), shape[0]
    arrays.append(Expected("cells.zarr/metadata/cell_ids", "int32", (cells,)))
    arrays.append(Expected("cells.zarr/metadata/bboxes", "int32", (cells, frames, 4)))
    arrays.append(Expected("cells.zarr/metadata/valid_frames", "bool", (cells, frames)))
    for channel, dtype in crop_channels(config).items():
        for cell, size in cell_sizes.items():
            with_cache(f"cells.zarr/{channel}/{cell}", dtype, (frames, *size))
    return arrays


def cell_sizes(tracked):
    """{cell: (h, w)}: each cell's largest height and width, from seg_tracked alone."""
    sizes = {}
    for frame in tracked:
        for cell in np.unique(frame[frame > 0]):
            ys, xs = np.nonzero(frame == cell)
            height, width = int(np.ptp(ys)) + 1, int(np.ptp(xs)) + 1
            old = sizes.get(int(cell), (0, 0))
            sizes[int(cell)] = (max(old[0], height), max(old[1], width))
    return sizes
