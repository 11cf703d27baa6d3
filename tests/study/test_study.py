"""`samviz study` in small: it trains what is missing, measures, draws and fills in."""

import dataclasses
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from samviz import cli
from samviz.errors import ConfigError
from samviz.study import babi, curriculum, learning, lengths, omniglot
from samviz.study.curves import Curve, band
from samviz.study.made import read_made
from samviz.study.members import finished
from samviz.study.tables import markdown, spread_text

PAGE = "\n".join(
    f"<!-- study {name} -->\nold\n<!-- end {name} -->"
    for name in ("figure-2", "figure-3", "figure-8", "figure-4", "babi")
)


def study(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["study", *(str(argument) for argument in arguments)])
    return int(left.value.code or 0)


def curve(model: str, seed: int, wrong: list[float], task: str = "copy", **more: object) -> Curve:
    steps = range(1, len(wrong) + 1)
    values = {"loss_bits": wrong, "wrong": wrong, "error": wrong, "horizon": []}
    return Curve(task, model, seed, 8, 60.0, [100 * step for step in steps], **(values | more))


def test_a_band_is_the_median_of_the_seeds_between_the_lowest_and_the_highest() -> None:
    found = band([curve("sam", seed, wrong) for seed, wrong in enumerate([[5, 1], [3, 2], [4, 9]])], "wrong")
    assert (found.middle, found.low, found.high) == ([4, 2], [3, 1], [5, 9])
    assert found.episodes == [100, 200]


def test_tables_tell_the_spread() -> None:
    assert spread_text([0.5, 0.1, 0.3]) == "0.30 (0.10 to 0.50)"
    assert spread_text([2.0], "{:.0f}") == "2"
    assert spread_text([]) == "–"
    assert markdown([["", "a"], ["x", "1"]]).splitlines() == ["|  | a |", "|---|---:|", "| x | 1 |"]


def test_figure_2_from_training_to_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budgets = {"copy": learning.Budget(12, 2, 16), "recall": learning.Budget(10, 2, 16)}
    monkeypatch.setattr(learning, "BUDGETS", budgets)
    monkeypatch.setattr(learning, "MODELS", ("sam", "lstm"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "learning.md").write_text(PAGE)
    members = learning.members(tmp_path / "runs/study/figure-2", 2, ("sam", "lstm"))
    assert len(members) == 8
    for one in members:
        one.run.train(one.run.open())
    assert all(one.finished for one in members)
    monkeypatch.setattr(learning, "members", lambda folder, seeds: members)
    assert study("learning", "--seeds", 2) == 0
    made = read_made(tmp_path / "docs/figure-2.json")
    assert {(row["task"], row["model"], row["seed"]) for row in made.rows} == {
        (task, model, seed) for task in ("copy", "recall") for model in ("sam", "lstm") for seed in (0, 1)
    }
    assert ElementTree.parse(tmp_path / "docs/figure-2.svg").getroot().tag.endswith("svg")
    page = (tmp_path / "docs/learning.md").read_text()
    assert "| SAM |" in page
    assert page.count("old") == 4


def test_unfinished_runs_are_left_out_and_told(tmp_path: Path) -> None:
    members = [one for one in learning.members(tmp_path, 1, ("sam", "lstm")) if one.task == "copy"]
    told: list[str] = []
    with pytest.raises(ConfigError, match="without --as-is"):
        finished(members, told.append)
    lstm = members[0]._replace(run=dataclasses.replace(members[0].run, steps=3))
    lstm.run.train(lstm.run.open())
    assert finished([lstm, members[1]], told.append) == [lstm]
    assert told == ["left out, as not finished: copy sam 0 (0 steps)"]


def test_each_figure_draws_what_it_is_given() -> None:
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    curves = [curve("sam", seed, [4, 2, 1], "recall", horizon=[6, 12, 24]) for seed in range(2)]
    axes = curriculum.figure(curves, "").axes[0]
    assert [text.get_text() for text in axes.texts] == ["SAM"]
    assert "| SAM | 24 (24 to 24) | 50 |" in curriculum.sections(curves)["figure-3"]
    asked = [lengths.Asked("copy", "sam", 20, 20 * f, 41 * f, 256, 8, 0.01 * f) for f in (1, 3, 10)]
    assert "| SAM | 20 | 1.0% (20) | 3.0% (60) | 10.0% (200) | – |" in lengths.sections(asked)["figure-8"]
    assert len(lengths.figure(asked, "").axes) == 1
    named = [omniglot.Named("sam", 0, 10, 1.0, 5, n, 0.3, [0.9] + [0.1] * 9) for n in omniglot.CHARACTERS]
    assert omniglot.late_error(named[0]) == pytest.approx(0.1)
    assert (
        "| SAM, 2 | 90.0% | 10.0% | 10.0% | 10.0% | 10.0% | 50.0% |" in omniglot.sections(named)["figure-4"]
    )
    assert [text.get_text() for text in omniglot.figure(named, "").axes[0].texts] == ["chance", "SAM"]


def test_babi_shows_the_best_seed_of_each_model() -> None:
    rows = [
        babi.Answered(model, seed, 100, 2.0, group, 1000, error)
        for model, seed, errors in (("sam", 0, (0.5, 0.3)), ("sam", 1, (0.02, 0.08)), ("lstm", 0, (0.6, 0.6)))
        for group, error in zip(("1 one", "2 two"), errors, strict=True)
    ]
    table = babi.sections(rows)["babi"].splitlines()
    assert table[0] == "| task | SAM | LSTM, no memory |"
    assert table[2] == "| 1 one | 2.0% | 60.0% |"
    assert table[4] == "| **mean error** | **5.0%** | **60.0%** |"
    assert table[5] == "| failed (above 5%) | 1 | 2 |"


def test_results_of_something_else_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([1]))
    with pytest.raises(ConfigError, match="expected the results of a study"):
        read_made(tmp_path / "a.json")
