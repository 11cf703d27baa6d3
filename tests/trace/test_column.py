from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from samviz.errors import TraceError
from samviz.trace import open_trace
from tests.builders import make_dimensions, random_events, write_trace

STEPS, SHAPE = 90, (90, 2, 2, 2)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    sizes = make_dimensions(batch=2)
    events = random_events(np.random.default_rng(1), STEPS, sizes)
    path = write_trace(tmp_path_factory.mktemp("column") / "run.h5", events, sizes, chunk_steps=8)
    with open_trace(path) as trace:
        yield trace["read/weight"], events.read_weight.numpy()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=hnp.basic_indices(SHAPE, allow_newaxis=False))
def test_basic_indexing_is_numpys(recorded, key):
    column, array = recorded
    np.testing.assert_array_equal(column[key], array[key])


@settings(max_examples=50, deadline=None)
@given(steps=st.lists(st.integers(-STEPS, STEPS - 1)), element=st.integers(-2, 1))
def test_integer_arrays_are_numpys(recorded, steps, element):
    column, array = recorded
    steps = np.array(steps, int)
    np.testing.assert_array_equal(column[steps], array[steps])
    np.testing.assert_array_equal(column[steps, element], array[steps, element])
    np.testing.assert_array_equal(column[steps, :, ::-1, 1:], array[steps, :, ::-1, 1:])


@settings(max_examples=20, deadline=None)
@given(mask=hnp.arrays(bool, STEPS))
def test_masks_are_numpys(recorded, mask):
    column, array = recorded
    np.testing.assert_array_equal(column[mask], array[mask])


def test_an_index_array_may_have_any_shape(recorded):
    column, array = recorded
    steps = np.array([[5, 1], [88, 1]])
    np.testing.assert_array_equal(column[steps], array[steps])
    np.testing.assert_array_equal(column[3:9, [1, 0], :, [0, 1]], array[3:9, [1, 0], :, [0, 1]])


def test_scattered_rows_come_in_reads_of_bounded_size(recorded, monkeypatch):
    column, array = recorded
    monkeypatch.setattr("samviz.trace.hdf5.column.READ_BYTES", 600)
    steps = np.array([0, 7, 8, 30, 31, 32, 33, 60, 89])
    np.testing.assert_array_equal(column[steps], array[steps])


@pytest.mark.parametrize(
    "key",
    [
        STEPS,
        -STEPS - 1,
        (0, 2),
        [STEPS],
        [-STEPS - 1],
        np.ones(3, bool),
        (0,) * 5,
        (None, 0),
        [0.5],
        (..., ...),
    ],
)
def test_what_numpy_refuses_is_refused(recorded, key):
    with pytest.raises(IndexError):
        recorded[0][key]


def test_shape_dtype_and_conversion(recorded):
    column, array = recorded
    assert (column.name, column.shape, column.dtype, len(column)) == (
        "read/weight",
        SHAPE,
        array.dtype,
        STEPS,
    )
    np.testing.assert_array_equal(np.asarray(column), array)
    assert repr(column) == "<Column read/weight float32 [90, 2, 2, 2]>"


def test_steps_beyond_the_commit_are_not_shown(trace_path: Path):
    import h5py

    with h5py.File(trace_path, "r+") as file:
        file["n_steps"][0] = 70
        file["status"][0] = 0
    with open_trace(trace_path) as trace:
        assert len(trace) == 70
        assert trace["read/slot"].shape[0] == 70
        assert trace["read/slot"][60:1000].shape[0] == 10
        assert trace.episodes[-1].stop == 70
        with pytest.raises(IndexError):
            trace["read/slot"][70]


def test_a_flipped_bit_is_an_error_that_names_the_column_and_the_steps(trace_path: Path):
    with open_trace(trace_path) as trace:
        where = trace["write/row"]._open().id.get_chunk_info(0).byte_offset
    data = bytearray(trace_path.read_bytes())
    data[where + 20] ^= 1
    trace_path.write_bytes(data)
    with open_trace(trace_path) as trace:
        with pytest.raises(TraceError, match=r"run\.h5: /write/row: steps 0 to 15 cannot be read .*checksum"):
            trace["write/row"][0:16]
        assert trace["write/row"][16:32].shape[0] == 16


def test_reading_a_closed_trace_says_so(trace_path: Path):
    trace = open_trace(trace_path)
    column = trace["read/slot"]
    trace.close()
    with pytest.raises(TraceError, match="the trace was closed"):
        column[0]
