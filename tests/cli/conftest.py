"""Fixtures: a small movie, real files where there are any, a full disk where the system allows one."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import support


def pytest_configure(config):
    if not support.BINARY.is_file():
        pytest.exit(f"no fovflow at {support.BINARY}: build it (cargo build --profile ci), or set FOVFLOW_BIN", returncode=1)


@pytest.fixture(scope="session")
def small_czi(tmp_path_factory):
    """One FOV of two frames of 128 × 128 px, phase contrast and one fluorescence channel: about 90 KB."""
    return support.simulate(tmp_path_factory.mktemp("movies") / "small.czi")


@pytest.fixture(scope="session")
def two_fovs_czi(tmp_path_factory):
    """Two FOVs of three frames of 160 × 160 px."""
    file = tmp_path_factory.mktemp("movies") / "two.czi"
    return support.simulate(file, fovs=2, frames=3, size=160, cells=2, seed=7)


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real microscope files."""
    if not (support.SHARED / "reference.json").is_file():
        pytest.skip(f"no real files: {support.SHARED}/reference.json is missing; FOVFLOW_SHARED names the folder above data/")
    return support.SHARED


@pytest.fixture(scope="session")
def fast_folder(tmp_path_factory):
    """A folder in memory where there's one: every commit is synced to disk, and disks of test machines are slow."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path_factory.mktemp("fast")
        return
    folder = tempfile.mkdtemp(prefix="fovflow-test-", dir=memory)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def small_disk(tmp_path):
    """`small_disk(size)` mounts a file system of that size; `resize(folder, size)` changes it."""
    if os.geteuid() != 0:
        pytest.skip("a small file system can be mounted by root alone")
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "fovflow-test", str(folder)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {result.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)
