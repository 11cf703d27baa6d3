"""What Home says about a file."""

from pathlib import Path

import pytest

from samviz.analysis.errors import episode_table
from samviz.app.folder import listed
from samviz.app.home.rows import episode_rows, facts, size_text, text, trace_row
from samviz.trace import open_trace
from tests.app.traces import write_recall


def test_a_trace_in_one_row(tmp_path: Path) -> None:
    write_recall(tmp_path / "run.h5")
    file = listed(tmp_path)[0]
    with open_trace(file.path) as trace:
        row = trace_row(file, facts(trace))
        episodes = episode_rows(episode_table(trace))
    assert row | {"size": ""} == {
        "name": "run.h5", "size": "", "error": None, "model": "SAM", "task": "recall",
        "description": "Answer the value of a key.", "steps": 60, "episodes": 6, "slots": 24,
        "word_size": 8, "heads": 2, "status": "complete", "counted": "bit",
    }  # fmt: skip
    assert [e["verdict"] for e in episodes] == ["right", "right", "wrong", "right", "wrong", "right"]
    assert episodes[2]["landing"] == 29
    assert trace_row(file, "no trace")["error"] == "no trace"


@pytest.mark.parametrize("meta", [None, {}, 5, [], {"class": None}, {"class": ""}, {"class": [1]}])
def test_meta_that_says_nothing_usable_is_said_to_say_nothing(meta: object) -> None:
    assert text(meta, "class", "unnamed") == ("5" if meta == 5 else "unnamed")


def test_sizes() -> None:
    assert [size_text(n) for n in (0, 999, 1000, 1_250_000, 3e15)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "1.2 MB",
        "3000.0 TB",
    ]
