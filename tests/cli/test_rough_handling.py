"""What an operator, a script or a full machine does to a run: odd names, lost files, closed pipes, tight limits, absurd numbers."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support import BINARY, PC_FL, Result, assert_no_crash, assert_refused, environment, fovflow, snapshot, tree_hash

KEEP_ALL = ("--set", "params.extraction.min_frames=1", "--set", "params.extraction.border_margin=0")


def run(movie, output, *more, **options):
    return fovflow("run", movie, "-o", output, *PC_FL, *KEEP_ALL, *more, **options)


@pytest.fixture(scope="module")
def finished(two_fovs_czi, tmp_path_factory):
    """A finished run, and the hash of its results."""
    output = tmp_path_factory.mktemp("finished") / "out"
    result = run(two_fovs_czi, output)
    assert result.code == 0, result
    return output, tree_hash(output)


@pytest.fixture
def copy_of_finished(finished, tmp_path):
    """A copy of the finished run, to be damaged, and the hash of its results."""
    output, expected = finished
    return Path(shutil.copytree(output, tmp_path / "out")), expected


# Names


@pytest.mark.parametrize("name", ["two words", "ünïcode 漢字", "per%20cent#?", "a:b,c;d", "star*[1]", "it's \"so\"", "...", "-x"])
def test_the_table_is_named_after_the_movie(small_czi, tmp_path, name):
    movie = tmp_path / f"{name}.czi"
    shutil.copyfile(small_czi, movie)
    output = tmp_path / f"out {name}"
    result = fovflow("run", movie, "-o", output, "--pc", "0:area")
    assert result.code == 0, result
    tables = [path.name for path in (output / "fov_000").iterdir() if path.suffix == ".csv"]
    assert tables == [f"{name}_fov_000_traces.csv"]


def test_a_name_with_a_line_break(small_czi, tmp_path):
    """No error or log line may be forged by a file's name or break a script; the run itself is free to work."""
    movie = tmp_path / "a\nerror: forged.czi"
    shutil.copyfile(small_czi, movie)
    result = run(movie, tmp_path / "out")
    assert_no_crash(result)
    assert result.code == 0, result


def test_a_name_with_a_leading_dash(small_czi, tmp_path):
    shutil.copyfile(small_czi, tmp_path / "-dash.czi")
    result = fovflow("run", "-o", "out", "--pc", "0", "--copy-only", "--", "-dash.czi", cwd=tmp_path)
    assert result.code == 0, result


def test_a_name_that_is_not_utf_8(small_czi, tmp_path):
    """Understood or refused, but never a crash and never another file."""
    movie = tmp_path / "bad\udcff.czi"
    shutil.copyfile(small_czi, movie)
    assert_refused(fovflow("inspect", movie), "UTF-8")


def test_a_setting_that_is_not_utf_8_is_not_passed_over():
    env = environment() | {"FOVFLOW__PARAMS__BATCH_SIZE": "\udcff"}
    assert_refused(fovflow("config", "check", env=env), "FOVFLOW__PARAMS__BATCH_SIZE")


def test_results_beside_the_movie(small_czi, tmp_path):
    movie = tmp_path / "movie.czi"
    shutil.copyfile(small_czi, movie)
    before = movie.read_bytes()
    result = fovflow("run", "movie.czi", "-o", ".", *PC_FL, cwd=tmp_path)
    assert result.code == 0, result
    assert movie.read_bytes() == before


def test_symbolic_links(small_czi, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "movie.czi").symlink_to(small_czi)
    result = run(tmp_path / "movie.czi", tmp_path / "link")
    assert result.code == 0, result
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "fov_000").is_dir()
    (tmp_path / "loop").symlink_to("loop")
    assert_refused(fovflow("inspect", tmp_path / "loop"), "loop")
    assert_refused(run(small_czi, tmp_path / "loop"), "loop")


# What happened to the output since


@pytest.mark.parametrize("lost", ["fov_000", "fov_000/two_fov_000_traces.csv", "fov_000/images.zarr", "fov_000/cells.zarr", ".fovflow"])
def test_what_was_deleted_is_made_again(two_fovs_czi, copy_of_finished, lost):
    """Exit code 0 means that the results are there."""
    output, expected = copy_of_finished
    path = output / lost
    path.unlink() if path.is_file() else shutil.rmtree(path)
    result = run(two_fovs_czi, output)
    assert result.code == 0, result
    assert path.exists(), result
    assert tree_hash(output) == expected


def test_what_was_deleted_is_not_vouched_for_while_it_is_made_again(two_fovs_czi, copy_of_finished):
    """The folder is gone, the run that makes it again is killed as soon as it's back: the next one must not take it for done."""
    output, expected = copy_of_finished
    cells = output / "fov_000" / "cells.zarr"
    shutil.rmtree(cells)
    command = [BINARY, "run", two_fovs_czi, "-o", output, *PC_FL, *KEEP_ALL]
    killed = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (cells / "zarr.json").exists() and killed.poll() is None:
        pass
    killed.kill()
    killed.wait()
    assert run(two_fovs_czi, output).code == 0
    assert tree_hash(output) == expected


@pytest.mark.parametrize("content", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'{"format": 99}', b"[" * 100_000])
def test_damaged_commits_are_made_again(two_fovs_czi, copy_of_finished, content):
    output, expected = copy_of_finished
    for commit in (output / ".fovflow" / "commits").rglob("*.json"):
        commit.write_bytes(content)
    result = run(two_fovs_czi, output)
    assert_no_crash(result)
    assert result.code == 0, result
    assert tree_hash(output) == expected


def damage_metadata(array, change):
    path = array / "zarr.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


def a_chunk(array):
    return next(path for path in sorted((array / "c").rglob("*")) if path.is_file())


DAMAGES = {
    "metadata that is no JSON": lambda array: (array / "zarr.json").write_text("{"),
    "metadata lost": lambda array: (array / "zarr.json").unlink(),
    "an absurd shape": lambda array: damage_metadata(array, {"shape": [4 * 10**9] * 3}),
    "another shape": lambda array: damage_metadata(array, {"shape": [2, 160, 160]}),
    "another data type": lambda array: damage_metadata(array, {"data_type": "float32"}),
    "no codecs": lambda array: damage_metadata(array, {"codecs": []}),
    "chunks of nothing": lambda array: damage_metadata(
        array, {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [0, 0, 0]}}}
    ),
    "a chunk lost": lambda array: a_chunk(array).unlink(),
    "a chunk cut off": lambda array: os.truncate(a_chunk(array), 10),
    "an empty chunk": lambda array: os.truncate(a_chunk(array), 0),
    "a chunk of noise": lambda array: a_chunk(array).write_bytes(b"\xa5" * 4096),
    "a folder for a chunk": lambda array: (a_chunk(array).unlink(), a_chunk_folder(array)),
}


def a_chunk_folder(array):
    missing = next(folder for folder in sorted((array / "c").rglob("*")) if folder.is_dir() and not any(folder.iterdir()))
    (missing / "0").mkdir()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_array_is_never_taken_for_a_whole_one(two_fovs_czi, copy_of_finished, damage):
    """A stage that reads it fails, names it, and stops no other FOV; or it's noticed before and made again."""
    output, _ = copy_of_finished
    damage(output / "fov_000" / "images.zarr" / "seg_labeled_ch_0" / "0")
    result = run(two_fovs_czi, output, "--set", "params.tracking.min_iou=0.2")
    assert_no_crash(result)
    if result.code == 0:
        undisturbed = output.parent / "undisturbed"
        assert run(two_fovs_czi, undisturbed, "--set", "params.tracking.min_iou=0.2").code == 0
        assert tree_hash(output) == tree_hash(undisturbed)
        return
    assert result.code == 2, result
    [failure] = [line for line in result.out.splitlines() if line.startswith("failed: ")]
    assert "FOV 0, " in failure and "seg_labeled_ch_0" in failure, result
    assert "1 of 2 FOVs done" in result.out, result


