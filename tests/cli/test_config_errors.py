"""Configurations that can't be: every problem named with its place, all at once, before anything is written."""

import json
import os
import subprocess

import pytest

from support import BINARY, assert_refused, environment, fovflow

# (what's wrong, arguments, texts that the error must hold)
FLAGS = [
    ("a channel that does not exist", "--pc 9", 'channel 9 does not exist: small.czi has channels 0 "Phase", 1 "GFP"'),
    ("a channel's name with a slip", "--pc Phsae", 'channel "Phsae" does not exist, did you mean "Phase"?'),
    ("no such FOV", "--pc 0 --fovs 9", "fovs: FOV 9 does not exist: small.czi has one FOV, 0"),
    ("no such frame", "--pc 0 --frames 99", "frames: frame 99 does not exist: small.czi has frames 0-1"),
    ("no such Z plane", "--pc 0 --z 3", "z: z plane 3 does not exist: small.czi has one z plane, 0"),
    ("four billion FOVs", "--pc 0 --fovs 0-4294967295", "fovs: FOV 1 does not exist"),
    ("four billion frames", "--pc 0 --frames 0-4294967295", "frames: frame 2 does not exist"),
    ("more than four billion", "--pc 0 --fovs 4294967296", '"4294967296" is too large'),
    ("a range that runs backwards", "--pc 0 --frames 1-0", "the range 1-0 runs backwards; write 0-1"),
    ("a FOV twice", "--pc 0 --fovs 0,0", "0 is selected twice"),
    ("frames out of order", "--pc 0 --frames 1,0", "must be ascending"),
    ("words for a selection", "--pc 0 --fovs all", 'expected numbers and ranges such as "0-5,7", found "all"'),
    ("two entries for a channel", "--fl 1 --fl 1", "channel 1 stands in channels.fl[0] already"),
    ("two entries, by index and name", "--fl 1 --fl GFP", 'channel 1 "GFP" stands in channels.fl[0] already'),
    ("PC as FL as well", "--pc 1 --fl 1", "channel 1 is the phase-contrast channel already"),
    ("PC as FL, by name and index", "--pc Phase --fl 0", 'channel 0 "Phase" is the phase-contrast channel already'),
    ("a feature of the other kind", "--pc 0:intensity_mean", "expected area or aspect_ratio"),
    ("a feature with a slip", "--fl 1:intensity_maen", 'did you mean "intensity_mean"?'),
    ("a feature twice", "--pc 0:area,area", 'the feature "area" stands there twice'),
    ("an unknown key", "--set params.tracking.min_iuo=1", 'params.tracking.min_iuo: unknown key, did you mean "min_iou"?'),
    ("a key in the wrong place", "--set min_iou=1", 'did you mean "params.tracking.min_iou"?'),
    ("an unknown value", "--set params.segmentation.threshold=otsu", "expected valley or mode_sigma"),
    ("NaN", "--set params.tracking.min_iou=.nan", "expected a number above 0 up to 1"),
    ("infinity", "--set params.extraction.frame_interval=.inf", "params.extraction.frame_interval: expected"),
    ("a number out of bounds", "--set params.batch_size=0", "without a FOV nothing runs"),
    ("a negative number", "--set params.segmentation.morph_size=-7", "expected a whole number from 1 to 255"),
    ("a number beyond 64 bits", "--set params.batch_size=99999999999999999999", "params.batch_size: expected"),
    ("limits that cross", "--set params.segmentation.min_object_size=10001", "is above max_object_size"),
    ("a list for a number", "--set params.batch_size=[1]", "params.batch_size: expected a whole number"),
    ("text for a switch", "--set params.copy_only=maybe", "params.copy_only: expected true or false"),
    ("no assignment", "--set params.batch_size", "expected path=value, such as params.tracking.min_iou=0.2"),
    ("no path", "--set =1", "unknown key"),
    ("a value that is no YAML", "--set params.batch_size=[", "not valid YAML"),
    ("a section for a value", "--set params=3", "params: expected"),
    ("no configuration file", "--config /no/such/file.yaml", "/no/such/file.yaml: can't be opened: No such file"),
    ("a folder for the file", "--config /", "/: can't be read: Is a directory"),
    ("a device for the file", "--config /dev/zero", "/dev/zero"),
    ("no workers", "--pc 0 --workers 0", "0 is not in 1..=1024"),
    ("a million workers", "--pc 0 --workers 1000000", "--workers"),
]


@pytest.mark.parametrize("arguments, expected", [case[1:] for case in FLAGS], ids=[case[0] for case in FLAGS])
def test_flags(small_czi, tmp_path, arguments, expected):
    output = tmp_path / "out"
    assert_refused(fovflow("run", small_czi, "-o", output, *arguments.split()), expected)
    assert not output.exists()


