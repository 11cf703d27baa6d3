"""Parquet and CSV files of a trace: the same rows, whole or not at all."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from samviz.errors import ConfigError, TraceError
from samviz.trace import open_trace
from samviz.trace.tables import trace_table as tables
from samviz.trace.tables.export import Exported, export_table
from samviz.writer_lock import WriterLock, lock_path
from tests.builders import make_dimensions, random_arrays, recorder_for

TABLES = ["accesses", "steps"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """200 steps with a loss that is not always known."""
    sizes = make_dimensions(input_size=1, output_size=1)
    rng = np.random.default_rng(0)
    loss = np.where(rng.random((200, 1)) < 0.3, np.nan, rng.random((200, 1)))
    io = {name: rng.random((200, 1, 1)) for name in ("input", "output", "target")}
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        events = SimpleNamespace(**random_arrays(rng, 200, sizes))
        recorder.append(events, episode=0, loss=loss, **io)
    return tmp_path / "run.h5"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of 16 steps of accesses."""
    monkeypatch.setattr(tables, "BLOCK_ROWS", 16 * 2 * (1 + 3 + 2))


def read_csv(path: Path, schema: pa.Schema) -> pa.Table:
    types = {field.name: field.type for field in schema if field.name != "kind"}
    return pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=types))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("table", TABLES)
def test_parquet_csv_and_arrow_hold_the_same(path, tmp_path, table):
    with open_trace(path) as trace:
        wanted = trace.to_arrow(table, start=3, stop=177)
        for name in ("a.parquet", "a.csv"):
            done = export_table(trace, tmp_path / name, table, start=3, stop=177)
            assert done == Exported(174, wanted.num_rows)
    found = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert found.schema.equals(wanted.schema, check_metadata=True)
    assert found.equals(wanted)
    text = read_csv(tmp_path / "a.csv", wanted.schema)
    assert text.column_names == wanted.column_names
    for name in wanted.column_names:
        assert text[name].to_pylist() == wanted[name].to_pylist()  # to the last bit
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv", "a.parquet", "run.h5"]


@pytest.mark.usefixtures("small_blocks")
def test_parquet_is_compressed_in_row_groups_and_says_where_it_is_from(path, tmp_path):
    with open_trace(path) as trace:
        export_table(trace, tmp_path / "a.parquet")
        uuid = trace.uuid
    file = pyarrow.parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.num_row_groups == 13
    group = file.metadata.row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}
    assert file.schema_arrow.field("kind").type == pa.dictionary(pa.int8(), pa.string())
    assert file.schema_arrow.metadata[b"samviz.uuid"] == uuid.encode()
    assert file.schema_arrow.metadata[b"samviz.slots"] == b"12"
    assert file.schema_arrow.metadata[b"samviz.access_threshold"] == b"0.005"


def test_other_tools_read_it(path, tmp_path):
    with open_trace(path) as trace:
        export_table(trace, tmp_path / "a.parquet")
        export_table(trace, tmp_path / "a.csv")
        export_table(trace, tmp_path / "s.parquet", "steps")
        frame, steps = trace.to_pandas(), trace.to_pandas("steps")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a.parquet"), frame)
    wanted = sorted(frame.groupby("kind", observed=True)["weight"].agg(["size", "min"]).itertuples(name=None))
    with duckdb.connect() as db:
        for name in ("a.parquet", "a.csv"):
            asked = f"SELECT kind, count(*), min(weight)::FLOAT FROM '{tmp_path / name}' GROUP BY kind"
            assert sorted(db.sql(asked).fetchall()) == wanted
        (mean,) = db.sql(f"SELECT avg(loss) FROM '{tmp_path / 's.parquet'}'").fetchall()[0]
    assert mean == pytest.approx(steps["loss"].mean())  # the unknown ones are null, not NaN


def test_an_empty_range_is_a_table_without_rows(path, tmp_path):
    with open_trace(path) as trace:
        for name in ("a.parquet", "a.csv"):
            assert export_table(trace, tmp_path / name, stop=0) == Exported(0, 0)
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet").num_rows == 0
    header = (tmp_path / "a.csv").read_text().strip()
    assert json.loads(f"[{header}]") == ["step", "episode", "head", "kind", "slot", "weight", "batch"]


@pytest.mark.usefixtures("small_blocks")
def test_progress_adds_up_to_the_steps(path, tmp_path):
    told = []
    with open_trace(path) as trace:
        export_table(trace, tmp_path / "a.parquet", start=10, stop=120, report=told.append)
    assert sum(told) == 110
    assert max(told) == 16


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_stopped_export_leaves_what_was_there(path, tmp_path, name):
    (tmp_path / name).write_text("before")
    told = []
    with open_trace(path) as trace:
        done = export_table(
            trace, tmp_path / name, overwrite=True, report=told.append, stopped=lambda: len(told) == 3
        )
    assert done.steps == 48
    assert (tmp_path / name).read_text() == "before"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [name, "run.h5"]


