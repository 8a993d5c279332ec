"""Places that results can't be written to, or must not: refused before anything is written, or each FOV says why it failed."""

import os
import shutil
import subprocess

import pytest

from support import PC_FL, assert_no_crash, assert_refused, fovflow, simulate, snapshot, tree_hash


def run(movie, output, *more):
    return fovflow("run", movie, "-o", output, *PC_FL, *more)


def test_a_file_in_the_place_of_the_folder(small_czi, tmp_path):
    output = tmp_path / "results"
    output.write_text("somebody's work")
    result = run(small_czi, output)
    assert_refused(result, str(output))
    assert output.read_text() == "somebody's work"


def test_the_movie_itself_as_output(small_czi):
    before = small_czi.read_bytes()
    assert_refused(run(small_czi, small_czi), str(small_czi))
    assert small_czi.read_bytes() == before


@pytest.mark.parametrize("output", ["/proc/fovflow-results", "/dev/null/results"])
def test_a_place_where_nobody_can_write(small_czi, output):
    assert_refused(run(small_czi, output), output)


@pytest.mark.skipif(os.geteuid() != 0, reason="a read-only file system can be mounted by root alone")
def test_a_read_only_file_system(small_czi, small_disk):
    disk = small_disk("1m")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    assert_refused(run(small_czi, disk / "results"), str(disk / "results"), "read-only")
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: this needs a user without privileges")
def test_a_folder_without_write_permission(small_czi, tmp_path):
    tmp_path.chmod(0o555)
    result = run(small_czi, tmp_path / "results")
    tmp_path.chmod(0o755)
    assert_refused(result, str(tmp_path / "results"), "permission denied")


def test_a_disk_that_is_full_from_the_start(small_czi, small_disk):
    disk = small_disk("64k")
    (disk / "somebody's").write_bytes(b"x" * 64 * 1024)
    result = run(small_czi, disk / "results")
    assert_refused(result, str(disk / "results"), "the disk is full; free some space and run the same command again")


def test_a_disk_that_fills_up(small_disk, tmp_path):
    """The FOVs that don't fit fail with their cause; with more space, the same command ends with the same bytes."""
    movie = simulate(tmp_path / "movie.czi", fovs=3, frames=3, size=192, cells=3)
    few = ("--set", "params.extraction.min_frames=1", "--set", "params.extraction.border_margin=0")
    undisturbed = run(movie, tmp_path / "undisturbed", *few)
    assert undisturbed.code == 0, undisturbed

    disk = small_disk("1m")
    output = disk / "results"
    result = run(movie, output, *few)
    assert_no_crash(result)
    assert result.code == 2, result
    failures = [line for line in result.out.splitlines() if line.startswith("failed: FOV ")]
    assert failures, result
    for failure in failures:
        assert str(output) in failure, result
        assert "the disk is full; free some space and run the same command again" in failure, result

    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
    again = run(movie, output, *few)
    assert again.code == 0, again
    assert tree_hash(output) == tree_hash(tmp_path / "undisturbed")


def test_results_of_another_dataset(small_czi, two_fovs_czi, tmp_path):
    output = tmp_path / "out"
    first = run(small_czi, output, "--copy-only")
    assert first.code == 0, first
    before = snapshot(output)
    for more in [(), ("--dry-run",)]:
        result = run(two_fovs_czi, output, *more)
        expected = ("holds the results of another dataset", "small.czi (", "two.czi (", "choose another output folder")
        assert_refused(result, str(output), *expected)
        assert snapshot(output) == before


def test_results_without_a_record(small_czi, tmp_path):
    output = tmp_path / "out"
    assert run(small_czi, output, "--copy-only").code == 0
    (output / "processing_config.yaml").unlink()
    before = snapshot(output)
    result = run(small_czi, output)
    assert_refused(result, str(output), "no processing_config.yaml", "choose another output folder")
    assert snapshot(output) == before


def test_results_without_a_record_of_another_movie(small_czi, two_fovs_czi, tmp_path):
    """Results for a FOV that this movie doesn't even have are results all the same."""
    output = tmp_path / "out"
    assert run(two_fovs_czi, output, "--copy-only", "--fovs", "1").code == 0
    (output / "processing_config.yaml").unlink()
    before = snapshot(output)
    assert_refused(run(small_czi, output, "--copy-only"), str(output), "choose another output folder")
    assert snapshot(output) == before


@pytest.mark.parametrize(
    "record", [b"", b"lasagne: 1\n", b"\xff\xfe\0\0", b"&a [*a, *a]\n", b"- \n" * 100_000, b"{" * 10_000]
)
def test_a_record_that_cannot_be_read(small_czi, tmp_path, record):
    output = tmp_path / "out"
    output.mkdir()
    (output / "processing_config.yaml").write_bytes(record)
    before = snapshot(output)
    result = run(small_czi, output)
    assert_refused(result, str(output), "processing_config.yaml", "choose another output folder")
    assert snapshot(output) == before


def test_a_users_own_files_stay(small_czi, tmp_path):
    """Notes beside and among the results are left alone, also when these are computed again."""
    output = tmp_path / "out"
    output.mkdir()
    notes = [output / "notes.txt", output / "fov_000" / "notes.txt"]
    notes[0].write_text("mine")
    assert run(small_czi, output).code == 0
    notes[1].write_text("mine")
    again = run(small_czi, output, "--set", "params.segmentation.min_object_size=51")
    assert again.code == 0, again
    assert [path.read_text() for path in notes] == ["mine", "mine"]


def test_the_same_movie_moved_elsewhere_goes_on(small_czi, tmp_path):
    """The content is the dataset, not its path or its time of change."""
    output = tmp_path / "out"
    assert run(small_czi, output).code == 0
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copyfile(small_czi, tmp_path / "elsewhere" / "small.czi")
    result = run(moved, output)
    assert result.code == 0 and "everything is already done" in result.err, result
