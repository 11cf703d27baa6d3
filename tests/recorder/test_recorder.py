"""What a recorder refuses, and what it leaves behind when something goes wrong."""

import os
from pathlib import Path

import numpy as np
import pytest

from samviz.errors import ConfigError, RecordingStopped, SamvizError, TraceError
from samviz.recorder import Recorder, file
from samviz.recorder.fields import UNGATED_COLUMNS
from samviz.recorder.layout import encode_meta
from samviz.trace import open_trace
from samviz.trace.schema import SIGNATURE
from samviz.writer_lock import lock_path
from tests.builders import make_dimensions, random_events, recorder_for

SIZES = make_dimensions()


def events(steps=10, sizes=SIZES):
    return random_events(np.random.default_rng(0), steps, sizes)


def refused(error: type[SamvizError], call) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_that_exists_is_kept(tmp_path):
    path = tmp_path / "run.h5"
    path.write_bytes(b"precious")
    message = refused(TraceError, lambda: recorder_for(path, SIZES))
    assert message.startswith(f"{path}: expected a new file, found one that exists")
    assert path.read_bytes() == b"precious"
    assert os.listdir(tmp_path) == ["run.h5"]


def test_unless_it_may_be_overwritten(tmp_path):
    path = tmp_path / "run.h5"
    path.write_bytes(b"old")
    recorder_for(path, SIZES, overwrite=True).close()
    assert len(open_trace(path)) == 0


def test_a_folder_is_no_trace(tmp_path):
    assert "found a folder" in refused(TraceError, lambda: recorder_for(tmp_path, SIZES, overwrite=True))


def test_folders_are_made(tmp_path):
    recorder_for(tmp_path / "a" / "b" / "run.h5", SIZES).close()
    assert (tmp_path / "a" / "b" / "run.h5").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert f"expected a folder to put it in, found that {tmp_path}/file is none" in refused(
        TraceError, lambda: recorder_for(tmp_path / "file" / "run.h5", SIZES)
    )


def test_a_folder_that_is_not_ours(tmp_path):
    tmp_path.chmod(0o500)
    locked = tmp_path if os.geteuid() else Path("/proc")  # root may write anywhere else
    message = refused(TraceError, lambda: recorder_for(locked / "run.h5", SIZES))
    assert "choose a folder that has room and that you can write to" in message


def test_what_a_dead_recorder_left_is_cleared_away_and_nothing_else(tmp_path):
    part = tmp_path / "run.h5.part"
    for left in (b"", SIGNATURE + b"half a file"):
        part.write_bytes(left)
        lock_path(tmp_path / "run.h5").touch()
        recorder_for(tmp_path / "run.h5", SIZES, overwrite=True).close()
        assert os.listdir(tmp_path) == ["run.h5"]
    for download in (b"a download", SIGNATURE + b"of a trace"):
        part.write_bytes(download)
        message = refused(TraceError, lambda: recorder_for(tmp_path / "run.h5", SIZES, overwrite=True))
        assert message.startswith(
            f"{part}: expected no such file or what a killed process left, found another"
        )
        assert part.read_bytes() == download
        assert sorted(os.listdir(tmp_path)) == ["run.h5", "run.h5.part"]


def test_a_second_recorder_on_the_path_is_refused_and_the_first_goes_on(tmp_path):
    path = tmp_path / "run.h5"
    with recorder_for(path, SIZES) as first:
        refused(TraceError, lambda: recorder_for(path, SIZES))
        message = refused(TraceError, lambda: recorder_for(path, SIZES, overwrite=True))
        assert "found one that is being written; wait until that has ended" in message
        first.append(events(), episode=0)
    assert os.listdir(tmp_path) == ["run.h5"]
    assert len(open_trace(path)) == 10


def test_a_trace_bears_its_name_only_once_it_can_be_opened(tmp_path, monkeypatch):
    path = tmp_path / "run.h5"
    replace = os.replace

    def look(old, new):
        assert not path.exists()
        with open_trace(old) as trace:
            assert len(trace) == 0
        replace(old, new)

    monkeypatch.setattr(os, "replace", look)
    recorder_for(path, SIZES).close()
    assert os.listdir(tmp_path) == ["run.h5"]


