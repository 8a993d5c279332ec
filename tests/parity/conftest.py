"""Fixtures: the fovflow binary, and one good tree that the comparer's own tests damage."""

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import config as configuration
import pipeline
from stacks import STACKS

REPOSITORY = Path(__file__).resolve().parents[2]
RUN_TIMEOUT_S = 120


@pytest.fixture(scope="session")
def fovflow():
    """Runs `fovflow` with the given arguments; FOVFLOW_BIN names the binary, else the release build is taken."""
    named = os.environ.get("FOVFLOW_BIN")
    binary = Path(named) if named else REPOSITORY / "target" / "release" / "fovflow"
    if not binary.is_file():
        if named:
            pytest.fail(f"FOVFLOW_BIN={named} is not a file")
        pytest.skip("no fovflow binary: build it in release mode, or set FOVFLOW_BIN")

    def run(*arguments):
        command = [str(binary), *map(str, arguments)]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
        assert result.returncode == 0, f"{' '.join(command)}\n{result.stdout}\n{result.stderr}"
        return result

    return run


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real microscope files."""
    shared = Path(os.environ.get("FOVFLOW_SHARED") or REPOSITORY.parent / "shared")
    data = shared / "data"
    if not (data / "reference.json").is_file():
        pytest.skip(f"no real files: {data}/reference.json is missing; FOVFLOW_SHARED names the folder above data/")
    return data


def stack_named(name):
    return next(stack for stack in STACKS if stack.name == name)


@pytest.fixture(scope="session")
def python_tree(tmp_path_factory):
    """`make(name)` runs the Python pipeline on a stack: (file, resolved configuration, output tree), made once each."""
    made = {}

    def make(name):
        if name not in made:
            stack, folder = stack_named(name), tmp_path_factory.mktemp(name)
            file, settings = stack.write(folder)
            config = configuration.load(settings)
            pipeline.run(file, folder / "out", config, stack.fovs, stack.frames)
            made[name] = (file, config, folder / "out")
        return made[name]

    return make


def pytest_terminal_summary(terminalreporter):
    """Says how much was compared, and how many differences were excused as ties: silence would hide them."""
    checked, ties = Counter(), Counter()
    for report in terminalreporter.getreports("passed"):
        properties = dict(report.user_properties)
        checked.update(properties.get("checked", {}))
        ties.update(properties.get("ties", {}))
    if not checked:
        return
    terminalreporter.section("parity")
    for stage, count in sorted(checked.items()):
        terminalreporter.line(f"checked {count} in {stage}")
    for kind, count in sorted(ties.items()):
        terminalreporter.line(f"excused {count}: {kind}")
    terminalreporter.line(f"{sum(ties.values())} differences excused as ties")
