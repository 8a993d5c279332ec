"""Files that are no movie, or no longer: each a clear error, cheap, exit code 1, and nothing written."""

import os
import random
from collections import Counter

import pytest

from support import PC_FL, assert_cheap, assert_no_crash, assert_refused, fovflow, simulate, snapshot

STEP = 1024
FLIPS = 75


def refuse(file, folder, *expected):
    """`run` and `inspect` refuse the file alike, and `run` leaves no output folder behind."""
    before = snapshot(folder)
    output = folder / "out"
    run = fovflow("run", file, "-o", output, *PC_FL)
    assert_refused(run, *expected)
    assert not output.exists(), run
    assert snapshot(folder) == before, run
    inspected = fovflow("inspect", file)
    assert_refused(inspected, *expected)
    assert inspected.err == run.err


def every_prefix(movie, folder):
    """Runs every prefix of a movie at 1 KiB steps; gives how many there were."""
    cut, output = folder / f"cut{movie.suffix}", folder / "out"
    cut.write_bytes(movie.read_bytes())
    size = cut.stat().st_size
    prefixes = range((size - 1) // STEP * STEP, -1, -STEP)
    for length in prefixes:
        os.truncate(cut, length)
        result = fovflow("run", cut, "-o", output, *PC_FL)
        assert_refused(result, str(cut))
        assert not output.exists(), f"{length} of {size} bytes: {result}"
        what_and_what_to_do = ("is empty", "copy it again", "probably cut off while it was acquired or copied")
        assert any(text in result.err for text in what_and_what_to_do), f"{length} of {size} bytes: {result}"
    return len(prefixes)


def test_every_prefix_of_a_czi(small_czi, tmp_path):
    assert every_prefix(small_czi, tmp_path) > 50


def test_every_prefix_of_a_real_nd2(shared_data, tmp_path):
    assert every_prefix(shared_data / "cluster.nd2", tmp_path) > 500


def flip_one_bit(movie, folder, seed):
    """Flips single bits, every other one where the structure lies: the file's head and tail."""
    rng = random.Random(seed)
    original = movie.read_bytes()
    flipped = folder / f"flipped{movie.suffix}"
    codes = Counter()
    for i in range(FLIPS):
        head_or_tail = rng.choice([rng.randrange(2048), len(original) - 1 - rng.randrange(16 * STEP)])
        position = head_or_tail if i % 2 else rng.randrange(len(original))
        damaged = bytearray(original)
        damaged[position] ^= 1 << rng.randrange(8)
        flipped.write_bytes(damaged)
        output = folder / f"out{i}"
        # Copying reads every pixel; the stages behind it see no file.
        result = fovflow("run", flipped, "-o", output, "--pc", "0", "--copy-only", "--fovs", "0", "--frames", "0")
        assert_no_crash(result)
        assert_cheap(result)
        codes[result.code] += 1
        match result.code:
            # a pixel, a name or a date: nobody can tell
            case 0:
                assert (output / "processing_config.yaml").is_file(), f"byte {position}: {result}"
            case 1:
                assert_refused(result)
                assert not output.exists(), f"byte {position}: {result}"
            case 2:
                assert "FOV 0, copy: " in result.out and str(flipped) in result.out, f"byte {position}: {result}"
            case _:
                pytest.fail(f"byte {position}: {result}")
    assert codes[0] and codes[1], f"some flips hit pixels and some the structure: {codes}"


def test_flipped_bits_in_a_czi(small_czi, tmp_path):
    flip_one_bit(small_czi, tmp_path, seed=1)


def test_flipped_bits_in_a_real_nd2(shared_data, tmp_path):
    flip_one_bit(shared_data / "cluster.nd2", tmp_path, seed=2)


def test_a_damaged_frame_fails_its_fov_alone(two_fovs_czi, tmp_path):
    """A plane without the signature that its compression begins with: its FOV fails and names it, the other one is done."""
    damaged, content = tmp_path / "damaged.czi", two_fovs_czi.read_bytes()
    zstd_frame = b"\x28\xb5\x2f\xfd"
    content = content.replace(zstd_frame, bytes(4), 1)
    damaged.write_bytes(content)
    result = fovflow("run", damaged, "-o", tmp_path / "out", "--pc", "0", "--copy-only")
    assert_no_crash(result)
    assert result.code == 2, result
    assert "1 of 2 FOVs done, 1 failed" in result.out, result
    [failure] = [line for line in result.out.splitlines() if line.startswith("failed: ")]
    assert str(damaged) in failure and "corrupt" in failure, result


def test_random_bytes(tmp_path):
    rng = random.Random(3)
    for name, head in [("a.nd2", b""), ("b.czi", b"ZISRAWFILE\0\0\0\0\0\0"), ("c.nd2", b"\xda\xce\xbe\x0a")]:
        for size in (1, 31, 4096, 200_000):
            folder = tmp_path / f"{size}-{name}"
            folder.mkdir()
            (folder / name).write_bytes(head + rng.randbytes(size))
            refuse(folder / name, folder, str(folder / name))


def test_bytes_of_one_value(tmp_path):
    for name, byte in [("zeros.czi", b"\0"), ("ones.nd2", b"\xff")]:
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(byte * 100_000)
        refuse(folder / name, folder, "is neither an nd2 nor a czi file", "expected a nikon nd2")


def test_an_empty_file(tmp_path):
    file = tmp_path / "empty.czi"
    file.touch()
    refuse(file, tmp_path, str(file), "it is empty", "expected a nikon nd2 (version 2 or 3) or a zeiss czi file")


def test_a_text_file_named_nd2(tmp_path):
    file = tmp_path / "notes.nd2"
    file.write_text("Dear diary, today I lost my movie.\n")
    refuse(file, tmp_path, str(file), 'is a text file that starts with "Dear diary', "expected a nikon nd2")


def test_a_directory(tmp_path):
    folder = tmp_path / "movie.nd2"
    folder.mkdir()
    refuse(folder, tmp_path, str(folder), "it is a directory; expected one nd2 or czi file")


def test_a_missing_file(tmp_path):
    file = tmp_path / "gone.nd2"
    refuse(file, tmp_path, str(file), "No such file or directory")


def test_a_path_through_a_file(small_czi, tmp_path):
    refuse(small_czi / "movie.nd2", tmp_path, str(small_czi / "movie.nd2"), "Not a directory")


def test_a_pipe_is_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.czi"
    os.mkfifo(pipe)
    refuse(pipe, tmp_path, str(pipe), "it is not a regular file; expected one nd2 or czi file")


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_a_device_is_not_read(tmp_path, device):
    refuse(device, tmp_path, device, "it is not a regular file; expected one nd2 or czi file")


def test_a_file_without_read_permission(small_czi, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read every file: this needs a user without privileges")
    file = tmp_path / "secret.czi"
    file.write_bytes(small_czi.read_bytes())
    file.chmod(0)
    refuse(file, tmp_path, str(file), "Permission denied")


def test_a_name_does_not_matter(small_czi, tmp_path):
    """The content decides: a CZI with another extension is a CZI."""
    file = tmp_path / "movie.nd2"
    file.write_bytes(small_czi.read_bytes())
    result = fovflow("inspect", file)
    assert result.code == 0 and "(czi, " in result.out, result


def test_a_movie_that_is_still_being_written(tmp_path):
    """A movie whose writer has died: the directory isn't there yet."""
    movie = simulate(tmp_path / "whole.czi", frames=4)
    (tmp_path / "part").mkdir()
    part = tmp_path / "part" / "part.czi"
    part.write_bytes(movie.read_bytes()[: movie.stat().st_size // 2])
    refuse(part, part.parent, str(part), "is truncated", "copy it again, or let the acquisition finish")


@pytest.mark.parametrize("claim", [2**62, 2**40, -1])
def test_a_claim_of_size_is_not_believed(small_czi, tmp_path, claim):
    """Every 8-byte field of the file's head says something absurd, one after the other."""
    original = small_czi.read_bytes()
    file, output = tmp_path / "claim.czi", tmp_path / "out"
    for offset in range(16, 120, 8):
        file.write_bytes(original[:offset] + claim.to_bytes(8, "little", signed=True) + original[offset + 8 :])
        result = fovflow("run", file, "-o", output, "--pc", "0", "--dry-run")
        assert_no_crash(result)
        assert_cheap(result)
        assert result.code in (0, 1), f"byte {offset}: {result}"
        assert not output.exists(), f"byte {offset}: {result}"
