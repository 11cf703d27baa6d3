"""A trace while it is written, and after its writer was killed."""

import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.recorder import file
from samviz.trace import Trace, open_trace
from samviz.trace.schema import EVENTS
from samviz.verify.rows import row_check
from tests.builders import make_dimensions, random_events, recorder_for
from tests.recorder.writer import EPISODE_WINDOWS, WINDOW, window_arrays

ROOT = Path(__file__).parents[2]


def start_writer(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.recorder.writer", path], cwd=ROOT)


def wait_for(path: Path, steps: int) -> Trace:
    """The trace, opened live, once it holds that many steps."""
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        if path.exists():
            trace = open_trace(path)
            if len(trace) >= steps:
                return trace
            trace.close()
        time.sleep(0.02)
    raise TimeoutError(f"no {steps} steps in 20 s")


def check_right(trace: Trace) -> None:
    """Every committed step is what the writer was given, and the memory follows from it."""
    windows = [window_arrays(number) for number in range(-(-len(trace) // WINDOW))]
    for field, name in EVENTS.items():
        if name.startswith("usage/"):
            continue
        expected = np.concatenate([arrays[field] for arrays in windows])[: len(trace)]
        np.testing.assert_array_equal(trace[name][:], expected, err_msg=name)
    number = np.arange(len(trace)) // (WINDOW * EPISODE_WINDOWS)
    np.testing.assert_array_equal(trace["episode"][:, 0], number)
    assert trace.memory(len(trace) - 1).any()
    steps = trace["check/step"][:]
    # one check every 300 steps, the first after 100: those of committed steps are there, no other
    assert steps.tolist() == list(range(WINDOW - 1, len(trace), 3 * WINDOW))
    checked = row_check(trace)
    assert checked.outcome == ("passed" if len(steps) else "skipped"), checked.detail


@pytest.mark.parametrize("delay", [0.0, 0.13, 0.31])
def test_what_a_killed_writer_committed_is_there_and_right(tmp_path, delay):
    path = tmp_path / "run.h5"
    writer = start_writer(path)
    try:
        wait_for(path, 1).close()
        time.sleep(delay)
    finally:
        writer.kill()
        writer.wait()
    with open_trace(path) as trace:
        assert trace.status == "recording"
        assert len(trace) >= 1024
        check_right(trace)


def test_a_live_trace_grows_and_what_was_read_stays(tmp_path):
    path = tmp_path / "run.h5"
    writer = start_writer(path)
    try:
        with wait_for(path, 1) as early, wait_for(path, len(early) + 2000) as late:
            seen = early["write/row"][:]
            assert len(late) > len(early) == len(seen)
            np.testing.assert_array_equal(late["write/row"][: len(early)], seen)
            check_right(early)
            assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()


def test_steps_show_after_1024_or_after_a_second_with_a_whole_chunk(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(file.time, "monotonic", lambda: now[0])
    path, sizes = tmp_path / "run.h5", make_dimensions()
    events = random_events(np.random.default_rng(0), 100, sizes)

    def shown() -> int:
        with open_trace(path) as trace:
            return len(trace)

    with recorder_for(path, sizes) as recorder:
        recorder.append(events, episode=0)
        assert shown() == 0
        now[0] = 1.5
        recorder.append(events, episode=0)
        assert shown() in (128, 192)
        committed = shown()
        for _ in range(11):
            recorder.append(events, episode=0)
        assert shown() == committed + 1024
    assert shown() == 1300


def test_data_are_flushed_before_the_count_that_commits_them(tmp_path, monkeypatch):
    order = []
    flush_file, flush_data = h5py.File.flush, h5py.Dataset.flush
    monkeypatch.setattr(h5py.File, "flush", lambda self: order.append("data") or flush_file(self))
    monkeypatch.setattr(h5py.Dataset, "flush", lambda self: order.append(self.name) or flush_data(self))
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(random_events(np.random.default_rng(0), 1024, sizes), episode=0)
        assert order == ["data", "/n_steps"]
    assert order == ["data", "/n_steps", "data", "/n_steps", "/status"]


def test_damage_in_a_file_whose_writer_was_killed_is_found_at_once(tmp_path):
    """HDF5 alone would try again for ever."""
    path, sizes = tmp_path / "run.h5", make_dimensions()
    with recorder_for(path, sizes) as recorder:
        recorder.append(random_events(np.random.default_rng(0), 1024, sizes), episode=0)
        where = h5py.h5o.get_info(recorder._file._datasets["read/slot"].id).addr
        data = bytearray(path.read_bytes())
    data[where + 30] ^= 1
    (tmp_path / "killed.h5").write_bytes(data)
    began = time.monotonic()
    with pytest.raises(TraceError, match="cannot be read as a trace"):
        open_trace(tmp_path / "killed.h5")
    assert time.monotonic() - began < 5
