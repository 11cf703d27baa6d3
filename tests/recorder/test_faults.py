"""Full disks, limits, signals, recorders that nobody closes: what is whole is kept, nothing crashes."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.recorder.buffer import BlockBuffer
from samviz.recorder.closing import close_whatever_happens
from samviz.trace import open_trace
from samviz.verify import verify
from samviz.writer_lock import WriterLock, is_being_written, was_left_behind
from tests.builders import make_dimensions, random_arrays, random_events, recorder_for
from tests.recorder.test_live import check_right, start_writer, wait_for

ROOT = Path(__file__).parents[2]
SIZES = make_dimensions()
BEGIN = (
    "import os, sys, numpy as np\n"
    "from pathlib import Path\n"
    "from types import SimpleNamespace\n"
    "from tests.builders import make_dimensions, random_arrays, recorder_for\n"
)


def events(steps=10):
    return random_events(np.random.default_rng(0), steps, SIZES)


def write_until_full(path: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """Run the writer in a process that may write files of so many bytes only."""

    def confine() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "tests.recorder.writer", str(path), "--stop"]
    return subprocess.run(
        command, cwd=ROOT, preexec_fn=confine, capture_output=True, text=True, check=False, timeout=60
    )


# small limits end in the middle of creation, of the first chunk, of the first commit
@pytest.mark.parametrize("limit", [1000, 60_000, 130_000, 200_000, 300_000, 1_000_000, 2_345_678])
def test_a_limit_on_the_size_of_files_ends_the_recording_and_nothing_else(tmp_path, limit):
    path = tmp_path / "run.h5"
    done = write_until_full(path, limit)
    if not path.exists():
        assert done.returncode == 2, done.stderr
        assert "cannot be created (a process may write files of" in done.stderr
        assert os.listdir(tmp_path) == []
        return
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("recording stopped") == 1
    assert os.listdir(tmp_path) == ["run.h5"]
    with open_trace(path) as trace:
        assert trace.status == "stopped early"
        assert f"its first {len(trace):,} steps are safe" in done.stderr
        assert len(trace) >= 64
        check_right(trace)
    assert path.stat().st_size <= limit


def test_the_room_is_used_to_the_last_chunk(tmp_path):
    path = tmp_path / "run.h5"
    said, given = [], events(100)
    with recorder_for(path, SIZES, size_limit=1_000_000, on_stop=said.append) as recorder:
        while not said:
            recorder.append(given, episode=0)
    assert "its size limit is 1,000,000 bytes" in said[0]
    assert recorder.stopped == said[0]
    assert 850_000 < path.stat().st_size <= 1_000_000


def test_a_disk_that_fails_unseen_costs_no_committed_step_and_no_crash(tmp_path):
    """The handle that HDF5 writes to leads to /dev/full: every write fails, the last ones, too."""
    script = BEGIN + (
        "recorder = recorder_for(Path(sys.argv[1]), make_dimensions())\n"
        "arrays = random_arrays(np.random.default_rng(0), 1024, make_dimensions())\n"
        "given = SimpleNamespace(**arrays)\n"
        "recorder.append(given, episode=0)\n"
        "full = os.open('/dev/full', os.O_RDWR)\n"
        "os.dup2(full, recorder._file._file.id.get_vfd_handle())\n"
        "recorder.append(given, episode=0)\n"
        "recorder.append(given, episode=0)\n"
        "recorder.close()\n"
        "print(recorder.n_steps)\n"
    )
    path = tmp_path / "run.h5"
    command = [sys.executable, "-c", script, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1024\n"
    assert done.stderr.count("RecordingStopped: ") == 1
    with open_trace(path) as trace:  # nothing could be marked any more
        assert (len(trace), trace.status) == (1024, "recording")
        np.testing.assert_array_equal(trace["read/slot"][:], events(1024).read_slot.numpy())
    assert not is_being_written(path)


def test_a_recorder_that_is_forgotten_writes_what_it_holds(tmp_path):
    path = tmp_path / "run.h5"
    recorder = recorder_for(path, SIZES)
    recorder.append(events(), episode=0)
    del recorder
    with open_trace(path) as trace:
        assert (len(trace), trace.status) == (10, "stopped early")
    assert os.listdir(tmp_path) == ["run.h5"]


def test_so_does_one_whose_program_ends(tmp_path):
    script = BEGIN + (
        "recorder = recorder_for(Path(sys.argv[1]), make_dimensions())\n"
        "arrays = random_arrays(np.random.default_rng(0), 10, make_dimensions())\n"
        "given = SimpleNamespace(**arrays)\n"
        "recorder.append(given, episode=0)\n"
        "if os.fork() == 0:\n"
        "    sys.exit()  # a child has no part in it\n"
        "os.wait()\n"
        "recorder.append(given, episode=0)\n"
    )
    path = tmp_path / "run.h5"
    subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, check=True, timeout=60)
    with open_trace(path) as trace:
        assert (len(trace), trace.status) == (20, "stopped early")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_recording_with_all_its_steps(tmp_path, number):
    path = tmp_path / "run.h5"
    writer = start_writer(path)
    try:
        wait_for(path, 1).close()
        writer.send_signal(number)
        writer.wait(timeout=20)
    finally:
        writer.kill()
    assert writer.returncode == 0
    assert os.listdir(tmp_path) == ["run.h5"]
    with open_trace(path) as trace:
        assert trace.status == "complete"
        check_right(trace)


def test_an_interruption_between_any_two_lines_keeps_what_is_whole_and_nothing_else(tmp_path):
    """A trace function raises KeyboardInterrupt at the n-th line of the recorder's own files, for every n.

    Usage is the recorder's to compute, rows of the live memory are stored, an episode begins on the way.
    """
    arrays = random_arrays(np.random.default_rng(0), 150, SIZES)
    arrays["write_row"][arrays["write_slot"] < 0] = 0
    told = {name: array for name, array in arrays.items() if not name.endswith("usage")}
    memory = np.zeros((1, SIZES.slots, SIZES.word_size), np.float32)
    ended = went_on = 0
    for line in range(0, 4000, 17):
        path = tmp_path / f"{line}.h5"
        recorder = recorder_for(path, SIZES, chunk_steps=16, checks=True, on_stop=pytest.fail)
        recorder._buffer = BlockBuffer(recorder._plan.shapes, 16, 64)
        recorder._next_check = 0
        with suppress(KeyboardInterrupt), interrupt_after(line):
            recorder.append(told, episode=0)
            recorder.commit()
            recorder.append(told, episode=1, check=memory)
            went_on += 1
        stopped, at = recorder.stopped, recorder.n_steps
        ended += stopped is not None
        recorder.append(told)
        recorder.close()
        with open_trace(path) as trace:
            assert len(trace) == (at if stopped else at + 150)
            expected = np.concatenate([arrays["write_row"]] * 3)
            np.testing.assert_array_equal(trace["write/row"][:], expected[: len(trace)])
            assert not set(trace["check/step"][:].tolist()) - {299}
        report = verify(path)
        failed = {check.name for check in report.checks if check.outcome == "failed"}
        assert failed <= {"rows of the live model"}, "\n".join(report.lines())  # that memory was made up
        path.unlink()
        if went_on > 1:
            break
    assert ended > 10


class interrupt_after:  # noqa: N801  # reads as a phrase
    """Raise KeyboardInterrupt before the n-th line that runs in samviz/recorder."""

    def __init__(self, lines: int) -> None:
        self._left = lines

    def __enter__(self) -> None:
        sys.settrace(self._enter)

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _enter(self, frame, event, argument):
        return self._step if "samviz/recorder/" in frame.f_code.co_filename else None

    def _step(self, frame, event, argument):
        if event == "line":
            self._left -= 1
            if self._left < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self._step


def test_a_lock_dies_with_its_process_and_a_dead_one_is_in_nobodys_way(tmp_path):
    path = tmp_path / "run.h5"
    assert not is_being_written(path)
    writer = start_writer(path)
    try:
        wait_for(path, 1).close()
        assert is_being_written(path)
        with pytest.raises(BlockingIOError):
            WriterLock(path)
    finally:
        writer.kill()
        writer.wait()
    assert not is_being_written(path)
    assert (tmp_path / "run.h5.lock").exists()
    recorder_for(path, SIZES, overwrite=True).close()
    assert os.listdir(tmp_path) == ["run.h5"]


def test_a_look_at_a_lock_is_in_no_writers_way_and_a_file_that_holds_something_is_no_lock(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("samviz.writer_lock._PATIENCE_S", 10.0)  # the machine may be busy
    path = tmp_path / "poetry"
    lock = tmp_path / "poetry.lock"
    lock.write_bytes(b"")
    handle = os.open(lock, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_SH)
    Timer(0.02, os.close, [handle]).start()
    WriterLock(path).release()
    lock.write_bytes(b"somebody's")
    with pytest.raises(TraceError, match=r"poetry.lock: expected no such file or the empty one of a writer"):
        recorder_for(path, SIZES)
    assert lock.read_bytes() == b"somebody's"


def test_without_locks_nobody_is_said_to_be_dead(tmp_path, monkeypatch):
    path = tmp_path / "run.h5"
    with recorder_for(path, SIZES):
        assert is_being_written(path)
        monkeypatch.setattr("samviz.writer_lock.fcntl", None)
        assert not is_being_written(path)
        assert not was_left_behind(path)


def test_a_child_that_leaves_its_parents_recorder_does_nothing_to_it(tmp_path):
    script = BEGIN + (
        "given = SimpleNamespace(**random_arrays(np.random.default_rng(0), 10, make_dimensions()))\n"
        "with recorder_for(Path(sys.argv[1]), make_dimensions()) as recorder:\n"
        "    recorder.append(given, episode=0)\n"
        "    if os.fork() == 0:\n"
        "        recorder.append(given, episode=0)\n"
        "        sys.exit()\n"
        "    os.wait()\n"
        "    recorder.append(given, episode=0)\n"
    )
    path = tmp_path / "run.h5"
    subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, check=True, timeout=60)
    with open_trace(path) as trace:
        assert (len(trace), trace.status) == (20, "complete")


def test_a_change_of_folder_does_not_end_a_recording(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with recorder_for(Path("traces/run.h5"), SIZES) as recorder:
        monkeypatch.chdir("/")
        recorder.append(events(1100), episode=0)
        assert recorder.stopped is None
    with open_trace(tmp_path / "traces" / "run.h5") as trace:
        assert len(trace) == 1100


def test_closing_a_file_that_is_well_closes_it(tmp_path):
    import h5py

    file = h5py.File(tmp_path / "a.h5", "w")
    file["x"] = 1
    close_whatever_happens(file)
    assert not file
    with h5py.File(tmp_path / "a.h5") as again:
        assert again["x"][()] == 1
