"""`samviz bench trace`: every question has a row, bounds stand beside full-sized ones alone."""

import json
import subprocess
from pathlib import Path

import pytest

from samviz import cli
from samviz.bench import trace as trace_bench
from samviz.bench.clock import Times, Watch
from samviz.bench.row import Row
from samviz.bench.table import tables
from samviz.bench.trace import TracePlan, measure
from samviz.bench.trace_questions import QUESTIONS, Asked, Question, answer
from samviz.demo import Demo, generate
from samviz.errors import TraceError
from samviz.trace.memory import index_cache

PATIENT = Watch(lambda _: None, lambda: False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    generate(Demo(steps=50, slots=40), tmp_path / "demo.h5")
    return tmp_path / "demo.h5"


@pytest.fixture
def answered_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Questions are noted, and answered at once."""
    asked: list[str] = []

    def at_once(plan: TracePlan, question: Question, *_: Path) -> tuple[list[Times], int]:
        asked.append(question.name)
        return [Times(0.002, 0.003)] * plan.repeats, 2**20

    monkeypatch.setattr(trace_bench, "_asked", at_once)
    return asked


def test_every_question_can_be_asked_of_a_short_trace(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("samviz.bench.trace_questions.compile_reading", lambda: None)
    monkeypatch.setattr("samviz.trace.memory.index.KEPT_IN_MEMORY", 0)
    monkeypatch.setattr(index_cache, "SETTLED_S", 0.0)  # the trace is a moment old
    folder = tmp_path / "indexes"
    try:
        for question in QUESTIONS:
            found = answer(Asked(str(path), question.name, 2, str(folder)))
            assert len(found["samples"]) == 2
            assert all(sample.wall > 0 for sample in found["samples"])
            assert found["bytes"] >= 0
            assert folder.exists() or question.index not in ("warm", "cached")
    finally:
        index_cache.use_folder(None)


def test_a_process_answers_with_times_and_memory(path: Path) -> None:
    row = next(iter(measure(TracePlan(trace=path, repeats=1), PATIENT)))
    assert (row.bench, row.phase, row.model, row.steps, row.slots) == ("trace", "open", "demo.h5", 50, 40)
    assert row.us_per_step is not None
    assert row.us_per_step > 0
    assert row.bound_us is None


def test_bounds_are_those_of_a_million(
    path: Path, answered_here: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_bench, "FULL_SIZE", 40)
    rows = list(measure(TracePlan(trace=path), PATIENT))
    assert answered_here == [question.name for question in QUESTIONS]
    assert [row.bound_us for row in rows] == [q.bound_s and q.bound_s * 1e6 for q in QUESTIONS]
    (table,) = tables(rows)
    assert "60 ms" in table.text()
    assert [Row.from_dict(row.as_dict()) for row in rows] == rows


def test_a_demo_is_made_and_removed(answered_here: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def remember(demo: Demo, path: Path, **_: object) -> int:
        made.append(path)
        return generate(demo, path)

    monkeypatch.setattr(trace_bench, "generate", remember)
    rows = list(measure(TracePlan(steps=30, slots=20), PATIENT))
    assert {(row.model, row.steps, row.slots) for row in rows} == {("demo", 30, 20)}
    assert not made[0].parent.exists()


def test_the_command_prints_rows(
    path: Path, answered_here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["bench", "trace", "--trace", str(path), "--repeats", "3", "--pages", "fresh", "--json"])
    assert not left.value.code
    rows = [Row.from_dict(values) for values in json.loads(capsys.readouterr().out)]
    assert len(rows) == len(QUESTIONS)
    assert {row.us_per_step for row in rows} == {2000.0}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os; os.kill(os.getpid(), 9)", "its process ended with -9"),
        ("import sys; sys.exit('broken')", "broken"),
    ],
)
def test_a_question_that_is_not_answered_is_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: str, why: str
) -> None:
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda command, **settings: run([command[0], "-c", code], **settings)
    )
    with pytest.raises(TraceError, match=rf"demo\.h5: open: expected an answer, found none \({why}\)"):
        next(iter(measure(TracePlan(trace=path), PATIENT)))


def test_a_trace_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["bench", "trace", "--trace", str(tmp_path / "none.h5"), "--pages", "fresh"])
    said = capsys.readouterr()
    assert (left.value.code, said.out) == (2, "")
    assert len(said.err.strip().splitlines()) == 1
    assert "none.h5" in said.err
