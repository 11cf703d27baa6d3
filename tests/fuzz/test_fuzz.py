"""A short run of `make fuzz`, and that it would see what it is there to see."""

import os
import signal
import time
from pathlib import Path

import pytest

from samviz.errors import TraceError
from tests.fuzz.__main__ import BAD, fuzz
from tests.fuzz.making import Maker, odd_file
from tests.fuzz.pool import Job, read_all
from tests.fuzz.reading import answers, any_outcome, compared
from tests.fuzz.traces import make_traces


@pytest.fixture(scope="module")
def traces(tmp_path_factory) -> dict[str, Path]:
    return make_traces(tmp_path_factory.mktemp("whole"))


def test_odd_files_end_in_answers_or_clear_errors(tmp_path, capfd):
    counts = fuzz(60, 20, tmp_path / "kept", most=80)
    assert counts.total() == 80
    assert not any(counts[kind] for kind in BAD), capfd.readouterr().err
    assert counts["error"]
    assert counts["equal"]


def test_the_traces_are_sound_and_the_same_odd_file_comes_of_the_same_seed(traces, tmp_path):
    for path in traces.values():
        assert any_outcome(path).kind == "equal"
    done = [odd_file(tmp_path / name, traces["sam"], 3, 8) for name in ("a.h5", "b.h5")]
    assert done[0] == done[1]


def test_a_maker_that_crashes_is_told_and_replaced(traces, tmp_path):
    with Maker() as maker:
        assert maker.make(Unpicklable(tmp_path / "a.h5"), traces["sam"], 3, 8) == "the maker crashed"
        done = maker.make(tmp_path / "b.h5", traces["sam"], 3, 8)
    assert done == odd_file(tmp_path / "c.h5", traces["sam"], 3, 8)
    assert (tmp_path / "b.h5").exists()


def test_a_wrong_value_is_seen(traces, tmp_path):
    whole = answers(traces["sam"])
    name = "read/weight"
    changed = whole.told[name].copy()
    changed[5, 0, 0, 0] += 1
    told = whole._replace(told=whole.told | {name: changed})
    assert compared(traces["sam"], told, [0]).kind == "wrong"
    assert compared(traces["sam"], whole, [0]).kind == "equal"


def crash(path: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


@pytest.mark.parametrize(("act", "kind"), [("crash", "crash"), ("hang", "hang"), ("raise", "traceback")])
def test_a_child_that_fails_is_told_and_replaced(traces, tmp_path, act, kind):
    """A FIFO in the place of the undamaged trace hangs a child, a bad job kills it."""
    sound = Job("sound", traces["sam"])
    bad = {
        "crash": Job("bad", Unpicklable(traces["sam"])),
        "hang": Job("bad", Slow(traces["sam"])),
        "raise": Job("bad", traces["sam"], tmp_path / "nothing there"),
    }[act]
    outcomes = {job.name: outcome.kind for job, outcome in read_all([bad, sound], children=1, limit_s=1.0)}
    assert outcomes == {"bad": kind, "sound": "equal"}


class Unpicklable(type(Path())):
    """A path that kills whoever receives it."""

    def __reduce__(self):
        return crash, (str(self),)


class Slow(type(Path())):
    """A path that makes whoever receives it wait."""

    def __reduce__(self):
        return time.sleep, (60,)


def test_an_error_that_is_no_clear_line_is_no_error():
    from tests.fuzz.reading import check_message

    with pytest.raises(AssertionError):
        check_message(TraceError("two\nlines; of it"))
