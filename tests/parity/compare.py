"""Recomputes every stage of an output tree from the stage before it, as stored, and compares.

`python compare.py FILE --config CFG OUT [--fovs 0-5,7] [--frames 0-119]` prints a report; exit code 1 on any mismatch.
"""

import argparse
import csv
import math
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

import config as configuration
import structure
import ties
import tree
from reference import background, cache, crop, extract, segment, track
from report import Report
from source import open_source, parse_selection

BACKGROUND_TOLERANCE = 1e-6  # of the frame's intensity range, plus one unit in the last place of the stored float32
FEATURE_TOLERANCE = 1e-6  # relative
CANCELLATION = 1e-9  # of the sums that a background-corrected intensity is the difference of


class FovCheck:
    """The checks of one FOV; each method is one stage."""

    def __init__(self, report, fov, config, source, selection, basename):
        self.report, self.fov, self.config, self.source = report, fov, config, source
        self.selection, self.basename = selection, basename
        self.params = config["params"]
        self.pc = configuration.pc_channel(config)
        self.image = lru_cache(None)(fov.image)

    def where(self, path):
        return f"{self.fov.path.name}/{path}"

    def copy(self):
        for name, channel in tree.raw_channels(self.config).items():
            want = np.stack([self.source.plane(self.fov.fov, frame, channel) for frame in self.selection])
            self.report.same("copy", self.where(f"images.zarr/{name}/0"), self.image(name), want)

    def segment(self):
        params, channel = self.params["segmentation"], f"seg_labeled_ch_{self.pc}"
        got, pc = self.image(channel), self.image(f"pc_ch_{self.pc}")
        want = segment.segment(pc, params)
        if got.shape == want.shape:
            for t in np.nonzero((got != want).any(axis=(1, 2)))[0]:
                if ties.segmentation_by_rounding(pc[t], got[t], params):
                    self.report.tie("segment", "a value within rounding of the threshold")
                    want[t] = got[t]
        self.report.same("segment", self.where(f"images.zarr/{channel}/0"), got, want)

    def track(self):
        params, channel = self.params["tracking"], f"seg_tracked_ch_{self.pc}"
        got, labeled = self.image(channel), self.image(f"seg_labeled_ch_{self.pc}")
        want = track.track(labeled, params)
        if got.shape == want.shape and not np.array_equal(got, want) and self.tracks_as_well(labeled, got, params):
            want = got
        self.report.same("track", self.where(f"images.zarr/{channel}/0"), got, want)

    def tracks_as_well(self, labeled, got, params):
        """Whether IDs differ only because of assignments of equal cost, each frame judged from the tree's own last one."""
        previous, next_id, tied = {}, 1, 0
        for frame, ids in zip(labeled, got):
            current = track.boxes(frame, params["min_size"], params["max_size"])
            cells = {label: int(ids[frame == label][0]) for label in current}
            kept = {label: cell for label, cell in cells.items() if cell in previous}
            born = [cell for label, cell in cells.items() if label not in kept]
            if born != list(range(next_id, next_id + len(born))) or not np.array_equal(
                track.relabel(frame, cells), ids
            ):
                return False
            if kept != track.match(previous, current, params["min_iou"]):
                if not previous or not ties.assignment_of_equal_cost(previous, current, kept, params["min_iou"]):
                    return False
                tied += 1
            next_id += len(born)
            previous = {cells[label]: box for label, box in current.items()}
        for _ in range(tied):
            self.report.tie("track", "assignments of equal cost")
        return True

    def background(self):
        labeled = None if self.pc is None else self.image(f"seg_labeled_ch_{self.pc}")
        for fl in configuration.fl_channels(self.config):
            stack, channel = self.image(f"fl_ch_{fl}"), f"fl_background_ch_{fl}"
            want = background.background(stack, labeled, self.params["background"])
            spread = np.ptp(stack.astype(np.float64), axis=(1, 2), keepdims=True)
            tolerance = BACKGROUND_TOLERANCE * spread + np.spacing(np.abs(want))
            self.report.close(
                "background", self.where(f"images.zarr/{channel}/0"), self.image(channel), want, tolerance
            )

    def crop(self):
        tracked = self.image(f"seg_tracked_ch_{self.pc}")
        cell_ids, bboxes, valid = crop.metadata(tracked)
        for name, got, want in zip(
            ("cell_ids", "bboxes", "valid_frames"), self.fov.metadata(), (cell_ids, bboxes, valid)
        ):
            self.report.same("crop", self.where(f"cells.zarr/metadata/{name}"), got, want)
        for n, cell in enumerate(cell_ids):
            mask = crop.mask_crop(tracked, cell, bboxes[n], valid[n])
            for channel in tree.crop_channels(self.config):
                want = mask
                if channel != "mask":
                    want = crop.intensity_crop(self.image(channel), mask, bboxes[n], valid[n])
                got = self.fov.crop(channel, cell)
                self.report.same("crop", self.where(f"cells.zarr/{channel}/{cell}/0"), got, want)
                if channel in tree.raw_channels(self.config):
                    self.counts_come_back(channel, cell, got, mask, bboxes[n], valid[n])

    def counts_come_back(self, channel, cell, got, mask, bboxes, valid):
        """Crops times the scale are the camera counts."""
        counts = np.where(mask, crop.windows(self.image(channel), bboxes, valid, mask.shape[1:]), 0)
        back = np.rint(got.astype(np.float64) * crop.FULL_SCALE).astype(counts.dtype)
        self.report.same("crop", self.where(f"cells.zarr/{channel}/{cell}/0 · scale"), back, counts)

    def extract(self):
        file, columns = self.fov.csv(self.basename), configuration.features(self.config)
        with file.open(newline="") as stream:
            header, *got = csv.reader(stream)
        where = self.where(file.name)
        if header != extract.header(columns):
            self.report.mismatch("extract", where, f"header {header}, expected {extract.header(columns)}")
            return
        want = []
        if self.pc is not None:
            shape = self.image(f"pc_ch_{self.pc}").shape[1:]
            params, reader = self.params["extraction"], self.read_crop
            want = extract.rows(self.fov.fov, self.fov.metadata(), reader, columns, shape, self.selection, params)
        if len(got) != len(want):
            self.report.mismatch("extract", where, f"{len(got)} rows, expected {len(want)}")
        for line, (fields, (base, values)) in enumerate(zip(got, want), start=2):
            self.report.checked["extract"] += 1
            self.check_row(f"{where} line {line}", dict(zip(header, fields)), base, values, columns)

    def read_crop(self, channel, cell):
        """A crop stack; None where the configuration has no such channel."""
        return self.fov.crop(channel, cell) if channel in tree.crop_channels(self.config) else None

    def check_row(self, where, fields, base, values, columns):
        if len(fields) != len(base) + len(values):
            self.report.mismatch("extract", where, f"{len(fields)} fields, expected {len(base) + len(values)}")
            return
        for name, wanted in zip(extract.BASE_COLUMNS, base):
            exact = float(fields[name]) == wanted if isinstance(wanted, float) else fields[name] == str(wanted)
            if not exact:
                self.report.mismatch("extract", where, f"{name} is {fields[name]!r}, expected {wanted}")
        for (feature, channel), (wanted, magnitude) in zip(columns, values):
            name = f"{feature}_ch_{channel}"
            got = float(fields[name]) if fields[name] else math.nan
            tolerance = FEATURE_TOLERANCE * abs(wanted) + CANCELLATION * magnitude
            both_undefined = fields[name] == "" and math.isnan(wanted)
            if not both_undefined and not abs(got - wanted) <= tolerance:
                self.report.mismatch("extract", where, f"{name} is {fields[name]!r}, expected {wanted!r}")

    def cache(self):
        for channel in tree.image_channels(self.config):
            self.check_level(f"images.zarr/{channel}", channel)
        if "crop" not in tree.stages(self.config):
            return
        for cell in self.fov.metadata()[0]:
            for channel in tree.crop_channels(self.config):
                self.check_level(f"cells.zarr/{channel}/{cell}", channel)

    def check_level(self, path, channel):
        level_zero = tree.read(self.fov.path / path / "0")
        got, want = tree.read(self.fov.path / path / "1"), cache.level_one(channel, level_zero)
        differs = got.shape == want.shape and not np.array_equal(got, want)
        if differs and not cache.is_label(channel) and ties.cache_by_rounding(level_zero, got, want):
            self.report.tie("cache", "a value halfway between two steps")
            want = got
        self.report.same("cache", self.where(f"{path}/1"), got, want)

    def run(self):
        """Every configured stage; one that cannot be read is a mismatch, and does not keep the others from being checked."""
        for stage in ("copy", "segment", "track", "background", "crop", "extract", "cache"):
            run = tree.stages(self.config)
            if stage not in run:
                continue
            try:
                getattr(self, stage)()
            except Exception as error:  # whatever a damaged tree brings about
                self.report.mismatch(
                    stage, self.fov.path.name, f"could not be checked: {type(error).__name__}: {error}"
                )


