"""accuracy.py and tree_hash.py on cases whose answer is known."""

import shutil

import numpy as np
import pandas
import pytest
import zarr

from accuracy import accuracy
from tree import BOOKKEEPING, Fov
from tree_hash import tree_hash


def write_truth(folder, labels, intensities):
    (folder / "fov_000").mkdir(parents=True)
    np.save(folder / "fov_000" / "labels.npy", labels)
    rows = [
        {"fov": 0, "frame": t, "cell": cell, "parent": 0, "y": 0, "x": 0, "area": 0, "intensity_total_ch_1": value}
        for t in range(len(labels))
        for cell, value in intensities.items()
    ]
    pandas.DataFrame(rows).to_csv(folder / "cells.csv", index=False)


def write_output(folder, labeled, tracked, rows):
    fov = Fov(folder, 0)
    for name, stack in {"seg_labeled_ch_0": labeled, "seg_tracked_ch_0": tracked}.items():
        zarr.open_group(fov.images / name, mode="a", zarr_format=3)
        array = zarr.create_array(store=fov.images / name / "0", shape=stack.shape, dtype="uint16", chunks=stack.shape)
        array[...] = stack
    pandas.DataFrame(rows, columns=["fov", "cell", "frame", "intensity_total_ch_1"]).to_csv(
        fov.csv("movie"), index=False
    )


@pytest.fixture
def two_cells():
    """Cells 1 and 2 over three frames."""
    labels = np.zeros((3, 20, 40), np.uint16)
    labels[:, 5:15, 5:15], labels[:, 5:15, 25:35] = 1, 2
    return labels


def test_a_perfect_result_scores_one(two_cells, tmp_path):
    write_truth(tmp_path / "truth", two_cells, {1: 100, 2: 200})
    rows = [[0, cell + 6, t, 100 * cell * 1.02] for cell in (1, 2) for t in range(3)]
    write_output(tmp_path / "out", two_cells, np.where(two_cells, two_cells + 6, 0), rows)
    total = accuracy(tmp_path / "truth", tmp_path / "out")["total"]
    assert (total["segmentation_f1"], total["links_kept"], total["links"]) == (1, 1, 4)
    assert total["intensity_error_median"] == pytest.approx(0.02) and total["intensity_values"] == 6


def test_errors_of_each_kind_are_counted(two_cells, tmp_path):
    write_truth(tmp_path / "truth", two_cells, {1: 100, 2: 200})
    labeled = two_cells.copy()
    labeled[0][labeled[0] == 2] = 0  # one miss
    labeled[1, 18:, :3] = 3  # one false alarm
    labeled[2, 5:15, 5:15] = 0
    labeled[2, 5:15, 11:21] = 1  # moved by 6 of 10 px: IoU 0.25, a miss and a false alarm
    write_output(tmp_path / "out", labeled, labeled, [[0, 1, 0, 90.0], [0, 2, 0, 1.0], [0, 3, 1, 1.0]])
    total = accuracy(tmp_path / "truth", tmp_path / "out")["total"]
    assert (total["hits"], total["false_alarms"], total["misses"]) == (4, 2, 2)
    assert total["segmentation_f1"] == pytest.approx(8 / 12)
    assert total["links_kept"] == 2 / 4  # cell 1 in frames 0-1, cell 2 in frames 1-2
    assert total["intensity_values"] == 1 and total["intensity_bias_median"] == pytest.approx(-0.1)


def test_a_changed_id_breaks_a_link(two_cells, tmp_path):
    write_truth(tmp_path / "truth", two_cells, {1: 100, 2: 200})
    tracked = two_cells.copy()
    tracked[2][tracked[2] == 1] = 9
    write_output(tmp_path / "out", two_cells, tracked, [])
    total = accuracy(tmp_path / "truth", tmp_path / "out")["total"]
    assert total["links_kept"] == 3 / 4 and total["intensity_error_median"] is None


def test_a_truth_of_another_size_is_an_error(two_cells, tmp_path):
    write_truth(tmp_path / "truth", two_cells[:2], {1: 100})
    write_output(tmp_path / "out", two_cells, two_cells, [])
    with pytest.raises(ValueError, match="shape"):
        accuracy(tmp_path / "truth", tmp_path / "out")


def test_the_hash_sees_names_and_contents_but_not_the_bookkeeping(tmp_path):
    first = tmp_path / "first"
    (first / "a").mkdir(parents=True)
    (first / "a" / "x").write_text("1")
    (first / "y").write_text("2")
    second = shutil.copytree(first, tmp_path / "second")
    (second / BOOKKEEPING).mkdir()
    (second / BOOKKEEPING / "commit").write_text("now")
    assert tree_hash(first) == tree_hash(second)
    (second / "y").write_text("3")
    changed = tree_hash(second)
    (second / "y").rename(second / "z")
    assert len({tree_hash(first), changed, tree_hash(second)}) == 3
    with pytest.raises(ValueError, match="no file"):
        tree_hash(tmp_path / "missing")
