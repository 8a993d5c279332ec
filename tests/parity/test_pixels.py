"""Real ND2 and CZI files: planes against the sums and SHA-256 in reference.json."""

import hashlib
import json
import re

import pytest

from source import open_source
from tree import Fov

FILES = [
    "cluster.nd2",
    "example-multichannel.nd2",
    "example-timelapse.nd2",
    "CellDivision_T3_Z5_CH2_X240_Y170_comp1.czi",
    "DAPI_GFP.czi",
    "S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi",
    "WellD6-7_S2.czi",
]


def reference_planes(shared_data, name):
    """(sizes, [((fov, frame, channel), facts), …]) of one file, planes at Z = 0."""
    entry = json.loads((shared_data / "reference.json").read_text())[name]
    planes = []
    for key, facts in entry["planes"].items():
        fov, frame, channel, z = map(int, re.fullmatch(r"fov=(\d+) t=(\d+) c=(\d+) z=(\d+)", key).groups())
        assert z == 0, key
        planes.append(((fov, frame, channel), facts))
    assert planes
    return entry["sizes"], planes


def facts_of(plane):
    """What reference.json tells of a plane."""
    digest = hashlib.sha256(plane.astype("<u2").tobytes()).hexdigest()
    return {"shape": list(plane.shape), "sum": int(plane.sum(dtype="int64")), "sha256": digest}


def test_every_file_of_the_reference_is_tested(shared_data):
    assert sorted(json.loads((shared_data / "reference.json").read_text())) == sorted(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_python_source_reads_the_reference_planes(shared_data, name):
    sizes, planes = reference_planes(shared_data, name)
    with open_source(shared_data / name) as source:
        assert (len(source.fovs), source.frames) == (sizes["P"], sizes["T"])
        for where, facts in planes:
            assert facts_of(source.plane(*where)) == facts, where


@pytest.mark.parametrize("name", FILES)
def test_fovflow_copies_the_reference_planes(fovflow, shared_data, tmp_path, name):
    sizes, planes = reference_planes(shared_data, name)
    channels = [flag for channel in range(sizes["C"]) for flag in ("--fl", channel)]
    fovflow("run", shared_data / name, "-o", tmp_path / "out", "--copy-only", *channels)
    for (fov, frame, channel), facts in planes:
        stack = Fov(tmp_path / "out", fov).image(f"fl_ch_{channel}")
        assert len(stack) == sizes["T"]
        assert facts_of(stack[frame]) == facts, (fov, frame, channel)
