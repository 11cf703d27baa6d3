"""A trace as an xarray Dataset: names, dimensions, values."""

import json
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from samviz.errors import ConfigError, TraceError
from samviz.recorder.fields import UNGATED_COLUMNS
from samviz.trace import open_trace
from samviz.trace.schema import DATASETS
from samviz.trace.tables.labelled import DIMENSIONS
from tests.builders import make_dimensions, random_arrays, recorder_for


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """90 steps of two batch elements of an SDNC, in two episodes."""
    sizes = make_dimensions(batch=2, links=3, input_size=5, output_size=4, source_size=1)
    rng = np.random.default_rng(0)
    with recorder_for(
        tmp_path / "run.h5", sizes, columns=(*UNGATED_COLUMNS, "mode"), training=True, meta={"seed": 3}
    ) as recorder:
        for episode, steps in enumerate((40, 50)):
            io = {name: rng.random((steps, 2, size)) for name, size in (("input", 5), ("output", 4))}
            events = SimpleNamespace(**random_arrays(rng, steps, sizes))
            recorder.append(events, episode=episode, train_step=2, **io)
    return tmp_path / "run.h5"


def test_every_per_step_column_is_a_variable_with_its_dimensions(path):
    with open_trace(path) as trace:
        labelled = trace.to_xarray()
        names = [name for name in trace.datasets if name != "episode"]
        assert set(labelled.data_vars) == {name.replace("/", "_") for name in names}
        for name in names:
            variable = labelled[name.replace("/", "_")]
            np.testing.assert_array_equal(variable, trace[name][:])
            assert variable.dtype == trace[name].dtype
            assert variable.dims == tuple(DIMENSIONS[axis] for axis in DATASETS[name].axes)
            assert variable.attrs == {"dataset": f"/{name}"}
    assert labelled["read_slot"].dims == ("step", "batch", "head", "read_entry")
    assert labelled["write_row"].dims == ("step", "batch", "head", "write_entry", "word")
    assert labelled["link_precedence_slot"].dims == ("step", "batch", "head", "link")
    assert labelled["io_input"].dims == ("step", "batch", "input")
    assert dict(labelled.sizes) == {
        "step": 90, "batch": 2, "head": 2, "read_entry": 2, "write_entry": 3, "word": 3, "read": 2,
        "link": 3, "input": 5, "output": 4, "source": 1, "mode": 3,
    }  # fmt: skip


def test_every_per_step_dataset_of_the_format_has_dimensions_of_different_names():
    for row in DATASETS.values():
        if row.per_step:
            names = [DIMENSIONS[axis] for axis in row.axes]
            assert len(set(names)) == len(names)


def test_a_range_of_steps_keeps_its_numbers(path):
    with open_trace(path) as trace:
        labelled = trace.to_xarray(["read/weight", "gate/mode"], start=30, stop=50)
        assert set(labelled.data_vars) == {"read_weight", "gate_mode"}
        np.testing.assert_array_equal(labelled["step"], np.arange(30, 50))
        np.testing.assert_array_equal(labelled["episode"], trace["episode"][30:50])
        np.testing.assert_array_equal(labelled["read_weight"].sel(step=41), trace["read/weight"][41])
        np.testing.assert_array_equal(
            labelled["gate_mode"].sel(mode="content", head=1, batch=0), trace["gate/mode"][30:50, 0, 1, 1]
        )
        means = labelled["read_weight"].isel(batch=0).groupby("episode").mean()
        assert means.sizes["episode"] == 2


def test_the_header_is_in_attributes_that_a_netcdf_file_can_hold(path):
    with open_trace(path) as trace:
        attributes = trace.to_xarray(["episode"], stop=0).attrs
        assert attributes["uuid"] == trace.uuid
        assert attributes["slots"] == 12
        assert attributes["last_write_erases"] == 1
        assert json.loads(attributes["meta"]) == {"seed": 3}
    assert {type(value) for value in attributes.values()} <= {str, int, float}


def test_only_committed_steps_of_a_live_trace(tmp_path):
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        events = SimpleNamespace(**random_arrays(np.random.default_rng(0), 1100, sizes))
        recorder.append(events, episode=0)
        with open_trace(tmp_path / "run.h5") as trace:
            assert trace.to_xarray(["read/slot"]).sizes["step"] == len(trace) == 1024


def test_an_empty_trace(tmp_path):
    recorder_for(tmp_path / "run.h5", make_dimensions()).close()
    with open_trace(tmp_path / "run.h5") as trace:
        assert trace.to_xarray().sizes["step"] == 0


@pytest.mark.parametrize(
    ("datasets", "more", "message"),
    [
        (["read/slots"], {}, "no column 'read/slots' here; it has episode"),
        ("read/slot", {}, r"expected a list of names, found 'read/slot'; put it in brackets"),
        (None, {"stop": 91}, "found start 0 and stop 91"),
        (
            ["read/slot"],
            {"max_bytes": 3599},
            r"at most 3,599 bytes \(max_bytes\), found 3,600, 2,880 of them",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(path, datasets, more, message):
    with open_trace(path) as trace, pytest.raises(ConfigError, match=message) as refused:
        trace.to_xarray(datasets, **more)
    assert len(str(refused.value).splitlines()) == 1


def test_a_dataset_without_steps_is_refused(tmp_path):
    recorder_for(tmp_path / "run.h5", make_dimensions(), weights=b"x").close()
    with open_trace(tmp_path / "run.h5") as trace:
        assert "model_weights" not in trace.to_xarray()
        with pytest.raises(ConfigError, match="expected names with a step axis, found 'model/weights'"):
            trace.to_xarray(["model/weights"])


def test_the_size_that_is_refused_is_the_size_it_has(path):
    with open_trace(path) as trace:
        held = trace.to_xarray(["read/slot"], max_bytes=3600)
        assert held["read_slot"].nbytes + held["episode"].nbytes == 3600


@pytest.mark.parametrize(("name", "value"), [("link/forward_slot", 12), ("write/weight", np.nan)])
def test_a_damaged_trace_is_refused(path, name, value):
    with h5py.File(path, "r+") as file:
        file[name][66, 1, 0, 0] = value
    with open_trace(path) as trace:
        assert trace.to_xarray(stop=66)
        with pytest.raises(TraceError, match=f"/{name} step 66: expected"):
            trace.to_xarray()
