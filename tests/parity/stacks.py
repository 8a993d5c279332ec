"""The seeded stacks of the parity suite: awkward shapes and frames, each with a configuration of its own."""

import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from draw import Cell, Patch, constant, grid, movie, patches, write_czi

FEATURES = {"pc": ["area", "aspect_ratio"], "fl": ["intensity_total", "intensity_mean"]}
SHORT = {"min_frames": 1, "border_margin": 0}
SMALL = {"morph_size": 3, "morph_iterations": 1, "min_object_size": 4}


class Stack(NamedTuple):
    """A movie and how to process it. `paint(rng)` gives one (C, T, H, W) array for each FOV."""

    name: str
    paint: object
    config: dict
    fovs: str | None = None
    frames: str | None = None
    compression: str = "zstd1:ExplicitLevel=2"

    def write(self, folder):
        """Writes the CZI and the YAML configuration; gives their paths."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        file, settings = Path(folder) / f"{self.name}.czi", Path(folder) / f"{self.name}.yaml"
        write_czi(file, self.paint(rng), self.compression)
        settings.write_text(yaml.safe_dump(self.config, sort_keys=False))
        return file, settings

    def flags(self):
        """The selection as flags of `fovflow run`."""
        flags = ["--fovs", self.fovs] if self.fovs else []
        return flags + (["--frames", self.frames] if self.frames else [])


def settings(pc=0, fl=(1,), pc_features=FEATURES["pc"], fl_features=FEATURES["fl"], copy_only=False, **params):
    """A configuration; `params` are the sections of SPEC section 2. Filters let short movies through unless told otherwise."""
    channels = {} if pc is None else {"pc": {"channel": pc, "features": list(pc_features)}}
    if fl:
        channels["fl"] = [{"channel": channel, "features": list(fl_features)} for channel in fl]
    params["extraction"] = SHORT | params.get("extraction", {})
    return {"channels": channels, "params": params | ({"copy_only": True} if copy_only else {})}


def small(segmentation=None, **rest):
    """Settings for small cells: a 3 px footprint, one iteration."""
    return settings(segmentation=SMALL | (segmentation or {}), **rest)


def one(painter, *args, **kwargs):
    """A `paint` function for a single FOV."""
    return lambda rng: [painter(rng, *args, **kwargs)]


TRIO = [
    Cell(30, 32, 12, 0.7, 0.4),
    Cell(66, 40, 11, -0.4, 0.8, stretch=1.3, level=400),
    Cell(44, 80, 13, 0.5, -0.6, level=1500),
]


def blackened(rng):
    """Dark frames at the start, in the middle and at the end."""
    stack = movie(rng, 7, 96, 112, TRIO)
    stack[:, [0, 3, 6]] = 0
    return [stack]


def saturated(rng):
    """Cells and one whole frame at the top of the camera's range."""
    stack = movie(rng, 4, 96, 112, TRIO).astype(np.uint32)
    stack[0] = np.where(np.abs(stack[0].astype(int) - 2000) > 60, 65535, stack[0])
    stack[1] = np.where(stack[1] > 700, 65535, stack[1])
    stack[:, 2] = 65535
    return [stack.astype(np.uint16)]


def steep(rng):
    """A background that jumps from 0 to 60 000: the spline overshoots."""
    stack = movie(rng, 3, 96, 112, TRIO)
    stack[1, :, :, :60] = 0
    stack[1, :, :, 60:] = 60000
    return [stack]


def rows_of_texture(rng, height, width, frames=4):
    """Texture in one stretch of a line of pixels."""
    stack = movie(rng, frames, height, width, [])
    line = stack[0].reshape(frames, -1)
    line[:, 10:25] += rng.integers(100, 900, (frames, 15), dtype=np.uint16)
    return [stack]