def test_nothing_is_left_where_creating_fails(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    message = refused(TraceError, lambda: recorder_for(tmp_path / "run.h5", SIZES))
    assert "No space left on device" in message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"slots": 0}, "slots: expected an integer from 1"),
        ({"heads": 0}, "heads: expected"),
        ({"links": -1}, "links: expected an integer from 0"),
        ({"chunk_steps": 0}, "chunk_steps: expected"),
        ({"access_threshold": float("nan")}, "access_threshold: expected a finite number"),
        (
            {"word_size": 2**20},
            "/read/query: a chunk may hold 67,108,864 bytes, found 536,870,912; use chunk_steps=8",
        ),
        ({"meta": {"seed": float("nan")}}, "meta: expected values that JSON can hold"),
        ({"meta": {"model": object()}}, "meta: expected values that JSON can hold"),
        ({"meta": {"user": "x" * 60_000}}, "meta: expected at most 60,000 bytes of JSON, found 60,012"),
    ],
)
def test_settings_that_do_not_fit_leave_no_file(tmp_path, settings, said):
    message = refused(ConfigError, lambda: recorder_for(tmp_path / "run.h5", SIZES, **settings))
    assert said in message
    assert os.listdir(tmp_path) == []


def test_meta_survives_any_text(tmp_path):
    meta = {"user": {"note": "Grüße ✓ \x00\n"}, "seed": 2**60}
    assert encode_meta(meta).isascii()
    recorder_for(tmp_path / "run.h5", SIZES, meta=meta).close()
    assert dict(open_trace(tmp_path / "run.h5").meta) == meta


WRONG = [
    (
        lambda it: it._replace(alpha=it.alpha[..., None]),
        {},
        "events.alpha: expected shape [10, 1, 2], found [10, 1, 2, 1]",
    ),
    (lambda it: it._replace(beta=it.beta[:5]), {}, "events.beta: expected shape [10, 1, 2], found [5, 1, 2]"),
    (
        lambda it: it._replace(read_slot=it.read_slot.float()),
        {},
        "events.read_slot: expected int32 or alike, found float32",
    ),
    (
        lambda it: it._replace(write_slot=it.write_slot + 9),
        {},
        "events.write_slot: expected slots from -1 to 11, found",
    ),
    (
        lambda it: it._replace(read_slot=it.read_slot - 2),
        {},
        "events.read_slot: expected slots from -1 to 11, found -3",
    ),
    (
        lambda it: it._replace(read_weight=it.read_weight * float("nan")),
        {},
        "events.read_weight: expected finite weights, found nan",
    ),
    (
        lambda it: it._replace(write_usage=it.write_usage + 100),
        {},
        "events.write_usage: expected steps before their own, found 99 at the model's step 0",
    ),
    (lambda it: it, {"episode": 1.5}, "episode: expected a whole number, found 1.5"),
    (lambda it: it, {"episode": 0}, "episode: expected a number from 1 on, found 0"),
    (lambda it: it, {"episode": 2**31}, "episode: expected a number from 1 on"),
    (lambda it: it, {"input": np.zeros((10, 1, 2))}, "input: expected shape [10, 1, 3], found [10, 1, 2]"),
    (lambda it: it, {"input": None}, "input: expected shape [10, 1, 3], found none"),
    (
        lambda it: it,
        {"loss": np.zeros((10, 1))},
        "loss: expected none, as the recorder was made without its size",
    ),
]


@pytest.mark.parametrize(("change", "told", "said"), WRONG)
def test_a_window_that_does_not_fit_is_refused_whole(tmp_path, change, told, said):
    sizes = make_dimensions(input_size=3)
    good = {"episode": 1, "input": np.ones((10, 1, 3))}
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(events(), **good)
        message = refused(ConfigError, lambda: recorder.append(change(events()), **(good | told)))
        assert said in message
        recorder.append(events(), **good)
    with open_trace(tmp_path / "run.h5") as trace:
        assert len(trace) == 20
        np.testing.assert_array_equal(trace["read/slot"][:10], trace["read/slot"][10:])


def test_links_that_the_events_lack(tmp_path):
    with recorder_for(tmp_path / "run.h5", make_dimensions(links=8)) as recorder:
        message = refused(ConfigError, lambda: recorder.append(events(), episode=0))
    assert "events.mode: expected a tensor, as links=8, found none" in message


