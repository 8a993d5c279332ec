"""Accuracy on simulated truth with default parameters: the bounds that issue and README promise, and the figures beyond them."""

import numpy as np
import pytest

from accuracy import accuracy

SEEDS = range(101, 111)
RUN = ["--pc", "0:area,aspect_ratio", "--fl", "1:intensity_total,intensity_mean"]


def simulate_and_run(fovflow, folder, seed, *arguments):
    movie, truth, output = folder / f"{seed}.czi", folder / f"{seed}_truth", folder / f"{seed}_out"
    options = ["--fovs", "1", "--seed", str(seed), "--truth", truth, *arguments]
    fovflow("simulate", movie, *options)
    fovflow("run", movie, "-o", output, *RUN)
    return accuracy(truth, output)["total"]


def mean(results, figure):
    values = [result[figure] for result in results if result[figure] is not None]
    return float(np.mean(values)) if values else float("nan")


def show(capsys, name, results):
    figures = [mean(results, figure) for figure in ("segmentation_f1", "links_kept", "intensity_error_median")]
    with capsys.disabled():
        text = "F1 {:.4f}, links kept {:.4f}, median intensity error {:.4f}".format(*figures)
        print(f"\naccuracy, {name}, means over {len(results)} seeds: {text}")


def test_separate_cells_are_found_followed_and_measured(fovflow, tmp_path, capsys):
    results = [
        simulate_and_run(fovflow, tmp_path, seed, "--layout", "separate", "--cells", "10", "--frames", "40")
        for seed in SEEDS
    ]
    show(capsys, "cells at least a diameter apart", results)
    assert len(results) == 10
    assert all(result["links"] > 100 for result in results)
    assert sum(result["intensity_values"] for result in results) > 1000
    assert mean(results, "segmentation_f1") >= 0.97
    assert mean(results, "links_kept") >= 0.98
    assert mean(results, "intensity_error_median") <= 0.03


@pytest.mark.parametrize("layout, cells", [("mixed", "17"), ("crowded", "22")])
def test_touching_cells_are_measured_as_they_are(fovflow, tmp_path, capsys, layout, cells):
    """Log-STD merges touching cells: no bound here, but the figures have to come out."""
    # 30 frames is as short as a trace may be.
    arguments = ["--layout", layout, "--cells", cells, "--frames", "30", "--size", "384"]
    results = [simulate_and_run(fovflow, tmp_path, seed, *arguments) for seed in SEEDS]
    show(capsys, f"{layout} cells, some touching", results)
    assert all(0 <= result["segmentation_f1"] <= 1 for result in results)
    assert sum(result["hits"] for result in results) > 0