FILES = [
    ("broken YAML", "params: {batch_size: 1", ["1:"]),
    ("tabs", "params:\n\tbatch_size: 1\n", ["2:"]),
    ("a key twice", "z: 0\nz: 1\n", ["z"]),
    ("an unknown key", "parmas: {}\n", ['unknown key, did you mean "params"?']),
    ("wrong types", "channels: [1, 2]\nz: two\n", ["channels: expected", "z: expected"]),
    ("not a section", "just words\n", ["expected"]),
    ("an unknown anchor", "z: *nowhere\n", ["1:4: not valid YAML"]),
    ("a bomb of anchors", "a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n" + "".join(
        f"{chr(99 + i)}: &{chr(99 + i)} [{','.join([f'*{chr(98 + i)}'] * 8)}]\n" for i in range(12)), []),
    ("nested without end", "a: " + "[" * 100_000, []),
    ("control characters", "z: \x1b[2J\x07\n", []),
    ("times that run backwards", "params: {extraction: {time_mapping: {0: 5, 1: 5}}}\n", ["times must increase"]),
]


@pytest.mark.parametrize("text, expected", [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_files(small_czi, tmp_path, text, expected):
    file, output = tmp_path / "config.yaml", tmp_path / "out"
    file.write_text(text)
    result = fovflow("run", small_czi, "-o", output, "--config", file)
    assert_refused(result, str(file), *expected)
    assert len(result.err) < 3000, "an error is to be read"
    assert not output.exists()
    assert_refused(fovflow("config", "check", "--config", file), *expected)


def test_a_channel_without_its_number(small_czi, tmp_path):
    """No file is named: a flag could have given the channel just as well."""
    file = tmp_path / "config.yaml"
    file.write_text("channels: {pc: {features: [area]}}\n")
    result = fovflow("run", small_czi, "-o", tmp_path / "out", "--config", file)
    assert_refused(result, "channels.pc.channel: is missing; expected the index or the name of a channel")


def test_a_file_that_is_not_text(small_czi, tmp_path):
    assert_refused(fovflow("config", "check", "--config", small_czi), "small.czi", "is not a text file", "expected a YAML")


def test_a_configuration_from_a_pipe(small_czi):
    """As a shell's `--config <(…)` gives one."""
    read, write = os.pipe()
    os.write(write, b"params: {batch_size: 7}\n")
    os.close(write)
    command = [BINARY, "config", "check", small_czi, "--pc", "0", "--config", f"/dev/fd/{read}"]
    result = subprocess.run(command, pass_fds=[read], capture_output=True, text=True, env=environment(), timeout=60)
    os.close(read)
    assert result.returncode == 0 and "batch_size: 7" in result.stdout, result


def test_all_problems_are_told_at_once(small_czi, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("channels: {pc: {channel: 0, features: [aera]}}\nparams:\n  tracking: {min_iou: 2}\n  batchsize: 1\n")
    result = fovflow(
        "run", small_czi, "-o", tmp_path / "out", "--config", file, "--set", "params.background.tile_sie=3",
        env=environment(FOVFLOW__PARAMS__EXTRACTION__MIN_FRAMES="many"),
    )
    assert_refused(
        result,
        "the configuration has 5 problems:",
        f"{file}:1", 'did you mean "area"?',
        f"{file}:3", "expected a number above 0 up to 1, found 2",
        f"{file}:4", 'did you mean "batch_size"?',
        "FOVFLOW__PARAMS__EXTRACTION__MIN_FRAMES",
        '--set: params.background.tile_sie: unknown key, did you mean "tile_size"?',
    )


def test_all_problems_with_the_movie_are_told_at_once(small_czi, tmp_path):
    arguments = "--pc 9 --fl 8 --fovs 7 --frames 6 --z 5".split()
    result = fovflow("run", small_czi, "-o", tmp_path / "out", *arguments)
    expected = ["the configuration has 5 problems:", "FOV 7", "frame 6", "z plane 5", "channel 9", "channel 8"]
    assert_refused(result, *expected)
    checked = fovflow("config", "check", small_czi, *arguments)
    assert_refused(checked, *expected)


def test_the_template_is_valid_and_round_trips(small_czi, tmp_path):
    file = tmp_path / "config.yaml"
    made = fovflow("config", "init", file)
    assert made.code == 0 and str(file) in made.out, made
    printed = fovflow("config", "init")
    assert printed.code == 0 and printed.out == file.read_text(), printed
    checked = fovflow("config", "check", "--config", file)
    assert checked.code == 0 and "the configuration is valid" in checked.out, checked
    with_file = fovflow("config", "check", small_czi, "--config", file, "--pc", "0:area")
    without = fovflow("config", "check", small_czi, "--pc", "0:area")
    assert with_file.code == 0 and with_file.out == without.out, with_file


def test_init_does_not_write_over_a_file(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    assert_refused(fovflow("config", "init", file), str(file), "choose a name that does not exist yet")
    assert file.read_text() == "mine"
    assert_refused(fovflow("config", "init", tmp_path / "no" / "folder.yaml"), "No such file or directory")


def test_the_record_of_a_run_is_a_configuration(small_czi, tmp_path):
    """What a run writes down makes the same run again."""
    output = tmp_path / "out"
    arguments = ("--pc", "0:area", "--set", "params.tracking.min_iou=0.3")
    assert fovflow("run", small_czi, "-o", output, *arguments).code == 0
    record = output / "processing_config.yaml"
    before = record.read_bytes()
    again = fovflow("run", small_czi, "-o", output, "--config", record)
    assert again.code == 0 and "everything is already done" in again.err, again
    assert record.read_bytes() == before


def test_flag_over_environment_over_file_over_default(small_czi, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("params: {tracking: {min_iou: 0.2}, batch_size: 2, extraction: {min_frames: 2}}\n")
    env = environment(FOVFLOW__PARAMS__TRACKING__MIN_IOU="0.3", FOVFLOW__PARAMS__BATCH_SIZE="3")
    flags = ("--config", file, "--set", "params.tracking.min_iou=0.4")
    result = fovflow("config", "check", small_czi, *flags, env=env)
    assert result.code == 0, result
    for expected in ("min_iou: 0.4", "batch_size: 3", "min_frames: 2", "border_margin: 50"):
        assert expected in result.out, result


def test_inspect_gives_json(two_fovs_czi):
    result = fovflow("inspect", two_fovs_czi, "--json")
    assert result.code == 0 and result.err == "", result
    movie = json.loads(result.out)
    assert [(fov["id"], fov["height"], fov["width"]) for fov in movie["fovs"]] == [(0, 160, 160), (1, 160, 160)]
    assert [channel["id"] for channel in movie["channels"]] == [0, 1]
    assert (movie["frames"], movie["z_planes"], movie["pixel_type"], movie["format"]) == (3, 1, "uint16", "czi")
    assert movie["size_bytes"] == two_fovs_czi.stat().st_size


COMMANDS = [(), ("run",), ("inspect",), ("simulate",), ("demo",), ("config",), ("config", "init"), ("config", "check")]


@pytest.mark.parametrize("command", COMMANDS, ids=[" ".join(command) or "fovflow" for command in COMMANDS])
def test_help(command):
    result = fovflow(*command, "--help")
    assert result.code == 0 and result.err == "", result
    assert "Usage: fovflow" in result.out, result
    # Whatever can be given has its line, and below or beside it what it does.
    lines = [line.strip() for line in result.out.split("Options:")[1].splitlines()] + [""]
    options = [i for i, line in enumerate(lines) if line.startswith("-") and not line.startswith("- ")]
    assert options, result
    for i in options:
        described = lines[i + 1] or "  " in lines[i]
        assert described, f"{lines[i]} is not explained\n{result}"


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ((), "Usage: fovflow"),
        (("runn",), "tip: a similar subcommand exists: 'run'"),
        (("run",), "required arguments were not provided"),
        (("run", "movie.czi"), "--output <OUT>"),
        (("run", "movie.czi", "-o", "out", "--frobnicate"), "unexpected argument '--frobnicate'"),
        (("inspect",), "<FILE>"),
        (("inspect", "a", "b"), "unexpected argument 'b'"),
        (("simulate", "x.czi", "--frames", "many"), "invalid value 'many' for '--frames"),
        (("config",), "Usage: fovflow config"),
        (("--log-format", "xml", "inspect", "a"), "possible values: text, json"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, tuple) else "",
)
def test_usage_errors(tmp_path, arguments, expected):
    result = fovflow(*arguments, cwd=tmp_path)
    assert result.code == 1 and result.out == "", result
    assert expected in result.err, result
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["inspect {}", "config init", "--help", "run --help", "run {} -o out --pc 0 --dry-run"])
def test_a_reader_that_leaves_early(small_czi, tmp_path, command):
    """`fovflow … | head -1`: no panic, and nothing on the standard error."""
    arguments = [part.replace("{}", str(small_czi)) for part in command.split()]
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run([BINARY, *arguments], stdout=write, stderr=subprocess.PIPE, cwd=tmp_path, timeout=60)
    os.close(write)
    assert result.returncode == 0, result
    assert b"panicked" not in result.stderr, result


@pytest.mark.parametrize(
    "place, expected",
    [
        ("ftp://host/movie.czi", 'unsupported scheme "ftp"; supported are local paths, file:// and s3://'),
        ("https://host/movie.czi", 'unsupported scheme "https"'),
        ("file://host/movie.czi", "write file:///absolute/path"),
        ("://movie.czi", "is not a URL"),
        ("", "an empty location: give a path"),
        ("file:///no/such/movie.czi", "No such file or directory"),
    ],
)
def test_places(small_czi, tmp_path, place, expected):
    assert_refused(fovflow("inspect", place), expected)
    assert_refused(fovflow("run", place, "-o", tmp_path / "out", "--pc", "0"), expected)
    if not place.startswith("file:///"):
        assert_refused(fovflow("run", small_czi, "-o", place, "--pc", "0"), expected, "--output")
    assert not (tmp_path / "out").exists()


def test_a_file_url(small_czi):
    result = fovflow("inspect", f"file://{small_czi}")
    assert result.code == 0 and "small.czi (czi, " in result.out, result
