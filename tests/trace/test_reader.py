import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import ConfigError
from samviz.trace import Episode, Trace, describe, open_trace
from samviz.trace.summary import mean_loss
from samviz.writer_lock import WriterLock
from tests.builders import make_dimensions, random_events, recorder_for


def test_what_a_trace_says_of_itself(trace_path: Path):
    with open_trace(str(trace_path)) as trace:
        assert trace.path == trace_path
        assert trace.version == (1, 0)
        assert trace.status == "complete"
        assert trace.access_threshold == pytest.approx(0.005)
        assert trace.last_write_erases is True
        assert trace.dimensions == make_dimensions()
        assert trace.episodes == (Episode(0, 0, 40), Episode(1, 40, 60), Episode(2, 60, 90))
        assert [trace.episode_at(t).number for t in (0, 39, 40, 89)] == [0, 0, 1, 2]
        assert "read/slot" in trace
        assert "link/forward_slot" not in trace
        assert trace.datasets[0] == "episode"
        with pytest.raises(ConfigError, match="no column 'link/mode' here; it has episode, read/slot"):
            trace["link/mode"]


def test_meta_cannot_be_changed_for_others(trace_path):
    with open_trace(trace_path) as trace:
        assert trace.meta["task"]["name"] == "recall"
        with pytest.raises(TypeError):
            trace.meta["task"] = {}
        trace.meta["task"]["name"] = "other"
        assert trace.meta["task"]["name"] == "recall"


def test_two_traces_of_the_same_run_have_their_own_uuid(tmp_path):
    for name in ("a.h5", "b.h5"):
        recorder_for(tmp_path / name, make_dimensions()).close()
    with open_trace(tmp_path / "a.h5") as a, open_trace(tmp_path / "b.h5") as b:
        assert a.uuid != b.uuid


def test_an_empty_trace_opens(tmp_path):
    recorder_for(tmp_path / "run.h5", make_dimensions()).close()
    with open_trace(tmp_path / "run.h5") as trace:
        assert trace
        assert len(trace) == 0
        assert trace.episodes == ()
        assert trace["write/row"][:].shape == (0, 1, 2, 3, 3)
        with pytest.raises(ConfigError, match="no step 0; the trace holds 0 steps"):
            trace.memory(0)
        assert "0 steps" in repr(trace)
        assert describe(trace)


def test_threads_may_share_a_trace(trace_path):
    with open_trace(trace_path) as trace, ThreadPoolExecutor(8) as pool:
        alone = [trace.memory(t) for t in range(90)]
        together = list(pool.map(trace.memory, range(90)))
    np.testing.assert_array_equal(alone, together)


def test_threads_that_read_different_columns_do_not_mix_them(tmp_path):
    """Of a finished trace, and of one that is being written, whose datasets are opened for each question."""
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 1100, sizes)
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(events, episode=0)
        with open_trace(tmp_path / "run.h5") as live:
            assert live.status == "recording"
            check_in_threads(live, events)
    with open_trace(tmp_path / "run.h5") as closed:
        check_in_threads(closed, events)


def check_in_threads(trace, events) -> None:
    names = {"read/slot": events.read_slot, "read/weight": events.read_weight, "write/row": events.write_row}
    questions = [(name, start) for start in range(0, len(trace) - 50, 37) for name in names]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda asked: trace[asked[0]][asked[1] : asked[1] + 50], questions))
    for (name, start), values in zip(questions, found, strict=True):
        np.testing.assert_array_equal(values, names[name][start : start + 50].numpy(), err_msg=name)


def test_opening_reads_only_the_episode_column(trace_path, monkeypatch):
    from samviz.trace.hdf5.column import Column

    touched = set()
    read = Column._read
    monkeypatch.setattr(Column, "_read", lambda self, *cut: touched.add(self.name) or read(self, *cut))
    open_trace(trace_path).close()
    assert touched == {"episode"}


def test_repr_is_three_useful_lines(trace_path):
    with open_trace(trace_path) as trace:
        lines = repr(trace).splitlines()
    assert lines[0] == "Trace run.h5: SAM on recall, complete"
    assert lines[1] == "  90 steps, 3 episodes, batch 1"
    assert lines[2].startswith("  12 slots x 3, 2 heads x 2 reads, ")


HOSTILE = "<script>alert(1)</script>\x1b[31m\n"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)


def test_html_and_text_hold_nothing_that_a_file_smuggled_in(tmp_path):
    meta = {
        "model": {"class": HOSTILE},
        "task": {"name": HOSTILE},
        "index": HOSTILE,
        "versions": {HOSTILE: HOSTILE},
    }
    path = tmp_path / "<b>&.h5"
    recorder_for(path, make_dimensions(), meta=meta).close()
    with open_trace(path) as trace:
        tags = Tags()
        tags.feed(trace._repr_html_())
        assert tags.seen == {"table", "tr", "th", "td"}
        assert "&lt;script&gt;" in trace._repr_html_()
        for text in (repr(trace), describe(trace)):
            assert all(line.isprintable() for line in text.split("\n"))
        assert len(repr(trace).splitlines()) == 3


def test_meta_of_any_shape_is_described(tmp_path):
    for number, meta in enumerate(
        [{}, {"model": "SAM", "task": None, "versions": 3}, {"model": {"class": ["x"]}}]
    ):
        path = tmp_path / f"{number}.h5"
        recorder_for(path, make_dimensions(), meta=meta).close()
        with open_trace(path) as trace:
            assert describe(trace)


def test_describe_tells_the_loss_of_counted_steps(tmp_path):
    sizes = make_dimensions(output_size=1)
    events = random_events(np.random.default_rng(0), 4, sizes)
    zeros = np.zeros((4, 1, 1))
    path = tmp_path / "run.h5"
    with recorder_for(path, sizes, meta={"seed": 0}) as recorder:
        mask, loss = np.array([[0], [1], [1], [1]]), np.array([[9.0], [1.0], [2.0], [np.nan]])
        recorder.append(events, episode=0, output=zeros, target=zeros, mask=mask, loss=loss)
        recorder.append(events, episode=1, output=zeros)
    with open_trace(path) as trace:
        assert [mean_loss(trace, episode) for episode in trace.episodes] == [1.5, None]
        text = describe(trace)
    assert "0        0 to 3              1.5000" in text
    assert "1        4 to 7              unknown" in text
    assert "seed              0" in text
    assert "io/loss                 float32  8 x 1" in text


def test_opening_traces_leaves_torch_unimported(trace_path):
    code = (
        "import sys; from samviz.trace import open_trace, describe; "
        "trace = open_trace(sys.argv[1]); trace.memory(80); trace.usage(80); describe(trace); "
        "import samviz.recorder; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, trace_path], check=True)


def stated(trace: Trace) -> str:
    (line,) = (line for line in describe(trace).splitlines() if line.startswith("status "))
    return line.removeprefix("status").strip()


def test_a_recording_whose_process_is_gone_is_said_to_be_killed(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["status"][0] = 0
    with open_trace(trace_path) as trace:
        assert stated(trace) == "recording"  # another program may write it: not known
        lock = WriterLock(trace_path)
        assert stated(trace) == "recording"
        os.close(lock._handle)  # as it is when a process dies
        assert stated(trace) == "killed while recording"