def eight_bit(rng):
    """8-bit pixels, as some cameras store them."""
    stack = movie(rng, 4, 96, 112, TRIO, noise=2, texture=120)
    return [np.clip(stack // 12, 0, 255).astype(np.uint8)]


def three_sizes(rng):
    shapes = [(70, 90), (91, 61), (128, 40)]
    return [movie(rng, 4, *shape, [Cell(30, 25, 11, 0.5), Cell(58, 28, 9, level=300)]) for shape in shapes]


def two_fovs(rng):
    return [movie(rng, 8, 80, 88, [Cell(30, 30, 11, 0.6), Cell(52, 60, 12, -0.4)], fl=2) for _ in range(3)]


GONE = Cell(44, 80, 13, gone=(2, 3, 6))
JUMPS = Cell(44, 76, 9, growth={1: 1.8, 2: 0.7, 4: 2.0})
CROSSING = [Cell(40, 24, 11, vx=6.0), Cell(46, 84, 11, vx=-6.0)]
MERGING = [Cell(40, 24, 11, vx=4.0, gone=(6, 7)), Cell(40, 72, 11, vx=-4.0)]
EDGES = [
    Cell(3, 20, 10),
    Cell(50, 2, 11),
    Cell(92, 60, 9),
    Cell(48, 110, 10, vx=0.6),
    Cell(48, 56, 12),
    Cell(22, 70, 10),
]
TOUCHING = [Cell(40, 40, 12), Cell(40, 62, 12, vx=0.5), Cell(60, 51, 11), Cell(30, 92, 10), Cell(49, 92, 9)]

# Patches of 9 px give boxes of 11 px: 9 px further on they share 2 of 20 columns, an IoU of exactly 0.1.
AT_THE_LIMIT = [[Patch(20, 20, 9, 9), Patch(60, 20, 9, 9)], [Patch(20, 29, 9, 9), Patch(60, 30, 9, 9)]]
# One box midway between two, then two midway around one: two assignments of the same cost.
TIED = [
    [Patch(20, 20, 9, 9), Patch(20, 34, 9, 9)],
    [Patch(20, 27, 9, 9)],
    [Patch(20, 20, 9, 9), Patch(20, 34, 9, 9)],
]
NO_CLEANUP = settings(segmentation={"cleanup": [], "min_object_size": 1})

STACKS = [
    # shapes
    Stack("one_pixel", one(movie, 3, 1, 1, []), settings()),
    Stack("one_row", lambda rng: rows_of_texture(rng, 1, 37), small({"cleanup": ["fill"]})),
    Stack(
        "one_column", lambda rng: rows_of_texture(rng, 41, 1), small({"cleanup": ["fill"]}), compression="uncompressed:"
    ),
    Stack("one_row_default_cleanup", lambda rng: rows_of_texture(rng, 1, 37), small()),
    Stack("two_by_two", one(movie, 2, 2, 2, []), settings(segmentation={"min_object_size": 1, "cleanup": []})),
    Stack("three_rows", lambda rng: rows_of_texture(rng, 3, 64), small({"cleanup": ["fill", "remove_small"]})),
    Stack("odd_sizes", one(movie, 5, 97, 113, TRIO), settings(), compression="zstd0:ExplicitLevel=3"),
    Stack("one_frame", one(movie, 1, 96, 112, TRIO), settings()),
    Stack("fovs_of_three_sizes", three_sizes, settings()),
    # frames
    Stack("empty_frames", blackened, settings()),
    Stack("all_black", lambda rng: [constant(3, 40, 50, (0, 0))], settings()),
    Stack(
        "constant_frames",
        lambda rng: [constant(2, 40, 50, (1234, 777))],
        settings(segmentation={"threshold": "mode_sigma"}),
    ),
    Stack("full_of_texture", one(movie, 3, 64, 72, [Cell(32, 36, 200)]), settings()),
    Stack("full_of_texture_mode_sigma", one(movie, 3, 64, 72, [Cell(32, 36, 200)]), small({"threshold": "mode_sigma"})),
    Stack("saturated", saturated, settings()),
    Stack("eight_bit", eight_bit, settings()),
    # cells
    Stack("touching_cells", one(movie, 5, 96, 112, TOUCHING), settings()),
    Stack(
        "touching_cells_opened", one(movie, 5, 96, 112, TOUCHING), small({"cleanup": ["fill", "open"], "morph_size": 9})
    ),
    Stack("many_cells", one(movie, 4, 118, 150, grid(7, 9, 16, 5, vy=0.5, vx=0.7)), small({"min_object_size": 20})),
    Stack("edge_cells_no_margin", one(movie, 4, 96, 112, EDGES), small()),
    Stack("edge_cells_margin_5", one(movie, 4, 96, 112, EDGES), settings(extraction={"border_margin": 5})),
    Stack("vanish_and_return", one(movie, 8, 96, 112, [*TRIO[:2], GONE]), settings(extraction={"min_frames": 2})),
    Stack("size_jumps", one(movie, 6, 96, 112, [TRIO[0], JUMPS]), settings(tracking={"min_iou": 0.3})),
    Stack("swap", one(movie, 10, 96, 112, CROSSING), settings()),
    Stack("merge_and_split", one(movie, 9, 96, 112, MERGING), settings()),
    Stack("iou_at_the_limit", one(patches, 90, 70, AT_THE_LIMIT), NO_CLEANUP),
    Stack("assignment_ties", one(patches, 50, 70, TIED), NO_CLEANUP),
    # segmentation
    Stack("mode_sigma", one(movie, 4, 96, 112, TRIO), settings(segmentation={"threshold": "mode_sigma"})),
    Stack("square", one(movie, 4, 96, 112, TRIO), settings(segmentation={"morph_shape": "square", "morph_size": 5})),
    Stack("window_2", one(movie, 3, 96, 112, TRIO), settings(segmentation={"logstd_window_size": 2})),
    Stack("window_5", one(movie, 3, 96, 112, TRIO), settings(segmentation={"logstd_window_size": 5})),
    Stack(
        "window_9_mode_sigma",
        one(movie, 3, 96, 112, TRIO),
        settings(segmentation={"logstd_window_size": 9, "threshold": "mode_sigma"}),
    ),
    Stack(
        "cleanup_open_first",
        one(movie, 3, 96, 112, TRIO),
        small({"cleanup": ["open", "fill", "close"], "morph_shape": "square"}),
    ),
    Stack(
        "cleanup_remove_only", one(movie, 3, 96, 112, TRIO), small({"cleanup": ["remove_small"], "min_object_size": 30})
    ),
    Stack(
        "morph_15_once", one(movie, 3, 96, 112, TRIO), settings(segmentation={"morph_size": 15, "morph_iterations": 1})
    ),
    Stack(
        "morph_3_five_times",
        one(movie, 3, 96, 112, TRIO),
        settings(segmentation={"morph_size": 3, "morph_iterations": 5}),
    ),
    Stack(
        "object_sizes",
        one(movie, 4, 96, 112, TRIO),
        settings(segmentation={"min_object_size": 560, "max_object_size": 650}),
    ),
    Stack(
        "tracking_sizes",
        one(movie, 6, 96, 112, [TRIO[0], JUMPS]),
        settings(tracking={"min_size": 200, "max_size": 700}),
    ),
    # background
    Stack(
        "tiles_high_overlap", one(movie, 3, 96, 112, TRIO), settings(background={"tile_size": 24, "tile_overlap": 0.9})
    ),
    Stack(
        "tiles_one_px_apart",
        one(movie, 2, 40, 44, [Cell(20, 20, 8)]),
        small(background={"tile_size": 10, "tile_overlap": 0.9, "dilation_radius": 2}),
    ),
    Stack(
        "tiles_no_overlap",
        one(movie, 3, 96, 113, TRIO),
        settings(background={"tile_size": 25, "tile_overlap": 0.0, "dilation_radius": 3}),
    ),
    Stack(
        "tiles_two_by_three",
        one(movie, 3, 70, 96, TRIO[:2]),
        settings(background={"tile_size": 50, "tile_overlap": 0.5, "dilation_radius": 4}),
    ),
    Stack(
        "tiles_one_by_many",
        one(movie, 3, 40, 112, [Cell(20, 30, 10)]),
        settings(background={"tile_size": 40, "dilation_radius": 1}),
    ),
    Stack(
        "dilation_0_coverage_1",
        one(movie, 3, 96, 112, TRIO),
        settings(background={"tile_size": 20, "dilation_radius": 0, "min_tile_coverage": 1.0}),
    ),
    Stack(
        "few_valid_tiles",
        one(movie, 3, 96, 112, TRIO),
        settings(background={"tile_size": 30, "dilation_radius": 22, "min_tile_coverage": 0.5}),
    ),
    Stack(
        "no_valid_tile",
        one(movie, 2, 60, 60, [Cell(30, 30, 18)]),
        settings(background={"tile_size": 50, "dilation_radius": 10, "min_tile_coverage": 0.9}),
    ),
    Stack("steep_background", steep, settings(background={"tile_size": 20})),
    # extraction and channels
    Stack("half_weight", one(movie, 4, 96, 112, TRIO), settings(extraction={"background_weight": 0.5})),
    Stack("no_weight", one(movie, 4, 96, 112, TRIO), settings(extraction={"background_weight": 0.0})),
    Stack(
        "weight_above_one",
        one(movie, 4, 96, 112, TRIO),
        settings(extraction={"background_weight": 1.7, "min_frames": 3}),
    ),
    Stack("pc_only", one(movie, 4, 96, 112, TRIO, fl=0), settings(fl=())),
    Stack("fl_only", one(movie, 3, 90, 80, []), settings(pc=None)),
    Stack(
        "three_fl_out_of_order",
        one(movie, 3, 96, 112, TRIO, fl=3),
        settings(fl=(3, 1), fl_features=["intensity_mean"], pc_features=["aspect_ratio"]),
    ),
    Stack("no_features", one(movie, 3, 96, 112, TRIO), settings(pc_features=(), fl_features=())),
    Stack("copy_only", one(movie, 3, 96, 112, TRIO), settings(copy_only=True)),
    Stack("no_channels", one(movie, 2, 20, 20, []), settings(pc=None, fl=())),
    Stack("some_fovs_and_frames", two_fovs, settings(fl=(2,)), fovs="0,2", frames="2-5"),
    Stack(
        "defaults",
        one(movie, 31, 210, 230, grid(3, 3, 74, 16, vy=0.2, vx=0.1)),
        {
            "channels": {
                "pc": {"channel": 0, "features": FEATURES["pc"]},
                "fl": [{"channel": 1, "features": FEATURES["fl"]}],
            },
            "params": {},
        },
    ),
]
