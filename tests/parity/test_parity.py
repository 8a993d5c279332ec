"""fovflow against scipy and scikit-image: every stage of every stack; and other readers on its trees."""

import pandas
import pytest
import tensorstore
import zarr

import config as configuration
import tree
from compare import compare
from reference import extract
from stacks import STACKS


@pytest.fixture(params=STACKS, ids=lambda stack: stack.name)
def run_stack(request, fovflow, tmp_path):
    """Runs fovflow on a stack: (stack, file, resolved configuration, output tree)."""
    stack, output = request.param, tmp_path / "out"
    file, settings = stack.write(tmp_path)
    fovflow("run", file, "-o", output, "--config", settings, *stack.flags())
    return stack, file, configuration.load(settings), output


def test_every_stage_matches_and_other_readers_agree(run_stack, record_property):
    stack, file, config, output = run_stack
    report = compare(file, config, output, stack.fovs, stack.frames)
    record_property("checked", dict(report.checked))
    record_property("ties", dict(report.ties))
    print(report.text())
    assert not report.mismatches, report.text()
    check_readers(output)
    if "extract" in tree.stages(config):
        check_tables(output, config)


def check_readers(output):
    """zarr-python and tensorstore open every array and read the same values."""
    paths = [meta.parent for meta in output.rglob("zarr.json") if '"array"' in meta.read_text()]
    for path in paths:
        read_by_zarr = zarr.open_array(store=path, mode="r", zarr_format=3)
        read_by_tensorstore = tensorstore.open(
            {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path)}}, open=True, read=True
        ).result()
        assert read_by_tensorstore.shape == read_by_zarr.shape, path
        assert (read_by_tensorstore.read().result() == read_by_zarr[...]).all(), path


def check_tables(output, config):
    """pandas gives whole numbers, booleans and floats without being told."""
    tables = sorted(output.rglob("*_traces.csv"))
    assert tables
    for file in tables:
        table = pandas.read_csv(file)
        assert list(table.columns) == extract.header(configuration.features(config))
        if table.empty:
            continue
        whole = ["fov", "cell", "frame", "bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"]
        assert all(table[name].dtype == "int64" for name in whole), table.dtypes
        assert table["good"].dtype == "bool", table.dtypes
        others = [name for name in table.columns if name not in [*whole, "good"]]
        assert all(pandas.api.types.is_numeric_dtype(table[name]) for name in others), table.dtypes
        order = table[["cell", "frame"]]
        assert order.equals(order.sort_values(["cell", "frame"])) and not order.duplicated().any()