def expected_of(fov, config, shape):
    """The arrays a FOV has to hold; which cells there are is read from its seg_tracked."""
    sizes = {}
    if "crop" in tree.stages(config):
        sizes = tree.cell_sizes(fov.image(f"seg_tracked_ch_{configuration.pc_channel(config)}"))
    return tree.expected_arrays(config, shape, sizes)


def check_structure(report, root, config, source, fovs, selection, basename):
    """Arrays, groups, attributes, and nothing else."""
    fov_arrays, csv_files = [], set()
    for number in fovs:
        fov, run = tree.Fov(root, number), tree.stages(config)
        shape = (len(selection), *source.plane(number, selection[0], 0).shape)
        try:
            arrays = expected_of(fov, config, shape)
        except Exception as error:  # whatever a damaged tree brings about
            report.mismatch("structure", fov.path.name, f"seg_tracked cannot be read: {error}")
            continue
        fov_arrays.append((fov, arrays))
        for array in arrays:
            structure.check_array(report, fov, array)
        structure.check_groups(report, fov, arrays)
        interval = config["params"]["extraction"]["frame_interval"]
        for channel in tree.image_channels(config):
            structure.check_multiscales(report, fov, channel, interval, source.pixel_size_um)
        if "extract" in run:
            csv_files.add(fov.csv(basename))
    structure.check_no_others(report, root, fov_arrays, csv_files)
    structure.check_config_file(report, root, config)


def compare(file, config, output, fovs=None, frames=None):
    """Checks the tree `output` that a run on `file` with the resolved `config` has written; gives a Report."""
    report, root, basename = Report(), Path(output), Path(file).stem
    with open_source(file) as source:
        selection = parse_selection(frames, source.frames)
        numbers = parse_selection(fovs, len(source.fovs))
        try:
            check_structure(report, root, config, source, numbers, selection, basename)
        except Exception as error:  # whatever a damaged tree brings about
            report.mismatch("structure", root.name, f"could not be checked: {type(error).__name__}: {error}")
        for number in numbers:
            FovCheck(report, tree.Fov(root, number), config, source, selection, basename).run()
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("output")
    parser.add_argument("--config", required=True)
    parser.add_argument("--fovs")
    parser.add_argument("--frames")
    args = parser.parse_args()
    report = compare(args.file, configuration.load(args.config), args.output, args.fovs, args.frames)
    print(report.text())
    sys.exit(1 if report.mismatches else 0)


if __name__ == "__main__":
    main()
