"""What a comparison found: how much was checked, which differences, and which ties were excused."""

from collections import Counter

import numpy as np

SHOWN = 5


class Report:
    """Collects differences as lines that say which stage, array and frame, how many values, and where the first ones are."""

    def __init__(self):
        self.checked = Counter()
        self.ties = Counter()
        self.mismatches = []

    def mismatch(self, stage, where, text):
        self.mismatches.append(f"{stage}: {where}: {text}")

    def tie(self, stage, kind):
        self.ties[f"{stage}: {kind}"] += 1

    def same(self, stage, where, got, want):
        """Counts one array as checked; records a mismatch unless shape, dtype and every value are identical."""
        self.checked[stage] += 1
        if got.shape != want.shape or got.dtype != want.dtype:
            self.mismatch(stage, where, f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}")
        elif not np.array_equal(got, want):
            self.mismatch(stage, where, difference(got, want, got != want))

    def close(self, stage, where, got, want, tolerance):
        """Like `same` for an array of floats; `tolerance` is absolute, a number or an array."""
        self.checked[stage] += 1
        if got.shape != want.shape or got.dtype != want.dtype:
            self.mismatch(stage, where, f"{got.dtype}{list(got.shape)}, expected {want.dtype}{list(want.shape)}")
            return
        error = np.abs(got.astype(np.float64) - want.astype(np.float64))
        wrong = ~(error <= tolerance)  # catches NaN too
        if wrong.any():
            self.mismatch(stage, where, f"{difference(got, want, wrong)}; largest error {np.nanmax(error):g}")

    def text(self):
        """The whole report, for people."""
        lines = [f"checked {count} in {stage}" for stage, count in sorted(self.checked.items())]
        lines += [f"excused {count}: {kind}" for kind, count in sorted(self.ties.items())]
        lines += [f"{len(self.mismatches)} mismatches"] + self.mismatches
        return "\n".join(lines)


def difference(got, want, wrong):
    """Describes the places where `wrong` holds; the first axis is named frame where there are three."""
    places = np.argwhere(wrong)
    shown = [
        f"{tuple(int(i) for i in place)}: {got[tuple(place)]} not {want[tuple(place)]}" for place in places[:SHOWN]
    ]
    frames = ""
    if got.ndim == 3:
        listed = np.unique(places[:, 0])
        frames = f" in frames {', '.join(map(str, listed[:SHOWN]))}{' …' if len(listed) > SHOWN else ''}"
    return f"{len(places)} of {got.size} values differ{frames}; {'; '.join(shown)}"
