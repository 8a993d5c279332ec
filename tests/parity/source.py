"""Reads a CZI through Zeiss's own library, or an ND2 through the Python `nd2` package: the pixels that `copy` must keep."""

from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import nd2
import numpy as np
from pylibCZIrw import czi


class Source(NamedTuple):
    """What a file holds: `plane(fov, frame, channel)` gives (H, W) uint16 at Z = 0."""

    fovs: list
    frames: int
    plane: object
    pixel_size_um: tuple  # (y, x), None where the file does not say


def parse_selection(text, size):
    """The numbers in a selection such as "0-5,7"; all of 0..size where it is None."""
    if text is None:
        return list(range(size))
    numbers = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return sorted(numbers)


@contextmanager
def open_source(path):
    """Opens a .czi or .nd2 file."""
    opener = {".czi": open_czi, ".nd2": open_nd2}[Path(path).suffix.lower()]
    with opener(path) as source:
        yield source


@contextmanager
def open_czi(path):
    with czi.open_czi(str(path)) as reader:
        scenes = sorted(reader.scenes_bounding_rectangle)
        frames = reader.total_bounding_box.get("T", (0, 1))[1]

        def plane(fov, frame, channel):
            where = {"T": frame, "C": channel, "Z": 0}
            pixels = reader.read(plane=where, scene=scenes[fov] if scenes else None)
            return pixels[..., 0].astype(np.uint16)

        yield Source(list(range(max(1, len(scenes)))), frames, plane, czi_pixel_size(reader))


def czi_pixel_size(reader):
    """(y, x) in µm from the file's scaling, which is in metres."""
    try:
        items = reader.metadata["ImageDocument"]["Metadata"]["Scaling"]["Items"]["Distance"]
    except (KeyError, TypeError):
        return None, None
    metres = {item["@Id"]: float(item["Value"]) for item in items if item.get("Value")}
    return tuple(metres[axis] * 1e6 if metres.get(axis) else None for axis in "YX")


@contextmanager
def open_nd2(path):
    with nd2.ND2File(path) as file:
        sizes = file.sizes
        stack = file.asarray()  # without the axes of size 1

        def plane(fov, frame, channel):
            where = {"P": fov, "T": frame, "C": channel, "Z": 0}
            return stack[tuple(where.get(axis, slice(None)) for axis in sizes)].astype(np.uint16)

        voxel = file.voxel_size()
        yield Source(list(range(sizes.get("P", 1))), sizes.get("T", 1), plane, (voxel.y, voxel.x))
