"""Tables of a trace: the accesses and the numbers of each step, against plain loops over h5py."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import ConfigError, TraceError
from samviz.recorder.fields import UNGATED_COLUMNS
from samviz.trace import open_trace
from samviz.trace.tables import trace_table as tables
from tests.builders import make_dimensions, random_arrays, recorder_for

COLUMNS = ["step", "episode", "head", "kind", "slot", "weight", "batch"]


def record(path: Path, steps: int, **sizes: int) -> Path:
    """A trace in three episodes of random accesses, losses (some unknown), masks and gates."""
    shape = make_dimensions(**{"input_size": 2, "output_size": 1} | sizes)
    rng = np.random.default_rng(steps)
    lead = (steps, shape.batch)
    told = {name: rng.random((*lead, size)) for name, size in (("input", 2), ("output", 1), ("target", 1))}
    told |= {
        "mask": rng.random(lead) < 0.5,
        "loss": np.where(rng.random(lead) < 0.3, np.nan, rng.random(lead)),
    }
    arrays = random_arrays(rng, steps, shape)
    gates = ("alpha", "gamma", "beta", "mode") if shape.links else ("alpha", "gamma", "beta")
    with recorder_for(path, shape, columns=(*UNGATED_COLUMNS, *gates), training=True) as recorder:
        for episode, part in enumerate(np.array_split(np.arange(steps), 3)):
            cut = {name: values[part] for name, values in arrays.items()}
            io = {name: values[part] for name, values in told.items()}
            told_of = {"first_step": recorder.n_steps, "train_step": 7 * episode}
            recorder.append(SimpleNamespace(**cut), episode=episode, **told_of, **io)
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """70 steps of two batch elements of an SDNC."""
    return record(tmp_path / "two.h5", 70, batch=2, links=3)


def loop_over(path: Path) -> list[tuple[object, ...]]:
    """All accesses, entry by entry, with h5py alone."""
    rows: list[tuple[object, ...]] = []
    with h5py.File(path) as file:
        n, B, H = file["read/slot"].shape[:3]
        read, write = (file[f"{kind}/slot"][:] for kind in ("read", "write"))
        weight = {kind: file[f"{kind}/weight"][:] for kind in ("read", "write")}
        episode = file["episode"][:]
        for t, b in np.ndindex(n, B):
            start = t, int(episode[t, b])
            if file.attrs["last_write_erases"]:
                rows += [(*start, h, "erase", int(write[t, b, h, -1]), 1.0, b) for h in range(H)]
            for kind, slot in (("write", write), ("read", read)):
                for h, e in np.ndindex(slot.shape[2:]):
                    rows.append((*start, h, kind, int(slot[t, b, h, e]), float(weight[kind][t, b, h, e]), b))
    return [row for row in rows if row[4] != -1]


def test_accesses_are_what_a_plain_loop_finds(two):
    with open_trace(two) as trace:
        table = trace.to_arrow()
    assert table.column_names == COLUMNS
    assert list(zip(*(table[name].to_pylist() for name in COLUMNS), strict=True)) == loop_over(two)


def test_pandas_says_the_same_with_a_categorical_kind(two):
    with open_trace(two) as trace:
        frame = trace.to_pandas()
    assert list(frame.columns) == COLUMNS
    assert isinstance(frame["kind"].dtype, pd.CategoricalDtype)
    assert list(frame["kind"].cat.categories) == ["read", "write", "erase"]
    assert [str(dtype) for dtype in frame.drop(columns="kind").dtypes] == [
        "int64", "int32", "int32", "int32", "float32", "int32",
    ]  # fmt: skip
    assert list(frame.itertuples(index=False, name=None)) == loop_over(two)


def test_every_used_entry_is_one_row_and_every_erasure_one_more(two):
    with open_trace(two) as trace:
        frame = trace.to_pandas()
        read, write = trace["read/slot"][:], trace["write/slot"][:]
    counts = frame["kind"].value_counts()
    assert counts["read"] == (read >= 0).sum()
    assert counts["write"] == (write >= 0).sum()
    assert counts["erase"] == (write[..., -1] >= 0).sum()
    assert (frame["weight"][frame["kind"] == "erase"] == 1).all()


def test_a_model_that_erases_nothing_has_no_such_rows(tmp_path):
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes, last_write_erases=False) as recorder:
        arrays = random_arrays(np.random.default_rng(0), 20, sizes)
        recorder.append(SimpleNamespace(**arrays), episode=0)
    with open_trace(tmp_path / "run.h5") as trace:
        assert set(trace.to_pandas()["kind"]) == {"read", "write"}
        assert trace.to_arrow().schema.metadata[b"samviz.last_write_erases"] == b"0"


def test_a_row_of_a_step_says_what_the_trace_holds_one_number_of(two):
    with open_trace(two) as trace:
        table, frame = trace.to_arrow("steps"), trace.to_pandas("steps")
        assert table.num_rows == 2 * len(trace)
        for b in range(2):
            mine = frame[frame["batch"] == b]
            np.testing.assert_array_equal(mine["step"], np.arange(len(trace)))
            np.testing.assert_array_equal(mine["episode"], trace["episode"][:, b])
            np.testing.assert_array_equal(mine["loss"], trace["io/loss"][:, b])
            np.testing.assert_array_equal(mine["mask"], trace["io/mask"][:, b] == 1)
            np.testing.assert_array_equal(mine["train_step"], 7 * trace["episode"][:, b])
            for h in range(2):
                for gate in ("alpha", "gamma", "beta"):
                    np.testing.assert_array_equal(mine[f"{gate}_{h}"], trace[f"gate/{gate}"][:, b, h])
                for i, mode in enumerate(("backward", "content", "forward")):
                    np.testing.assert_array_equal(mine[f"mode_{mode}_{h}"], trace["gate/mode"][:, b, h, i])
        assert table["loss"].null_count == np.isnan(trace["io/loss"][:]).sum() > 0
    assert table.column_names[:5] == ["step", "episode", "loss", "mask", "train_step"]
    assert table.column_names[-1] == "batch"


def test_a_trace_without_io_and_gates_has_a_short_table_of_steps(tmp_path):
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes, columns=UNGATED_COLUMNS) as recorder:
        arrays = random_arrays(np.random.default_rng(0), 5, sizes)
        recorder.append(SimpleNamespace(**arrays), episode=0)
    with open_trace(tmp_path / "run.h5") as trace:
        assert trace.to_arrow("steps").column_names == ["step", "episode", "batch"]


@pytest.mark.parametrize("table", ["accesses", "steps"])
def test_an_empty_trace_and_an_empty_range_have_the_same_columns(tmp_path, two, table):
    record(tmp_path / "none.h5", 0, batch=2, links=3)
    with open_trace(tmp_path / "none.h5") as empty, open_trace(two) as full:
        wanted = full.to_arrow(table)
        for found in (empty.to_arrow(table), full.to_arrow(table, start=9, stop=9)):
            assert found.num_rows == 0
            assert found.schema.equals(wanted.schema)
        assert list(empty.to_batches(table)) == []
        frame = empty.to_pandas(table)
        assert list(frame.columns) == wanted.column_names
        assert list(frame.dtypes) == list(full.to_pandas(table).dtypes)


@settings(deadline=None, max_examples=25)
@given(
    cuts=st.lists(st.integers(0, 70), max_size=4),
    table=st.sampled_from(["accesses", "steps"]),
    rows=st.sampled_from([1, 50, 300, tables.BLOCK_ROWS]),
)
def test_ranges_of_steps_put_together_are_the_whole(tmp_path_factory, cuts, table, rows):
    path = tmp_path_factory.getbasetemp() / "whole.h5"
    if not path.exists():
        record(path, 70, batch=2, links=3)
    with open_trace(path) as trace, pytest.MonkeyPatch.context() as patch:
        whole = trace.to_arrow(table)
        patch.setattr(tables, "BLOCK_ROWS", rows)
        bounds = [0, *sorted(cuts), 70]
        parts = [trace.to_arrow(table, start=a, stop=b) for a, b in pairwise(bounds)]
    assert pa.concat_tables(part.replace_schema_metadata() for part in parts).equals(whole)


def test_batch_elements_are_told_apart(two):
    with open_trace(two) as trace:
        both = trace.to_pandas()
        for b in range(2):
            mine = both[both["batch"] == b].reset_index(drop=True)
            pd.testing.assert_frame_equal(trace.to_pandas(batch=b), mine)


def test_a_smallest_weight_leaves_weaker_accesses_out(two):
    with open_trace(two) as trace:
        every, strong = trace.to_pandas(), trace.to_pandas(min_weight=0.005)
    assert 0 < len(strong) < len(every)
    pd.testing.assert_frame_equal(strong, every[every["weight"] >= np.float32(0.005)].reset_index(drop=True))


def test_batches_are_bounded_however_long_the_trace_is(tmp_path, monkeypatch):
    path = record(tmp_path / "long.h5", 3000)
    rows_a_step = 2 * (1 + 3 + 2)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 512)
    with open_trace(path) as trace:
        seen = []
        read = type(trace["episode"])._read
        monkeypatch.setattr(
            "samviz.trace.hdf5.column.Column._read",
            lambda self, steps, box: seen.append(steps.stop - steps.start) or read(self, steps, box),
        )
        batches = trace.to_batches()
        assert next(batches).num_rows <= 512
        assert max(seen) <= 512 // rows_a_step  # nothing was read ahead
        sizes = [batch.num_rows for batch in batches]
    assert max(sizes) <= 512
    assert len(sizes) > 80


def test_blocks_of_a_long_trace_keep_to_its_chunks(two):
    with open_trace(two) as trace:
        trace._n_steps = 300_000
        blocks = list(tables.TraceTable(trace, start=100).blocks())
    lengths = {stop - start for start, stop in blocks[1:-1]}
    assert len(lengths) == 1
    (length,) = lengths
    assert length % 64 == 0
    assert 2 * 2 * (1 + 3 + 2) * length <= tables.BLOCK_ROWS
    assert blocks[0] == (100, length)
    assert blocks[-1][1] == 300_000
    assert all(a[1] == b[0] for a, b in pairwise(blocks))


def test_a_step_of_more_rows_than_a_block_is_a_block(two, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_ROWS", 5)
    with open_trace(two) as trace:
        assert list(tables.TraceTable(trace, stop=3).blocks()) == [(0, 1), (1, 2), (2, 3)]


def test_a_table_too_large_for_memory_is_refused(two, monkeypatch):
    monkeypatch.setattr(tables, "TABLE_BYTES", 10_000)
    monkeypatch.setattr(tables, "BLOCK_ROWS", 256)
    with open_trace(two) as trace:
        assert trace.to_arrow(stop=5).num_rows > 0
        with pytest.raises(ConfigError, match=r"at most 10,000 bytes, .* at step \d+; .*samviz export"):
            trace.to_arrow()


def test_a_live_trace_gives_its_committed_steps(tmp_path):
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        arrays = random_arrays(np.random.default_rng(0), 1100, sizes)
        recorder.append(SimpleNamespace(**arrays), episode=0)
        with open_trace(tmp_path / "run.h5") as trace:
            assert trace.status == "recording"
            live = trace.to_pandas()
            assert live["step"].max() == len(trace) - 1 == 1023
    with open_trace(tmp_path / "run.h5") as trace:
        pd.testing.assert_frame_equal(trace.to_pandas(stop=1024), live)


def test_a_table_says_which_trace_it_is_made_of(two):
    with open_trace(two) as trace:
        metadata = trace.to_arrow("steps", start=3, stop=9).schema.metadata
        assert metadata == {
            b"samviz.table": b"steps",
            b"samviz.steps": b"3:9",
            b"samviz.uuid": trace.uuid.encode(),
            b"samviz.slots": b"12",
            b"samviz.access_threshold": b"0.005",
            b"samviz.last_write_erases": b"1",
        }


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"table": "reads"}, 'table: expected "accesses" or "steps", found \'reads\''),
        ({"start": -1}, "0 <= start <= stop <= 70, found start -1 and stop 70"),
        ({"stop": 71}, "found start 0 and stop 71"),
        ({"start": 9, "stop": 3}, "found start 9 and stop 3"),
        ({"start": 1.5}, r"start: expected a whole number, found 1\.5"),
        ({"batch": 2}, "no batch element 2; the trace holds 2"),
        ({"batch": -1}, "no batch element -1"),
        ({"table": "steps", "min_weight": 0.1}, '"steps" has no weights'),
        ({"min_weight": float("nan")}, "min_weight: expected a finite number, found nan"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(two, asked, message):
    with open_trace(two) as trace:
        for ask in (trace.to_pandas, trace.to_arrow, trace.to_batches):
            with pytest.raises(ConfigError, match=message) as refused:
                ask(**asked)
            assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("read/slot", 12, "/read/slot step 66: expected slots from -1 to 11, found 12"),
        ("write/slot", -2, "/write/slot step 66: expected slots from -1 to 11, found -2"),
        ("write/weight", np.inf, "/write/weight step 66: expected finite weights, found inf"),
    ],
)
def test_a_damaged_trace_is_refused(two, name, value, message):
    with h5py.File(two, "r+") as file:
        file[name][66, 1, 0, 1] = value
    with open_trace(two) as trace:
        assert trace.to_arrow(stop=66).num_rows > 0
        with pytest.raises(TraceError, match=message):
            trace.to_arrow()


@pytest.mark.parametrize(
    ("missing", "method"),
    [
        ("pandas", "to_pandas"),
        ("pyarrow", "to_pandas"),
        ("pyarrow", "to_arrow"),
        ("pyarrow", "to_batches"),
        ("xarray", "to_xarray"),
    ],
)
def test_a_missing_library_is_named_with_what_to_install(two, monkeypatch, missing, method):
    monkeypatch.setitem(sys.modules, missing, None)
    with open_trace(two) as trace, pytest.raises(ConfigError) as refused:
        getattr(trace, method)()
    assert f"needs {missing}, which cannot be imported here" in str(refused.value)
    assert str(refused.value).endswith('pip install "samviz[tables]"')
    assert len(str(refused.value).splitlines()) == 1


def test_a_trace_needs_none_of_these_libraries(two):
    code = (
        "import sys; from samviz.trace import open_trace; "
        "from samviz.trace.tables import export, labelled, trace_table; "
        "trace = open_trace(sys.argv[1]); trace.memory(5); "
        "print(*{'pandas', 'pyarrow', 'xarray', 'torch'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, two], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []
