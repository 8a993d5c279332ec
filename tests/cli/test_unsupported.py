"""Sound files with pixels or codecs that can't be read: refused with their name, what they hold, and what could be read."""

import pytest

from support import PC_FL, assert_refused, fovflow, write_czi

np = pytest.importorskip("numpy", reason="numpy makes the files of this test")


def refuse(file, *expected):
    output = file.parent / "out"
    assert_refused(fovflow("inspect", file), str(file), "is not supported", "supported: ", *expected)
    assert_refused(fovflow("run", file, "-o", output, *PC_FL), str(file), *expected)
    assert not output.exists()


def test_float_pixels(tmp_path):
    plane = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    refuse(write_czi(tmp_path / "float.czi", [({"T": 0, "C": 0, "Z": 0}, 0, plane)]), "float")


@pytest.mark.parametrize("dtype, name", [(np.uint8, "bgr"), (np.uint16, "bgr")])
def test_colour_pixels(tmp_path, dtype, name):
    plane = np.arange(48 * 64 * 3, dtype=np.uint32).astype(dtype).reshape(48, 64, 3)
    refuse(write_czi(tmp_path / "colour.czi", [({"T": 0, "C": 0, "Z": 0}, 0, plane)]), name)


@pytest.mark.parametrize("code, name", [(1, "jpeg"), (2, "lzw"), (4, "jpeg-xr"), (77, "77")])
def test_codecs(small_czi, tmp_path, code, name):
    """The codec is changed in every directory entry: Zeiss's library writes no such files any more."""
    content = bytearray(small_czi.read_bytes())
    # An entry begins with its schema, "DV", then follow pixel type (here 1, 16 bits of grey), position, part and codec.
    begin, position = b"DV" + (1).to_bytes(4, "little"), 0
    while (position := content.find(begin, position + 1)) > 0:
        content[position + 18 : position + 22] = code.to_bytes(4, "little")
    file = tmp_path / "codec.czi"
    file.write_bytes(content)
    refuse(file, name, "zstd")


def test_8_bit_grey_is_supported(tmp_path):
    plane = np.arange(64 * 64, dtype=np.uint32).astype(np.uint8).reshape(64, 64)
    file = write_czi(tmp_path / "grey.czi", [({"T": 0, "C": 0, "Z": 0}, 0, plane)])
    result = fovflow("run", file, "-o", tmp_path / "out", "--pc", "0", "--copy-only")
    assert result.code == 0, result
