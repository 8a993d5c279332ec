"""The whole pipeline in Python: the reference stages one after another, writing the tree of SPEC section 4.

It tests the comparer before and without fovflow, and is the Python side of benchmarks:
`python pipeline.py FILE -o OUT --config CFG [--fovs 0-5,7] [--frames 0-119]`
"""

import argparse
from pathlib import Path

import numpy as np
import yaml
import zarr
from zarr.codecs import BloscCodec

import config as configuration
from reference import background, cache, crop, extract, segment, track
from source import open_source, parse_selection
from tree import CONFIG_FILE, Fov, crop_channels, image_channels, raw_channels, stages


def multiscales(frame_interval, pixel_size_um):
    """OME-NGFF 0.5 attributes of a channel group: minutes, then micrometres where the file gives a pixel size."""
    y_size, x_size = pixel_size_um

    def space(name, size):
        return {"name": name, "type": "space"} | ({"unit": "micrometer"} if size else {})

    axes = [{"name": "t", "type": "time", "unit": "minute"}, space("y", y_size), space("x", x_size)]
    scale = {"type": "scale", "scale": [frame_interval, y_size or 1.0, x_size or 1.0]}
    levels = [{"path": "0", "coordinateTransformations": [scale]}]
    return {"ome": {"version": "0.5", "multiscales": [{"axes": axes, "datasets": levels}]}}


def write(path, array, chunks=None, cname="zstd", attributes=None):
    """Writes one array, in one chunk per frame unless told otherwise, and the groups above it."""
    root = next(parent for parent in path.parents if parent.suffix == ".zarr")
    for parent in [path.parent, *path.parent.parents]:
        zarr.open_group(parent, mode="a", zarr_format=3)
        if parent == root:
            break
    chunks = chunks or (1, *(max(1, n) for n in array.shape[1:]))
    target = zarr.create_array(
        store=path,
        shape=array.shape,
        dtype=array.dtype,
        chunks=chunks,
        compressors=BloscCodec(cname=cname),
        attributes=attributes,
        zarr_format=3,
    )
    if array.size:
        target[...] = array


def copy_stage(fov, source, config, selection):
    for name, channel in raw_channels(config).items():
        stack = np.stack([source.plane(fov.fov, frame, channel) for frame in selection])
        write(fov.images / name / "0", stack)


def crop_stage(fov, config):
    tracked = fov.image(f"seg_tracked_ch_{configuration.pc_channel(config)}")
    cell_ids, bboxes, valid_frames = crop.metadata(tracked)
    for name, array in {"cell_ids": cell_ids, "bboxes": bboxes, "valid_frames": valid_frames}.items():
        write(fov.cells / "metadata" / name, array, chunks=tuple(max(1, n) for n in array.shape))
    stacks = {name: fov.image(name) for name in crop_channels(config) if name != "mask"}
    attributes = {crop.SCALE_ATTRIBUTE: crop.FULL_SCALE}
    for n, cell in enumerate(cell_ids):
        mask = crop.mask_crop(tracked, cell, bboxes[n], valid_frames[n])
        write(fov.cells / "mask" / str(cell) / "0", mask, chunks=mask.shape)
        for name, stack in stacks.items():
            crops = crop.intensity_crop(stack, mask, bboxes[n], valid_frames[n])
            write(fov.cells / name / str(cell) / "0", crops, chunks=crops.shape, attributes=attributes)


def crop_reader(fov):
    """`crop_of(channel, cell)` for extract: None where the channel has no crops."""
    return lambda channel, cell: fov.crop(channel, cell) if (fov.cells / channel / str(cell)).exists() else None


def field(value):
    """A CSV field that parses back to the same value; empty where the value is undefined."""
    if isinstance(value, float | np.floating):
        return repr(float(value)) if np.isfinite(value) else ""
    return str(value)


def extract_stage(fov, config, basename, selection):
    params, columns = config["params"]["extraction"], configuration.features(config)
    table = []
    pc = configuration.pc_channel(config)
    if pc is not None:
        shape = fov.image(f"pc_ch_{pc}").shape[1:]
        table = extract.rows(fov.fov, fov.metadata(), crop_reader(fov), columns, shape, selection, params)
    lines = [",".join(extract.header(columns))]
    lines += [",".join(field(v) for v in [*base, *(value for value, _ in values)]) for base, values in table]
    fov.path.mkdir(parents=True, exist_ok=True)
    fov.csv(basename).write_text("\n".join(lines) + "\n")


def cache_stage(fov):
    for level_zero in sorted([*fov.images.glob("*/0"), *fov.cells.glob("*/*/0")]):
        channel = level_zero.relative_to(fov.path).parts[1]
        level = cache.level_one(channel, zarr.open_array(store=level_zero, mode="r")[...])
        write(level_zero.with_name("1"), level, chunks=cache.chunk_shape(level.shape), cname="lz4")


def process_fov(fov, source, config, basename, selection):
    """Every configured stage of one FOV, in SPEC's order."""
    run, params = stages(config), config["params"]
    pc = configuration.pc_channel(config)
    labeled = None
    if "copy" in run:
        copy_stage(fov, source, config, selection)
    if "segment" in run:
        labeled = segment.segment(fov.image(f"pc_ch_{pc}"), params["segmentation"])
        write(fov.images / f"seg_labeled_ch_{pc}" / "0", labeled)
        write(fov.images / f"seg_tracked_ch_{pc}" / "0", track.track(labeled, params["tracking"]))
    if "background" in run:
        for fl in configuration.fl_channels(config):
            estimate = background.background(fov.image(f"fl_ch_{fl}"), labeled, params["background"])
            write(fov.images / f"fl_background_ch_{fl}" / "0", estimate)
    if "crop" in run:
        crop_stage(fov, config)
    if "extract" in run:
        extract_stage(fov, config, basename, selection)
    if "cache" in run:
        cache_stage(fov)
    for channel in image_channels(config):
        attributes = multiscales(params["extraction"]["frame_interval"], source.pixel_size_um)
        zarr.open_group(fov.images / channel, mode="a").attrs.update(attributes)


def run(file, output, config, fovs=None, frames=None):
    """Processes `file` with a resolved configuration into the folder `output`."""
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    with open_source(file) as source:
        selection = parse_selection(frames, source.frames)
        described = {"file": Path(file).name, "fovs": len(source.fovs), "frames": source.frames}
        (output / CONFIG_FILE).write_text(yaml.safe_dump(config | {"source": described}, sort_keys=False))
        for fov in parse_selection(fovs, len(source.fovs)):
            process_fov(Fov(output, fov), source, config, Path(file).stem, selection)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--fovs")
    parser.add_argument("--frames")
    args = parser.parse_args()
    run(args.file, args.output, configuration.load(args.config), args.fovs, args.frames)


if __name__ == "__main__":
    main()
