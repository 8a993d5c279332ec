"""Memory doesn't grow with the movie: 1024 × 1024 px, the same 20 frames once and 20 times over."""

import pytest

import support

czi = pytest.importorskip("pylibCZIrw.czi", reason="pylibCZIrw repeats the frames of a movie")
np = pytest.importorskip("numpy", reason="numpy holds the frames of a movie")

DISTINCT, LONG = 20, 400
TOLERANCE = 1.10


@pytest.fixture(scope="module")
def movies(tmp_path_factory):
    """The short and the long movie, of the same frames, written by the same library."""
    folder = tmp_path_factory.mktemp("memory")
    simulated = support.simulate(folder / "simulated.czi", frames=DISTINCT, size=1024, cells=30)
    with czi.open_czi(str(simulated)) as document:
        frames = [[read(document, t, c) for c in range(2)] for t in range(DISTINCT)]

    def repeat(name, count):
        planes = (({"T": t, "C": c, "Z": 0}, 0, frames[t % DISTINCT][c]) for t in range(count) for c in range(2))
        return support.write_czi(folder / name, planes, compression="zstd1:ExplicitLevel=1")

    yield repeat("short.czi", DISTINCT), repeat("long.czi", LONG)
    for file in folder.glob("*.czi"):
        file.unlink()


def read(document, t, c):
    return np.ascontiguousarray(document.read(plane={"T": t, "C": c, "Z": 0}))


# Runs a command until a commit names a part, then tells it to stop: `sh -c … sh COMMIT PART COMMAND…`.
STOP_AT_COMMIT = """
commit=$1 part=$2; shift 2
"$@" & run=$!
while kill -0 $run 2>/dev/null; do
    if grep -q "$part" "$commit" 2>/dev/null; then kill -TERM $run; break; fi
    sleep 0.05
done
wait $run
"""


def peak_of_copy_and_segment(movie, output):
    """A run that is stopped as soon as its segmentation is committed."""
    commit = output / ".fovflow" / "commits" / "fov_000" / "segment.json"
    prefix = ("sh", "-c", STOP_AT_COMMIT, "sh", commit, "seg_labeled_ch_0")
    result = support.fovflow("run", movie, "-o", output, "--pc", "0", "--workers", "2", prefix=prefix, timeout_s=400)
    support.assert_no_crash(result)
    assert result.code in (0, 130), result
    assert commit.is_file(), result
    return result


def test_copy_and_segment_take_the_same_memory_for_20_and_400_frames(movies, tmp_path):
    short, long = movies
    few = peak_of_copy_and_segment(short, tmp_path / "short")
    many = peak_of_copy_and_segment(long, tmp_path / "long")
    print(f"peak RSS: {few.rss_mb:.1f} MB for {DISTINCT} frames, {many.rss_mb:.1f} MB for {LONG}")
    assert many.rss_mb <= few.rss_mb * TOLERANCE, f"{many}\n{few}"
    assert few.rss_mb <= many.rss_mb * TOLERANCE, f"{many}\n{few}"
