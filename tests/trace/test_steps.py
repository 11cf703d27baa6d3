from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.trace import open_trace
from samviz.trace.steps import read_steps


@pytest.mark.parametrize("name", ["usage/read", "usage/write"])
@pytest.mark.parametrize(
    ("value", "lawful"), [(-1, True), (0, True), (49, True), (-2, False), (50, False), (90, False)]
)
def test_a_step_names_earlier_ones_only(trace_path: Path, name: str, value: int, lawful: bool):
    with h5py.File(trace_path, "r+") as file:
        file[name][:] = -1
        file[name][50, 0, 1, 0] = value
    with open_trace(trace_path) as trace:
        if lawful:
            values = read_steps(trace_path, trace[name], 45, 60, 0)
            np.testing.assert_array_equal(values, trace[name][45:60, 0])
            return
        said = f"/{name} step 50: expected an earlier step, at most 49, or -1, found {value}"
        with pytest.raises(TraceError, match=said):
            read_steps(trace_path, trace[name], 45, 60, 0)
        assert len(read_steps(trace_path, trace[name], 51, 60, 0)) == 9


def test_steps_before_the_recording_may_be_named_where_they_are_known(trace_path: Path):
    with h5py.File(trace_path, "r+") as file:
        file["usage/read"][:] = -7
    with open_trace(trace_path) as trace:
        assert (read_steps(trace_path, trace["usage/read"], 0, 9, 0, before=True) == -7).all()