def test_a_gate_that_the_model_has_not_is_absent_from_the_trace(tmp_path):
    told = events()._replace(alpha=None, gamma=None)
    with recorder_for(tmp_path / "run.h5", SIZES, columns=(*UNGATED_COLUMNS, "beta")) as recorder:
        recorder.append(told, episode=0)
    with open_trace(tmp_path / "run.h5") as trace:
        assert [name for name in trace.datasets if name.startswith("gate/")] == ["gate/beta"]
    with recorder_for(tmp_path / "all.h5", SIZES) as recorder:
        message = refused(ConfigError, lambda: recorder.append(told, episode=0))
    assert "events.alpha: expected a tensor, as the trace has this column, found none" in message
    message = refused(ConfigError, lambda: recorder_for(tmp_path / "no.h5", SIZES, columns=("delta",)))
    assert "columns: expected some of read_score" in message
    assert "found 'delta'" in message


def test_closing_twice_is_fine_and_appending_afterwards_is_not(tmp_path):
    recorder = recorder_for(tmp_path / "run.h5", SIZES)
    recorder.close()
    recorder.close()
    assert "the recorder is closed" in refused(TraceError, lambda: recorder.append(events(), episode=0))


def test_an_exception_keeps_what_is_there(tmp_path):
    def interrupted():
        with recorder_for(tmp_path / "run.h5", SIZES) as recorder:
            recorder.append(events(70), episode=0)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    with open_trace(tmp_path / "run.h5") as trace:
        assert (len(trace), trace.status) == (70, "stopped early")


def test_a_write_that_fails_is_one_warning_and_keeps_what_was_written(tmp_path, monkeypatch):
    path = tmp_path / "run.h5"
    recorder = recorder_for(path, SIZES)
    recorder.append(events(1024), episode=0)
    assert recorder.stopped is None

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file.TraceFile, "_append", fail)
    with pytest.warns(RecordingStopped, match="recording stopped") as caught:
        recorder.append(events(1024), episode=0)
    message = str(caught[0].message)
    assert caught[0].filename == __file__
    assert message == recorder.stopped
    assert message.startswith(f"{path}: recording stopped")
    assert "No space left on device" in message
    assert "its first 1,024 steps are safe" in message
    recorder.append(events(), episode=0)  # the program that is recorded goes on
    recorder.commit()
    recorder.close()
    assert recorder.n_steps == 1024
    with open_trace(path) as trace:
        assert (len(trace), trace.status) == (1024, "stopped early")


def test_whole_chunks_become_readable_when_a_second_has_passed(tmp_path, monkeypatch):
    path = tmp_path / "run.h5"
    with recorder_for(path, SIZES, chunk_steps=16) as recorder:
        recorder.append(events(40), episode=0)
        with open_trace(path) as trace:
            assert len(trace) == 0
        monkeypatch.setattr(file, "COMMIT_SECONDS", 0.0)
        recorder.append(events(1), episode=0)
        with open_trace(path) as trace:
            assert len(trace) == 32
    with open_trace(path) as trace:
        assert len(trace) == 41


def test_no_committed_chunk_is_written_again(tmp_path, monkeypatch):
    """Every block begins where the last one ended, at a whole chunk, and only the last may be partial."""
    spans = []
    append = file.TraceFile._append

    def watch(self, block):
        assert block.first == self.written
        before = self.written
        append(self, block)
        spans.append((before, self.written))

    monkeypatch.setattr(file.TraceFile, "_append", watch)
    monkeypatch.setattr("samviz.recorder.making.COMMIT_STEPS", 32)  # blocks of two chunks
    rng = np.random.default_rng(0)
    with recorder_for(tmp_path / "run.h5", SIZES, chunk_steps=16) as recorder:
        for length in rng.integers(0, 50, 20):
            recorder.append(events(int(length)), episode=0)
            placed = {name: chunks(recorder, name) for name in ("write/row", "read/slot")}
        steps = recorder.n_steps
        held = {name: contents(tmp_path / "run.h5", where) for name, where in placed.items()}
    assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]
    assert len(spans) > 10
    assert all(start % 16 == 0 and stop - start == 32 for start, stop in spans[:-1])
    assert spans[-1][1] == steps
    for name, where in placed.items():  # neither moved nor changed by the close
        assert contents(tmp_path / "run.h5", where) == held[name]


def chunks(recorder: Recorder, name: str) -> list[tuple[int, int]]:
    dataset = recorder._file._datasets[name]
    dataset.flush()
    info = [dataset.id.get_chunk_info(index) for index in range(dataset.id.get_num_chunks())]
    return [(chunk.byte_offset, chunk.size) for chunk in info]


def contents(path: Path, where: list[tuple[int, int]]) -> list[bytes]:
    data = path.read_bytes()
    return [data[start : start + size] for start, size in where]