def test_a_stop_after_the_last_block_comes_too_late(path, tmp_path):
    with open_trace(path) as trace:
        assert export_table(trace, tmp_path / "a.csv", stopped=lambda: True).steps == 200
    assert (tmp_path / "a.csv").exists()


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_failure_leaves_no_file(path, tmp_path, name, error):
    def fail(_: int) -> None:
        raise error

    expected = KeyboardInterrupt if error is KeyboardInterrupt else TraceError
    with open_trace(path) as trace, pytest.raises(expected) as failed:
        export_table(trace, tmp_path / name, report=fail)
    if expected is TraceError:
        wanted = f"{tmp_path / name}: cannot be written (No space left on device); "
        assert str(failed.value).startswith(wanted)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_disk_that_is_full_is_one_line(path, tmp_path, name, monkeypatch):
    opened = Path.open
    full = {"wb": lambda _: opened(Path("/dev/full"), "wb", 0)}
    monkeypatch.setattr(Path, "open", lambda self, mode: full.get(mode, lambda it: opened(it, mode))(self))
    with (
        open_trace(path) as trace,
        pytest.raises(TraceError, match=r"cannot be written \(.*No space left on device"),
    ):
        export_table(trace, tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]


def test_damage_leaves_no_file(path, tmp_path):
    with h5py.File(path, "r+") as file:
        file["read/slot"][150, 0, 0, 0] = 99
    with open_trace(path) as trace, pytest.raises(TraceError, match="/read/slot step 150"):
        export_table(trace, tmp_path / "a.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]


def test_what_a_killed_export_left_is_no_obstacle_and_nothing_else_is_removed(path, tmp_path):
    (tmp_path / "a.csv.part").write_text("half")
    with open_trace(path) as trace:
        with pytest.raises(TraceError, match=r"a\.csv\.part: expected no such file or what a killed process"):
            export_table(trace, tmp_path / "a.csv")
        assert (tmp_path / "a.csv.part").read_text() == "half"
        assert not (tmp_path / "a.csv").exists()
        lock_path(tmp_path / "a.csv").write_text("")
        export_table(trace, tmp_path / "a.csv")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv", "run.h5"]


def test_two_exports_to_one_file_do_not_meet(path, tmp_path):
    lock = WriterLock(tmp_path / "a.csv")
    try:
        with (
            open_trace(path) as trace,
            pytest.raises(TraceError, match="found one that is being written; wait"),
        ):
            export_table(trace, tmp_path / "a.csv")
    finally:
        lock.release()


def test_a_file_that_exists_is_replaced_only_when_told(path, tmp_path):
    (tmp_path / "a.csv").write_text("before")
    with open_trace(path) as trace:
        with pytest.raises(TraceError, match=r"found one that exists; .* --overwrite"):
            export_table(trace, tmp_path / "a.csv")
        assert (tmp_path / "a.csv").read_text() == "before"
        export_table(trace, tmp_path / "a.csv", overwrite=True)
    assert (tmp_path / "a.csv").read_text().startswith('"step"')


def test_the_trace_itself_is_never_replaced(path, tmp_path):
    odd = path.rename(tmp_path / "odd.csv")
    before = odd.read_bytes()
    (tmp_path / "link.csv").symlink_to(odd)
    with open_trace(odd) as trace:
        for name in ("odd.csv", "link.csv"):
            with pytest.raises(TraceError, match="found the trace itself"):
                export_table(trace, tmp_path / name, overwrite=True)
    assert odd.read_bytes() == before


def test_nor_is_a_trace_that_bears_the_name_under_which_the_table_is_made(path, tmp_path):
    for ending in (".part", ".lock"):
        odd = path.rename(tmp_path / f"a.csv{ending}")
        before = odd.read_bytes()
        with (
            open_trace(odd) as trace,
            pytest.raises(TraceError, match="under which the new file would be made"),
        ):
            export_table(trace, tmp_path / "a.csv")
        assert [entry.name for entry in tmp_path.iterdir()] == [odd.name]
        assert odd.read_bytes() == before
        path = odd


@pytest.mark.usefixtures("small_blocks")
def test_a_file_that_comes_meanwhile_stays(path, tmp_path):
    with open_trace(path) as trace, pytest.raises(TraceError, match="found one that exists"):
        export_table(trace, tmp_path / "a.csv", report=lambda _: (tmp_path / "a.csv").write_text("mine"))
    assert (tmp_path / "a.csv").read_text() == "mine"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.csv", "run.h5"]


def test_a_link_is_written_through(path, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "real.csv").write_text("old")
    (tmp_path / "a.csv").symlink_to(tmp_path / "folder" / "real.csv")
    with open_trace(path) as trace:
        export_table(trace, tmp_path / "a.csv", overwrite=True)
    assert (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "folder" / "real.csv").read_text().startswith('"step"')
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["real.csv"]


@pytest.mark.parametrize("missing", ["pyarrow", "pyarrow.parquet"])
def test_without_pyarrow_it_says_what_to_install(path, tmp_path, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with open_trace(path) as trace, pytest.raises(ConfigError, match=r'needs pyarrow.*"samviz\[tables\]"'):
        export_table(trace, tmp_path / "a.parquet")
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.h5"]
