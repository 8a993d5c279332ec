"""The comparer has to be able to fail: it passes good trees, and names the stage of each way to damage one."""

import json
import re
import shutil

import numpy as np
import pytest
import yaml
import zarr

import tree
from compare import compare
from draw import Cell, movie
from reference import crop, segment
from ties import assignment_of_equal_cost, segmentation_by_rounding

GOOD = "odd_sizes"
PASSING = [GOOD, "one_pixel", "one_row", "empty_frames", "assignment_ties", "pc_only", "fl_only", "no_channels", "copy_only",
           "three_fl_out_of_order", "some_fovs_and_frames"]  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_trees_of_the_python_pipeline_pass(python_tree, name):
    from conftest import stack_named

    stack = stack_named(name)
    report = compare(*python_tree(name), stack.fovs, stack.frames)
    assert not report.mismatches, report.text()
    assert report.checked and not report.ties


# Each of these damages a tree in one way.


def change(path, edit):
    """Rewrites an array's values; `edit` works on it in place."""
    array = zarr.open_array(store=path, mode="r+")
    values = array[...]
    edit(values)
    array[...] = values


def change_json(path, edit):
    meta = json.loads(path.read_text())
    edit(meta)
    path.write_text(json.dumps(meta))


def rewrite(path, **options):
    """Writes an array anew with other options."""
    values = tree.read(path)
    shutil.rmtree(path)
    options = {"shape": values.shape, "dtype": values.dtype, "chunks": (1, *values.shape[1:])} | options
    zarr.create_array(store=path, zarr_format=3, **options)[...] = values


def pixel(path, step=1):
    """Changes the first non-zero value of an array."""

    def edit(values):
        place = tuple(np.argwhere(values)[0])
        values[place] = False if values.dtype == bool else values[place].item() + step

    change(path, edit)


def swap_cells(path):
    """Cells 1 and 2 change places in the last frame only."""

    def edit(values):
        last = values[-1]
        last[:] = np.array([0, 2, 1, *range(3, 65536)], np.uint16)[last]

    change(path, edit)


def scale_by(path, factor):
    def edit(values):
        values *= np.float32(factor)

    change(path, edit)


def csv_edit(fov, pattern, replacement):
    """Replaces the first match in the table."""
    file = next(fov.glob("*.csv"))
    text, count = re.subn(pattern, replacement, file.read_text(), count=1, flags=re.MULTILINE)
    assert count == 1
    file.write_text(text)


def feature_digit(fov):
    """The fifth significant digit of the first total intensity."""
    csv_edit(fov, r"^(0,1,0,.*,\d{4})(\d)(\d*\.\d+,[^,]*)$", lambda m: f"{m[1]}{(int(m[2]) + 1) % 10}{m[3]}")


def first_chunk(path):
    """Deletes one chunk."""
    next(file for file in sorted(path.rglob("*")) if file.is_file() and file.name != "zarr.json").unlink()


def wrong_interval(meta):
    meta["attributes"]["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"][0] *= 2


def wrong_param(root):
    file = root / tree.CONFIG_FILE
    settings = yaml.safe_load(file.read_text())
    settings["params"]["segmentation"]["morph_size"] = 9
    file.write_text(yaml.safe_dump(settings))


IMAGES, CELLS = "images.zarr", "cells.zarr"
DAMAGES = {
    "one raw pixel": ("copy", lambda fov: pixel(fov / IMAGES / "fl_ch_1/0")),
    "a raw chunk deleted": ("copy", lambda fov: first_chunk(fov / IMAGES / "pc_ch_0/0")),
    "one label": ("segment", lambda fov: pixel(fov / IMAGES / "seg_labeled_ch_0/0")),
    "a label chunk deleted": ("segment", lambda fov: first_chunk(fov / IMAGES / "seg_labeled_ch_0/0")),
    "one tracked pixel": ("track", lambda fov: pixel(fov / IMAGES / "seg_tracked_ch_0/0", 40)),
    "two cells swapped": ("track", lambda fov: swap_cells(fov / IMAGES / "seg_tracked_ch_0/0")),
    "one background pixel": ("background", lambda fov: pixel(fov / IMAGES / "fl_background_ch_1/0", 0.002)),
    "a background off by 1e-5": ("background", lambda fov: scale_by(fov / IMAGES / "fl_background_ch_1/0", 1.00001)),
    "one bounding box": ("crop", lambda fov: pixel(fov / CELLS / "metadata/bboxes")),
    "one valid frame": ("crop", lambda fov: pixel(fov / CELLS / "metadata/valid_frames")),
    "one cell ID": ("crop", lambda fov: pixel(fov / CELLS / "metadata/cell_ids", 7)),
    "one crop pixel": ("crop", lambda fov: pixel(fov / CELLS / "fl_ch_1/2/0", 1e-7)),
    "one crop background pixel": ("crop", lambda fov: pixel(fov / CELLS / "fl_background_ch_1/3/0", 1e-7)),
    "one mask pixel": ("crop", lambda fov: pixel(fov / CELLS / "mask/1/0")),
    "one feature digit": ("extract", feature_digit),
    "one position": ("extract", lambda fov: csv_edit(fov, r"^(0,1,0,True,\d+)\.", r"\g<1>1.")),
    "one good flag": ("extract", lambda fov: csv_edit(fov, "True", "False")),
    "a good flag in lower case": ("extract", lambda fov: csv_edit(fov, "True", "true")),
    "a row missing": ("extract", lambda fov: csv_edit(fov, r"^0,2,1,.*\n", "")),
    "a column renamed": ("extract", lambda fov: csv_edit(fov, "area_ch_0", "area_ch_1")),
    "a value missing": ("extract", lambda fov: csv_edit(fov, r",[^,]+$(?=\n0)", ",")),
    "no table": ("extract", lambda fov: next(fov.glob("*.csv")).unlink()),
    "one step of an intensity level": ("cache", lambda fov: pixel(fov / IMAGES / "pc_ch_0/1", -1)),
    "one step of a label level": ("cache", lambda fov: pixel(fov / IMAGES / "seg_tracked_ch_0/1")),
    "one step of a crop level": ("cache", lambda fov: pixel(fov / CELLS / "mask/1/1", -1)),
    "a level missing": ("structure", lambda fov: shutil.rmtree(fov / CELLS / "fl_ch_1/2/1")),
    "a background in float64": ("structure", lambda fov: rewrite(fov / IMAGES / "fl_background_ch_1/0", dtype="float64")),
    "a codec that is not core": ("structure", lambda fov: rewrite(fov / IMAGES / "pc_ch_0/0", compressors=zarr.codecs.ZstdCodec())),
    "a level without LZ4": ("structure", lambda fov: rewrite(fov / IMAGES / "pc_ch_0/1", compressors=zarr.codecs.GzipCodec())),
    "a level in other chunks": ("structure", lambda fov: rewrite(fov / IMAGES / "pc_ch_0/1", chunks=(2, 9, 9), compressors=zarr.codecs.BloscCodec(cname="lz4"))),
    "no multiscales": ("structure", lambda fov: change_json(fov / IMAGES / "fl_ch_1/zarr.json", lambda meta: meta["attributes"].clear())),
    "another frame interval": ("structure", lambda fov: change_json(fov / IMAGES / "fl_ch_1/zarr.json", wrong_interval)),
    "a channel without group": ("structure", lambda fov: (fov / CELLS / "fl_ch_1/zarr.json").unlink()),
    "no scale on a crop": ("structure", lambda fov: change_json(fov / CELLS / "fl_ch_1/1/0/zarr.json", lambda meta: meta["attributes"].clear())),
    "a foreign file": ("structure", lambda fov: (fov / IMAGES / "pc_ch_0" / "notes.txt").write_text("x")),
    "another FOV": ("structure", lambda fov: shutil.copytree(fov, fov.with_name("fov_007"))),
    "another parameter": ("structure", lambda fov: wrong_param(fov.parent)),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_caught_in_its_stage(python_tree, tmp_path, name):
    stage, damage = DAMAGES[name]
    file, config, good = python_tree(GOOD)
    output = shutil.copytree(good, tmp_path / "out")
    damage(output / "fov_000")
    report = compare(file, config, output)
    assert any(line.startswith(f"{stage}: ") for line in report.mismatches), report.text()
    assert not report.ties


def test_bookkeeping_is_no_part_of_the_output(python_tree, tmp_path):
    file, config, good = python_tree(GOOD)
    output = shutil.copytree(good, tmp_path / "out")
    (output / tree.BOOKKEEPING).mkdir()
    (output / tree.BOOKKEEPING / "commit").write_text("x")
    assert not compare(file, config, output).mismatches


def test_an_equally_good_assignment_is_counted_not_reported(python_tree, tmp_path):
    file, config, good = python_tree("assignment_ties")
    output = shutil.copytree(good, tmp_path / "out")
    path = output / "fov_000" / IMAGES / "seg_tracked_ch_0/0"
    kept = set(np.unique(tree.read(path)[1])) - {0}
    (other,) = {1, 2} - kept
    (kept,) = kept

    def other_choice(values):
        values[1:][values[1:] == kept] = other

    change(path, other_choice)
    report = compare(file, config, output)
    assert not [line for line in report.mismatches if line.startswith("track: ")], report.text()
    assert report.ties == {"track: assignments of equal cost": 1}


def test_a_worse_assignment_is_no_tie():
    previous = {1: (0, 0, 10, 10), 2: (0, 20, 10, 30)}
    current = {1: (0, 1, 10, 11), 2: (0, 19, 10, 29)}
    assert assignment_of_equal_cost(previous, current, {1: 1, 2: 2}, 0.1)
    assert not assignment_of_equal_cost(previous, current, {1: 1}, 0.1)
    assert not assignment_of_equal_cost(previous, current, {1: 2, 2: 1}, 0.1)
    assert not assignment_of_equal_cost(previous, current, {1: 1, 2: 1}, 0.1)


def test_only_rounding_excuses_a_label():
    params = {"logstd_window_size": 3, "threshold": "mode_sigma", "cleanup": [], "min_object_size": 1, "max_object_size": 10**6,
              "morph_shape": "disk", "morph_size": 3, "morph_iterations": 1}  # fmt: skip
    frame = movie(np.random.default_rng(1), 1, 60, 60, [Cell(30, 30, 12)])[0, 0]
    values = segment.log_std(frame, 3)
    limit = segment.threshold(values, "mode_sigma")
    barely = segment.number(values > np.nextafter(limit, np.inf), params)
    assert barely.any()
    assert segmentation_by_rounding(frame, barely, params)
    clearly = segment.number(values > limit - 0.05, params)
    assert not np.array_equal(barely, clearly)
    assert not segmentation_by_rounding(frame, clearly, params)


def test_every_count_survives_its_crop():
    counts = np.arange(65536, dtype=np.uint16).reshape(1, 256, 256)
    bboxes, valid = np.array([[0, 0, 256, 256]], np.int32), np.array([True])
    crops = crop.intensity_crop(counts, np.ones(counts.shape, bool), bboxes, valid)
    assert crops.dtype == np.float32 and crops.min() == 0 and crops.max() == 1
    assert np.array_equal(np.rint(crops.astype(np.float64) * crop.FULL_SCALE), counts)
