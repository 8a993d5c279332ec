"""Runs the binary and measures it; says what a refusal has to look like; and makes small movies."""

import functools
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("FOVFLOW_BIN") or REPOSITORY / "target" / "ci" / "fovflow").absolute()
SHARED = Path(os.environ.get("FOVFLOW_SHARED") or REPOSITORY.parent / "shared") / "data"
MEASURE = Path(__file__).with_name("measure.py")

# What a bad input may cost. Processor time, because a busy machine makes everybody wait; the wall clock catches a hang.
MAX_CPU_S = 1.0
MAX_WALL_S = 10.0
MAX_RSS_MB = 200.0

PC_FL = ("--pc", "0:area,aspect_ratio", "--fl", "1:intensity_total,intensity_mean")


class Result(NamedTuple):
    """What a command did and what it took. `code` is negative for a signal."""

    command: str
    code: int
    out: str
    err: str
    wall_s: float
    cpu_s: float
    rss_mb: float

    def __str__(self):
        took = f"exit code {self.code}; {self.wall_s:.1f} s, {self.cpu_s:.1f} s of processor time, {self.rss_mb:.0f} MB"
        return f"{self.command}\n{took}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def environment(**changes):
    """The environment without settings of fovflow, the logger and Rust: those of whoever runs the tests must not count."""
    foreign = ("FOVFLOW", "RUST_", "AWS_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return clean | {name: str(value) for name, value in changes.items()}


@functools.cache
def meter():
    """The process that measures, with a folder for what the commands print. It ends with its input."""
    # isolated and without site packages: small, and started at once
    command = [sys.executable, "-I", "-S", str(MEASURE)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, tempfile.TemporaryDirectory(prefix="fovflow-measure-")


def fovflow(*arguments, env=None, cwd=None, timeout_s=120, prefix=()):
    """Runs `fovflow` with these arguments. `prefix` is a command that ends by running the one behind it."""
    command = [*map(str, prefix), str(BINARY), *map(str, arguments)]
    process, folder = meter()
    texts = [Path(folder.name, name) for name in ("out", "err")]
    request = {
        "command": command,
        "environment": env or environment(),
        "folder": str(cwd or Path.cwd()),
        "out": str(texts[0]),
        "err": str(texts[1]),
        "timeout_s": timeout_s,
    }
    process.stdin.write(json.dumps(request) + "\n")
    process.stdin.flush()
    took = json.loads(process.stdout.readline())
    out, err = (text.read_bytes().decode(errors="backslashreplace") for text in texts)
    assert not took.pop("timed_out"), f"{' '.join(command)} had to be killed after {timeout_s} s\n{out}\n{err}"
    return Result(command=" ".join(command), out=out, err=err, **took)


def assert_no_crash(result):
    """However bad the input, the program ends by itself and knows why."""
    assert result.code in (0, 1, 2, 130), result
    for text in (result.out, result.err):
        assert "panicked" not in text and "RUST_BACKTRACE" not in text and "a bug in fovflow" not in text, result


def assert_cheap(result):
    """Within the limits for bad input."""
    assert result.cpu_s < MAX_CPU_S, result
    assert result.wall_s < MAX_WALL_S, result
    assert result.rss_mb < MAX_RSS_MB, result


def assert_refused(result, *expected):
    """Exit code 1, one error, every expected text in it, nothing on the standard output, and cheap."""
    assert_no_crash(result)
    assert result.code == 1, result
    assert result.out == "", result
    errors = [line for line in result.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result
    assert result.err.count("(os error ") <= 1, f"the system's reason is told twice\n{result}"
    for text in expected:
        assert text in result.err, f"expected {text!r}\n{result}"
    assert_cheap(result)


def simulate(file, *, fovs=1, frames=2, size=128, cells=1, seed=1, fluorescence=1):
    """A simulated movie."""
    options = {"fovs": fovs, "frames": frames, "size": size, "cells": cells, "seed": seed, "fluorescence": fluorescence}
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    result = fovflow("simulate", file, *flags)
    assert result.code == 0, result
    return Path(file)


def write_czi(file, planes, compression=None):
    """A CZI written by Zeiss's library. `planes` gives (dimensions, scene, plane), as in ({"T": 0, "C": 0}, 0, array)."""
    czi = pytest.importorskip("pylibCZIrw.czi", reason="pylibCZIrw makes the files of this test")
    options = {"compression_options": compression} if compression else {}
    with czi.create_czi(str(file), exist_ok=True, **options) as document:
        for position, scene, plane in planes:
            document.write(plane, plane=position, scene=scene)
    return Path(file)


def snapshot(folder):
    """Every path below a folder with what it is: equal snapshots, nothing written."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        state = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[path.relative_to(folder).as_posix()] = (state.st_mode, state.st_mtime_ns, content)
    return found


def tree_hash(folder):
    """The results in one hash: paths and contents, without the bookkeeping."""
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    names = sorted((path.relative_to(folder).as_posix(), path) for path in files)
    names = [(name, path) for name, path in names if not name.startswith(".fovflow/")]
    assert names, f"{folder}: no file to hash"
    digest = hashlib.sha256()
    for name, path in names:
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
