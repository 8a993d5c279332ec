"""Paints seeded test movies: textured cells on a quiet background, and frames that no microscope would make."""

from typing import NamedTuple

import numpy as np
from pylibCZIrw import czi

PIXEL_SIZE_UM = 0.65
SCENE_GAP = 4000  # px between scenes, so that none overlaps another


class Cell(NamedTuple):
    """An ellipse that moves in a straight line; absent in the frames of `gone`, scaled by `growth[frame]`."""

    y: float
    x: float
    radius: float
    vy: float = 0.0
    vx: float = 0.0
    stretch: float = 1.0
    level: float = 900.0
    gone: tuple = ()
    growth: dict = {}


class Patch(NamedTuple):
    """A rectangle of strong texture on a flat ground: its label's bounding box is one px wider on each side."""

    y: int
    x: int
    height: int
    width: int


def ellipse(cell, frame, shape):
    """The cell's mask (H, W) in a frame."""
    if frame in cell.gone:
        return np.zeros(shape, bool)
    ys, xs = np.ogrid[: shape[0], : shape[1]]
    radius = cell.radius * cell.growth.get(frame, 1.0)
    dy = (ys - cell.y - cell.vy * frame) / (radius * cell.stretch)
    dx = (xs - cell.x - cell.vx * frame) / radius
    return dy**2 + dx**2 <= 1


def movie(rng, frames, height, width, cells, fl=1, noise=6, texture=160):
    """(1 + fl, T, H, W) uint16: phase contrast with textured cells, then FL channels with a sloping background."""
    shape = (height, width)
    stack = np.empty((1 + fl, frames, *shape))
    ys, xs = np.mgrid[:height, :width]
    for t in range(frames):
        masks = [ellipse(cell, t, shape) for cell in cells]
        inside = np.any(masks, axis=0) if masks else np.zeros(shape, bool)
        stack[0, t] = 2000 + rng.normal(0, noise, shape) + inside * rng.normal(0, texture, shape)
        for channel in range(1, 1 + fl):
            light = 200 * channel + 1.5 * ys + 0.8 * xs + 40 * np.sin(ys / 17 + channel) * np.cos(xs / 23 + t)
            signal = sum(mask * cell.level * channel for mask, cell in zip(masks, cells)) if cells else 0
            stack[channel, t] = light + signal + rng.normal(0, 5, shape)
    return to_uint16(stack)


def patches(rng, height, width, frames):
    """(2, T, H, W) uint16 from one list of patches per frame: PC flat at 1000 outside them; FL smooth, brighter inside."""
    stack = np.full((2, len(frames), height, width), 1000.0)
    for t, items in enumerate(frames):
        stack[1, t] = 300 + rng.normal(0, 4, (height, width))
        for y, x, h, w in items:
            stack[0, t, y : y + h, x : x + w] += rng.choice([-700, -500, 400, 800], (h, w))
            stack[1, t, y : y + h, x : x + w] += 500
    return to_uint16(stack)


def constant(frames, height, width, values):
    """(len(values), T, H, W) uint16: each channel one value everywhere."""
    return np.stack([np.full((frames, height, width), value, np.uint16) for value in values])


def to_uint16(stack):
    return np.clip(np.rint(stack), 0, 65535).astype(np.uint16)


def grid(rows, columns, pitch, radius, **cell):
    """Cells on a grid."""
    return [
        Cell(pitch * (r + 0.5), pitch * (c + 0.5), radius, level=500 + 40 * (r + 2 * c), **cell)
        for r in range(rows)
        for c in range(columns)
    ]


def write_czi(path, fovs, compression):
    """Writes one scene for each FOV, an array (C, T, H, W) of uint8 or uint16, through Zeiss's writer."""
    with czi.create_czi(str(path), exist_ok=True, compression_options=compression) as writer:
        for scene, stack in enumerate(fovs):
            for t in range(stack.shape[1]):
                for channel in range(stack.shape[0]):
                    pixels = np.ascontiguousarray(stack[channel, t][..., np.newaxis])
                    plane = {"T": t, "C": channel, "Z": 0}
                    writer.write(pixels, plane=plane, scene=scene, location=(scene * SCENE_GAP, 0))
        metres = PIXEL_SIZE_UM * 1e-6
        writer.write_metadata("parity", scale_x=metres, scale_y=metres)
