"""`samviz export` as it is typed."""

import os
import signal
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet
import pytest

import samviz
from samviz import cli
from samviz.trace.tables import trace_table as tables
from tests.builders import make_dimensions, random_arrays, recorder_for


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of `samviz export`."""
    with pytest.raises(SystemExit) as left:
        cli.main(["export", *map(str, arguments)])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a trace run.h5 of 90 steps, to work in."""
    monkeypatch.chdir(tmp_path)
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        events = SimpleNamespace(**random_arrays(np.random.default_rng(0), 90, sizes))
        recorder.append(events, episode=0)
    return tmp_path


def test_a_table_of_each_kind(here, capsys):
    code, out, err = run("run.h5", "--to", "deep/er/a.parquet", capsys=capsys)
    with samviz.open("run.h5") as trace:
        wanted = trace.to_arrow()
    assert (code, err) == (0, "")
    assert out == f"exported {wanted.num_rows:,} rows (accesses of 90 steps) to deep/er/a.parquet\n"
    assert pyarrow.parquet.read_table("deep/er/a.parquet").equals(wanted)
    assert run("run.h5", "--to", "s.csv", "--table", "steps", capsys=capsys)[0] == 0
    assert len((here / "s.csv").read_text().splitlines()) == 91


@pytest.mark.parametrize(
    ("typed", "steps"), [("5:9", range(5, 9)), ("80:", range(80, 90)), (":3", range(3)), (":", range(90))]
)
@pytest.mark.usefixtures("here")
def test_a_range_of_steps(typed, steps, capsys):
    assert run("run.h5", "--to", "a.parquet", "--steps", typed, capsys=capsys)[0] == 0
    assert set(pyarrow.parquet.read_table("a.parquet")["step"].to_pylist()) == set(steps)


@pytest.mark.usefixtures("here")
def test_a_smallest_weight(capsys):
    assert run("run.h5", "--to", "a.parquet", "--min-weight", "0.25", capsys=capsys)[0] == 0
    assert min(pyarrow.parquet.read_table("a.parquet")["weight"].to_pylist()) >= 0.25


@pytest.mark.usefixtures("here")
def test_overwrite_replaces_the_file(capsys):
    for more, expected in (((), 0), ((), 2), (("--overwrite", "--steps", ":2"), 0)):
        assert run("run.h5", "--to", "a.parquet", *more, capsys=capsys)[0] == expected
    assert max(pyarrow.parquet.read_table("a.parquet")["step"].to_pylist()) == 1


BAD = {
    "no trace": (["nowhere.h5", "--to", "a.csv"], "nowhere.h5"),
    "text": (["text.h5", "--to", "a.csv"], "signature: expected an HDF5 file"),
    "no file": (["run.h5"], "--to"),
    "another ending": (["run.h5", "--to", "a.xlsx"], "ending in .parquet or .csv, found .xlsx"),
    "no ending": (["run.h5", "--to", "parquet"], "ending in .parquet or .csv, found no ending"),
    "a folder": (["run.h5", "--to", "folder.csv"], "found a folder"),
    "a device": (["run.h5", "--to", "pipe.csv"], "found a device or FIFO"),
    "a file that exists": (["run.h5", "--to", "there.csv"], "--overwrite"),
    "a folder that is a file": (["run.h5", "--to", "text.h5/a.csv"], "/text.h5 is none; choose another"),
    "a name too long": (
        ["run.h5", "--to", "a" * 300 + ".csv"],
        "cannot be created (File name too long); choose another name",
    ),
    "no range": (["run.h5", "--to", "a.csv", "--steps", "5-9"], "expected a range such as 100:200"),
    "negative steps": (["run.h5", "--to", "a.csv", "--steps", "-5:9"], "expected a range such as 100:200"),
    "digits without end": (
        ["run.h5", "--to", "a.csv", "--steps", "9" * 5000 + ":"],
        "expected a range such as",
    ),
    "steps that are not there": (["run.h5", "--to", "a.csv", "--steps", ":91"], "the trace holds 90 steps"),
    "steps upside down": (["run.h5", "--to", "a.csv", "--steps", "9:5"], "found start 9 and stop 5"),
    "another table": (["run.h5", "--to", "a.csv", "--table", "reads"], "reads"),
    "weights of steps": (
        ["run.h5", "--to", "a.csv", "--table", "steps", "--min-weight", "1"],
        '"steps" has no weights',
    ),
    "a weight that none can be": (
        ["run.h5", "--to", "a.csv", "--min-weight", "1e60"],
        "found 1e+60; weights are numbers of 4 bytes",
    ),
    "no weight": (["run.h5", "--to", "a.csv", "--min-weight", "nan"], "expected a finite number"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_input_is_one_line_and_exit_code_2(case, here, capsys):
    (here / "folder.csv").mkdir()
    (here / "text.h5").write_text("not a trace")
    (here / "there.csv").write_text("before")
    os.mkfifo(here / "pipe.csv")
    before = sorted(here.rglob("*"))
    arguments, expected = BAD[case]
    code, out, err = run(*arguments, capsys=capsys)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("samviz: ")
    assert expected in err
    assert sorted(here.rglob("*")) == before
    assert (here / "there.csv").read_text() == "before"


@pytest.mark.parametrize(
    ("signals", "said"),
    [
        ([signal.SIGINT], "samviz: stopped after step 48 of 90; nothing was written"),
        ([signal.SIGTERM], "samviz: stopped after step 48 of 90; nothing was written"),
        ([signal.SIGINT, signal.SIGINT], "samviz: stopped"),
    ],
)
def test_a_stopped_export_leaves_no_file(signals, said, here, capsys, monkeypatch):
    monkeypatch.setattr(tables, "BLOCK_ROWS", 16 * 2 * (1 + 3 + 2))
    build = tables.TraceTable.record_batch

    def interrupted(self: tables.TraceTable, start: int, stop: int) -> object:
        if start == 32:
            for number in signals:
                os.kill(os.getpid(), number)
        return build(self, start, stop)

    monkeypatch.setattr(tables.TraceTable, "record_batch", interrupted)
    before = signal.getsignal(signal.SIGINT)
    code, out, err = run("run.h5", "--to", "a.parquet", capsys=capsys)
    assert (code, out, err.strip()) == (130, "", said)
    assert [entry.name for entry in here.iterdir()] == ["run.h5"]
    assert signal.getsignal(signal.SIGINT) is before
