"""Checks the tree itself: exactly the arrays of SPEC section 4, of the right kind, and their metadata."""

import copy
import json
import math

import numpy as np
import zarr

import config as configuration
import tree
from reference import cache, crop

CORE_CODECS = {"bytes", "blosc", "gzip", "crc32c", "transpose", "sharding_indexed"}
MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3}
MINUTES = {"minute": 1.0, "second": 1 / 60, "hour": 60.0, "millisecond": 1 / 60000}
STAGE = "structure"


def codec_names(codecs):
    """Names of the codecs, also of those inside a shard."""
    for codec in codecs:
        yield codec["name"]
        inner = codec.get("configuration", {})
        yield from codec_names(inner.get("codecs", []) + inner.get("index_codecs", []))


def uses_lz4(codecs):
    return any(
        codec.get("configuration", {}).get("cname") == "lz4"
        or uses_lz4(codec.get("configuration", {}).get("codecs", []))
        for codec in codecs
    )


def check_array(report, fov, expected):
    """One array: present, Zarr v3, dtype, shape, codecs; chunks and LZ4 for a `/1`."""
    path, where = fov.path / expected.path, f"{fov.path.name}/{expected.path}"
    report.checked[STAGE] += 1
    if not (path / "zarr.json").is_file():
        report.mismatch(STAGE, where, "the array is missing (no zarr.json)")
        return
    meta = json.loads((path / "zarr.json").read_text())
    if meta.get("zarr_format") != 3 or meta.get("node_type") != "array":
        report.mismatch(STAGE, where, f"zarr_format {meta.get('zarr_format')}, node_type {meta.get('node_type')}")
        return
    array = zarr.open_array(store=path, mode="r", zarr_format=3)
    if array.dtype != np.dtype(expected.dtype) or array.shape != expected.shape:
        report.mismatch(STAGE, where, f"{array.dtype}{array.shape}, expected {expected.dtype}{expected.shape}")
    foreign = set(codec_names(meta["codecs"])) - CORE_CODECS
    if foreign:
        report.mismatch(STAGE, where, f"codecs {sorted(foreign)} are not core")
    if expected.path.endswith("/1"):
        check_cache_array(report, where, array, meta)
    if expected.path.startswith("cells.zarr") and expected.dtype == "float32":
        scale = array.attrs.get(crop.SCALE_ATTRIBUTE)
        if scale != crop.FULL_SCALE:
            report.mismatch(STAGE, where, f"attribute {crop.SCALE_ATTRIBUTE!r} is {scale}, expected {crop.FULL_SCALE}")


def check_cache_array(report, where, array, meta):
    if array.chunks != cache.chunk_shape(array.shape):
        report.mismatch(STAGE, where, f"chunks {array.chunks}, expected {cache.chunk_shape(array.shape)}")
    if not uses_lz4(meta["codecs"]):
        report.mismatch(STAGE, where, "not compressed with LZ4")


def check_groups(report, fov, arrays):
    """Every folder from an array up to its .zarr root is an explicit group, so that a reader can walk the hierarchy."""
    folders = {
        parent for array in arrays for parent in (fov.path / array.path).parents if parent.is_relative_to(fov.path)
    }
    for folder in sorted(folders - {fov.path}):
        report.checked[STAGE] += 1
        file = folder / "zarr.json"
        kind = json.loads(file.read_text()).get("node_type") if file.is_file() else None
        if kind != "group":
            report.mismatch(STAGE, folder.relative_to(fov.path.parent), f"expected a Zarr v3 group, found {kind}")


def unit_scale(axis, units):
    """The axis' unit in minutes or micrometres; NaN for a unit that is neither."""
    return units.get(axis.get("unit"), math.nan)


def check_multiscales(report, fov, channel, frame_interval, pixel_size_um):
    """OME-NGFF 0.5: axes t, y, x; dataset `0` with a scale that says the frame interval and the pixel size."""
    where = f"{fov.path.name}/images.zarr/{channel}"
    report.checked[STAGE] += 1
    ome = zarr.open_group(fov.images / channel, mode="r", zarr_format=3).attrs.get("ome", {})
    try:
        (image,) = ome["multiscales"]
        axes, (dataset,) = image["axes"], image["datasets"]
        (transform,) = dataset["coordinateTransformations"]
        scale = transform["scale"]
    except (KeyError, ValueError) as error:
        report.mismatch(STAGE, where, f"no OME-NGFF multiscales with one dataset and one scale: {error!r} in {ome}")
        return
    kinds = [(axis.get("name"), axis.get("type")) for axis in axes]
    shape = (ome.get("version"), kinds, dataset.get("path"), transform.get("type"), len(scale))
    expected = ("0.5", [("t", "time"), ("y", "space"), ("x", "space")], "0", "scale", 3)
    if shape != expected:
        report.mismatch(STAGE, where, f"multiscales {shape}, expected {expected}")
        return
    values = [scale[0] * unit_scale(axes[0], MINUTES)]
    values += [s * unit_scale(axis, MICROMETRES) for s, axis in zip(scale[1:], axes[1:])]
    for axis, value, wanted in zip("tyx", values, [frame_interval, *pixel_size_um]):
        if wanted is not None and not math.isclose(value, wanted, rel_tol=1e-6):
            report.mismatch(STAGE, where, f"scale of {axis} is {value} (minutes, micrometres), expected {wanted}")


def check_no_others(report, root, fov_arrays, csv_files):
    """Nothing in the tree but the expected arrays, their groups, the CSVs, the configuration, and the bookkeeping."""
    arrays = {fov.path / array.path for fov, arrays in fov_arrays for array in arrays}
    groups = {parent for array in arrays for parent in array.parents}
    # a FOV without any cell may still have the (empty) groups that its cells would lie in
    for fov, expected in fov_arrays:
        channels = {array.path.split("/")[1] for array in expected}
        groups |= {fov.images, fov.cells} | {fov.cells / name for name in {*channels, "mask", "metadata"}}
    for file in sorted(path for path in root.rglob("*") if path.is_file()):
        inside = arrays.intersection(file.parents)
        known = inside or file in csv_files or file == root / tree.CONFIG_FILE
        known = known or (file.name == "zarr.json" and file.parent in groups)
        if not known and tree.BOOKKEEPING not in file.relative_to(root).parts[:1]:
            report.mismatch(STAGE, file.relative_to(root), "not part of the output")


def check_config_file(report, root, config):
    """processing_config.yaml holds every resolved setting, defaults included."""
    report.checked[STAGE] += 1
    try:
        written = configuration.load(root / tree.CONFIG_FILE)
    except (OSError, ValueError) as error:
        report.mismatch(STAGE, tree.CONFIG_FILE, str(error))
        return
    raw = configuration.yaml.safe_load((root / tree.CONFIG_FILE).read_text())
    resolved = copy.deepcopy(config["params"])
    # SPEC: clipped, with a warning; what is written down is what is used.
    extraction = resolved["extraction"]
    extraction["background_weight"] = min(max(extraction["background_weight"], 0.0), 1.0)
    for section, wanted in resolved.items():
        found = raw.get("params", {}).get(section)
        if found != wanted:
            report.mismatch(STAGE, tree.CONFIG_FILE, f"params.{section} is {found}, expected {wanted}")
    if configuration.features(written) != configuration.features(config):
        report.mismatch(STAGE, tree.CONFIG_FILE, f"channels are {written['channels']}, expected {config['channels']}")