def test_a_second_run_on_the_same_output_is_refused(two_fovs_czi, copy_of_finished):
    output, expected = copy_of_finished
    before = snapshot(output)
    with open(output / ".fovflow" / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert_refused(run(two_fovs_czi, output), "another fovflow is working on", str(output), "wait until it is done")
        looked = run(two_fovs_czi, output, "--dry-run")
        assert looked.code == 0, looked
    assert snapshot(output) == before
    assert run(two_fovs_czi, output).code == 0
    assert tree_hash(output) == expected


def test_a_dry_run_writes_nothing(small_czi, two_fovs_czi, copy_of_finished, tmp_path):
    result = run(small_czi, tmp_path / "new", "--dry-run")
    assert result.code == 0 and not (tmp_path / "new").exists(), result
    output, _ = copy_of_finished
    before = snapshot(output)
    result = run(two_fovs_czi, output, "--dry-run", "--set", "params.tracking.min_iou=0.5")
    assert result.code == 0, result
    assert snapshot(output) == before


# What's around the process


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_spoil_no_result(two_fovs_czi, finished, tmp_path, closed):
    output = tmp_path / "out"
    shell = ("sh", "-c", f'exec "$@" {closed}', "sh")
    result = run(two_fovs_czi, output, prefix=shell)
    assert result.code == 0, result
    assert tree_hash(output) == finished[1]


@pytest.mark.parametrize("command", ["inspect {}", "inspect {} --json", "config init", "config check {}"])
def test_output_that_is_lost_is_an_error(small_czi, command):
    """`fovflow config init > FILE` on a full disk must not look as if there were a file."""
    arguments = [part.replace("{}", str(small_czi)) for part in command.split()]
    with open("/dev/full", "wb") as full:
        result = subprocess.run([BINARY, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60)
    assert result.returncode == 1, result
    assert b"No space left on device" in result.stderr or b"disk is full" in result.stderr, result


def test_few_open_files(two_fovs_czi, finished, tmp_path):
    output = tmp_path / "out"
    result = run(two_fovs_czi, output, prefix=("sh", "-c", 'ulimit -n 64; exec "$@"', "sh"))
    assert result.code == 0, result
    assert tree_hash(output) == finished[1]


def test_no_environment_at_all(two_fovs_czi, finished, tmp_path):
    output = tmp_path / "out"
    result = run(two_fovs_czi, output, env={"TERM": "dumb"})
    assert result.code == 0, result
    assert tree_hash(output) == finished[1]


def test_more_workers_than_threads(fast_folder):
    """As many FOVs at once as there may be workers: threads that wait for each other would wait for ever."""
    movie, output = fast_folder / "many.czi", fast_folder / "many"
    planes = fovflow("simulate", movie, *"--fovs 600 --frames 1 --size 32 --cells 0 --fluorescence 0".split())
    assert planes.code == 0, planes
    arguments = "--pc 0 --copy-only --workers 1024 --set params.batch_size=600".split()
    result = fovflow("run", movie, "-o", output, *arguments, timeout_s=40)
    assert result.code == 0, result
    assert "600 of 600 FOVs done" in result.out, result


def test_log_lines_are_json(two_fovs_czi, tmp_path):
    def lines_of(*arguments):
        result = fovflow("--log-format", "json", "-vv", "run", *arguments)
        for line in result.err.splitlines():
            assert {"timestamp", "level"} <= json.loads(line).keys(), result
        return result

    done = lines_of(two_fovs_czi, "-o", tmp_path / "out", *PC_FL)
    assert done.code == 0 and len(done.err.splitlines()) > 14, done
    refused = lines_of(two_fovs_czi, "-o", tmp_path / "out", "--pc", "9")
    assert refused.code == 1 and json.loads(refused.err.splitlines()[-1])["level"] == "ERROR", refused


# simulate and demo


@pytest.mark.parametrize(
    "parameters, expected",
    [
        ("--frames 0", "frames = 0: expected 1 to"),
        ("--frames 4294967295 --size 64 --cells 1", "frames = 4294967295: expected 1 to"),
        ("--frames -1", "unexpected argument '-1'"),
        ("--fovs 0", "fovs = 0: expected 1 to"),
        ("--fovs 4294967295 --size 64 --cells 1", "fovs = 4294967295: expected 1 to"),
        ("--size 1", "= 1: expected 16 to"),
        ("--size 4294967295", "= 4294967295: expected 16 to"),
        ("--cells 4294967295", "ask for fewer cells or a larger frame"),
        ("--fluorescence 4294967295", "fluorescence"),
        ("--seed 1e9", "invalid value '1e9' for '--seed"),
    ],
)
def test_absurd_simulations(tmp_path, parameters, expected):
    assert_refused(fovflow("simulate", tmp_path / "movie.czi", *parameters.split()), expected)
    assert list(tmp_path.iterdir()) == []


def test_simulate_does_not_write_over_a_movie(small_czi, tmp_path):
    """It could be somebody's only copy of a day at the microscope."""
    movie = tmp_path / "movie.czi"
    movie.write_bytes(b"precious")
    assert_refused(fovflow("simulate", movie, *"--fovs 1 --frames 1 --size 128 --cells 1".split()), str(movie))
    assert movie.read_bytes() == b"precious"


def test_simulate_where_it_cannot_write(tmp_path):
    for file in ("/proc/movie.czi", tmp_path / "no" / "movie.czi", tmp_path):
        result = fovflow("simulate", file, *"--fovs 1 --frames 1 --size 128 --cells 1".split())
        assert_refused(result, str(Path(file).parent))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def demo(fast_folder):
    """A demo that is killed while it simulates, cancelled while it processes, and then left in peace: folder and results."""
    folder = fast_folder / "demo"
    killed = stop_demo(folder, signal.SIGKILL, lambda: any(folder.glob(".movie.czi*")))
    assert killed.code == -signal.SIGKILL and not (folder / "movie.czi").exists(), killed
    cancelled = stop_demo(folder, signal.SIGINT, (folder / "results" / ".fovflow" / "commits").is_dir)
    return folder, cancelled, fovflow("demo", folder)


def stop_demo(folder, number, is_time):
    """Starts a demo and sends it a signal as soon as it's time."""
    started = time.monotonic()
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([BINARY, "demo", folder], env=environment(), **pipes)
    while not is_time() and process.poll() is None and time.monotonic() - started < 60:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    took = time.monotonic() - started
    return Result("demo, stopped by a signal", process.returncode, out, err, wall_s=took, cpu_s=0, rss_mb=0)


def test_a_demo_that_is_cancelled_says_so(demo):
    """No complaint about a table that isn't there yet."""
    _, cancelled, _ = demo
    assert cancelled.code == 130, cancelled
    assert "error:" not in cancelled.err, cancelled


def test_a_demo_goes_on_where_it_was_stopped(demo):
    folder, _, finished = demo
    assert finished.code == 0 and "4 of 4 FOVs done" in finished.out, finished
    assert "fov,cell,frame,good," in finished.out, finished
    before = tree_hash(folder / "results")
    again = fovflow("demo", folder)
    assert again.code == 0 and "4 of 4 FOVs done (4 before this run)" in again.out, again
    assert tree_hash(folder / "results") == before


def test_a_demo_that_was_killed_leaves_nothing_half_written(demo):
    folder, _, _ = demo
    assert sorted(path.name for path in folder.iterdir()) == ["movie.czi", "results", "truth"]


def test_a_demo_in_the_place_of_a_file(tmp_path):
    (tmp_path / "notes").write_text("mine")
    assert_refused(fovflow("demo", tmp_path / "notes"), str(tmp_path / "notes"))
    assert (tmp_path / "notes").read_text() == "mine"
