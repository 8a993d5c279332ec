"""Accuracy of an output tree against a simulator's ground truth.

`python accuracy.py TRUTH OUT [--json FILE]`. TRUTH holds `fov_000/labels.npy` (T, H, W) uint16 of true track IDs, and
`cells.csv` with fov, frame, cell, parent, y, x, area, intensity_total_ch_{n}. Three figures, over all FOVs:

- F1 of segmentation at IoU 0.5, from seg_labeled;
- the share of true frame-to-frame links that seg_tracked keeps (a division ends a track and is no link);
- the median relative error of the corrected total intensity of matched cells, from the CSVs; no cell, no figure.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas
from scipy.optimize import linear_sum_assignment

from tree import Fov

MIN_IOU = 0.5


def matches(truth, found):
    """{true label: found label} of one frame: pairs of IoU ≥ 0.5, one to one, at the highest total IoU."""
    true_ids, true_index = np.unique(truth, return_inverse=True)
    found_ids, found_index = np.unique(found, return_inverse=True)
    both = np.zeros((len(true_ids), len(found_ids)), np.int64)
    np.add.at(both, (true_index.ravel(), found_index.ravel()), 1)
    union = both.sum(axis=1, keepdims=True) + both.sum(axis=0, keepdims=True) - both
    iou = both / union
    iou[true_ids == 0, :] = 0
    iou[:, found_ids == 0] = 0
    iou[iou < MIN_IOU] = 0
    rows, columns = linear_sum_assignment(-iou)
    return {int(true_ids[r]): int(found_ids[c]) for r, c in zip(rows, columns) if iou[r, c] > 0}


def ids(frame):
    return set(np.unique(frame).tolist()) - {0}


def one_array(fov, prefix):
    """The only channel of images.zarr whose name starts with `prefix`."""
    (path,) = fov.images.glob(f"{prefix}_ch_*")
    return fov.image(path.name)


def count_segmentation(truth, labeled):
    """(hits, false alarms, misses) over all frames."""
    hits = sum(len(matches(t, f)) for t, f in zip(truth, labeled))
    return hits, sum(len(ids(f)) for f in labeled) - hits, sum(len(ids(t)) for t in truth) - hits


def count_links(truth, matched):
    """(kept, all): a link is a true cell in two consecutive frames; kept where both are matched to one tracked ID."""
    kept = total = 0
    for t in range(len(truth) - 1):
        linked = ids(truth[t]) & ids(truth[t + 1])
        total += len(linked)
        kept += sum(cell in matched[t] and matched[t][cell] == matched[t + 1].get(cell) for cell in linked)
    return kept, total


def intensity_errors(table, cells, matched, column):
    """Relative errors (measured − true) / true of the table's rows whose tracked cell is matched in that frame."""
    truth = {(row.frame, row.cell): getattr(row, column) for row in cells.itertuples()}
    true_cell = [{found: cell for cell, found in frame.items()} for frame in matched]
    errors = []
    for frame, cell, measured in table[["frame", "cell", column]].itertuples(index=False):
        wanted = truth.get((frame, true_cell[frame].get(cell)))
        if wanted:
            errors.append((measured - wanted) / wanted)
    return errors


def f1(hits, false_alarms, misses):
    total = 2 * hits + false_alarms + misses
    return 2 * hits / total if total else None


def share(part, whole):
    return part / whole if whole else None


def accuracy(truth_dir, output):
    """The figures as a dict: `total`, and one entry for each FOV in `fovs`; a figure without anything to count is None."""
    truth_dir = Path(truth_dir)
    all_cells = pandas.read_csv(truth_dir / "cells.csv")
    column = next(name for name in all_cells.columns if name.startswith("intensity_total_ch_"))
    fovs, counts, all_errors = {}, np.zeros(5, int), []
    for labels in sorted(truth_dir.glob("fov_*/labels.npy")):
        fov = Fov(output, int(labels.parent.name.removeprefix("fov_")))
        truth = np.load(labels)
        tracked = one_array(fov, "seg_tracked")
        if truth.shape != tracked.shape:
            raise ValueError(f"{labels}: shape {truth.shape}, but the output has {tracked.shape}")
        matched = [matches(t, f) for t, f in zip(truth, tracked)]
        (table,) = fov.path.glob("*_traces.csv")
        cells = all_cells[all_cells["fov"] == fov.fov]
        errors = intensity_errors(pandas.read_csv(table), cells, matched, column)
        fov_counts = [*count_segmentation(truth, one_array(fov, "seg_labeled")), *count_links(truth, matched)]
        fovs[fov.path.name] = figures(fov_counts, errors)
        counts += fov_counts
        all_errors += errors
    if not fovs:
        raise ValueError(f"{truth_dir}: no fov_*/labels.npy")
    return {"total": figures(counts.tolist(), all_errors), "fovs": fovs}


def figures(counts, errors):
    hits, false_alarms, misses, kept, links = counts
    return {
        "segmentation_f1": f1(hits, false_alarms, misses),
        "hits": hits,
        "false_alarms": false_alarms,
        "misses": misses,
        "links_kept": share(kept, links),
        "links": links,
        "intensity_error_median": float(np.median(np.abs(errors))) if errors else None,
        "intensity_bias_median": float(np.median(errors)) if errors else None,
        "intensity_values": len(errors),
    }


def table(result):
    """The figures as text, one line per FOV."""
    names = list(result["total"])
    lines = [" ".join(f"{name:>{max(9, len(name))}}" for name in ["", *names])]
    for fov, entry in {**result["fovs"], "total": result["total"]}.items():
        shown = [f"{v:.4f}" if isinstance(v, float) else str("-" if v is None else v) for v in entry.values()]
        lines.append(" ".join([f"{fov:>9}", *(f"{v:>{max(9, len(n))}}" for n, v in zip(names, shown))]))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("truth")
    parser.add_argument("output")
    parser.add_argument("--json", help="also write the figures to this file")
    args = parser.parse_args()
    result = accuracy(args.truth, args.output)
    print(table(result))
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
