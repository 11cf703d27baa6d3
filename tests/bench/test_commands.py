"""`samviz bench`: what goes to stdout, and that every refusal is one line and exit code 2."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from samviz import cli
from samviz.bench import commands, options, rivals
from samviz.bench.commands import bench
from samviz.bench.page import SECTIONS
from samviz.bench.row import Row, read_report
from tests.bench.stand_ins import use_toys

Run = Callable[..., tuple[int, str, str]]
SMALL = ("--pages", "fresh", "--slots", "64")
SPEED = ("speed", *SMALL, "--batch", "1", "--steps", "3", "--repeats", "2", "--models", "sam,dam,ntm")
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """(exit code, stdout, stderr) of `samviz bench …`, in an empty folder, with toys for models."""
    use_toys(monkeypatch)
    monkeypatch.setattr(rivals, "installed", lambda: False)
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["bench", *arguments])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run_command


def rows_of(out: str) -> list[Row]:
    return [Row.from_dict(values) for values in json.loads(out)]


def test_json_is_all_that_is_printed(run: Run) -> None:
    code, out, _ = run(*SPEED, "--json")
    assert code == 0
    rows = rows_of(out)
    assert {row.model for row in rows if row.us_per_step} == {"sam", "dam"}
    assert [row.against for row in rows if row.ratio] == ["dam"]
    assert [row.model for row in rows if row.left_out] == ["ntm"]


def test_a_table_names_the_machine_the_ratios_and_what_is_missing(run: Run) -> None:
    code, out, _ = run(*SPEED, "--out", "speed.json")
    assert code == 0
    assert "1 thread, CPU time, medians, fresh pages" in out
    assert "torch" in out
    assert "times as much" in out
    assert "left out: no model named ntm in this build" in out
    report = read_report(Path("speed.json"))
    assert report.machine is not None
    assert len(report.rows) == 6


def test_memory(run: Run) -> None:
    code, out, err = run("memory", *SMALL, "--steps", "3", "--json")
    assert code == 0
    assert "the package dnc is not installed" in err
    rows = rows_of(out)
    assert {row.model for row in rows if row.bytes} == {"sam", "sdnc", "dam"}
    assert {row.slots for row in rows if row.model == "sdnc" and row.steps == 10} == {2048}


def test_index(run: Run) -> None:
    code, out, _ = run("index", *SMALL, "--queries", "2", "--repeats", "1", "--words", "random", "--json")
    assert code == 0
    assert [row.recall for row in rows_of(out) if row.index == "exact"] == [1.0]


def test_a_table_of_indexes_compares_pages_with_faiss(run: Run) -> None:
    _, out, _ = run("index", *SMALL, "--queries", "2", "--repeats", "1", "--index", "pages,faiss-64")
    assert "recall@4" in out
    assert "updates take" in out


def test_record(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["bench", "record", *SMALL, "--steps", "32", "--repeats", "2", "--json"])
    assert not left.value.code
    off, on, ratio = rows_of(capsys.readouterr().out)
    assert (off.phase, on.phase) == ("not recorded", "recorded")
    assert ratio.ratio is not None


def test_all_fills_in_the_page(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row(bench="speed", model="sam", slots=1024, batch=8, phase="forward+backward", us_per_step=58.0)
    monkeypatch.setattr("samviz.bench.suite.everything", lambda *_, **__: iter([row]))
    page = Path("page.md")
    page.write_text(PAGE.read_text())
    for _ in range(2):  # filling in twice leaves one table
        code, _, _ = run("all", "--quick", "--pages", "fresh", "--markdown", "page.md")
        assert code == 0
        assert page.read_text().count("| sam | 58 us |") == 1
    assert "## Where and how" in page.read_text()
    assert "torch" in page.read_text().split("<!-- bench machine -->")[1].split("<!-- end machine -->")[0]


def test_the_page_of_this_project_has_all_sections() -> None:
    text = PAGE.read_text()
    assert all(text.count(f"<!-- {mark} {name} -->") == 1 for name in SECTIONS for mark in ("bench", "end"))


BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown model": (("speed", *SMALL, "--models", "sam,ntm2"), "ntm2"),
    "unknown model of memory": (("memory", *SMALL, "--models", "gru"), "gru"),
    "a size that is none": (("speed", "--slots", "64q"), "64q"),
    "an empty size": (("memory", "--slots", "64,,128"), "expected a size such as"),
    "zero repeats": (("speed", *SMALL, "--repeats", "0"), "repeats"),
    "zero threads": (("speed", *SMALL, "--threads", "0"), "threads"),
    "no such clock": (("speed", *SMALL, "--clock", "sun"), "sun"),
    "a dense memory too large": (
        (
            "speed",
            "--slots",
            "1M",
            "--batch",
            "8",
            "--models",
            "dam",
            "--pages",
            "fresh",
            "--max-memory",
            "64M",
        ),
        "nothing to measure: dam at 1M slots, batch 8 needs",
    ),
    "a window too long for the memory": (
        ("memory", "--slots", "32k", "--models", "dam", "--pages", "fresh", "--max-memory", "48M"),
        "the memory is enough for",
    ),
    "only models that are not there": (("speed", *SMALL, "--models", "ntm"), "no model named ntm"),
    "unknown index": (("speed", *SMALL, "--models", "sam", "--index", "hnsw"), "hnsw"),
    "unknown index to compare": (("index", *SMALL, "--index", "hnsw"), "hnsw"),
    "unknown words": (("index", *SMALL, "--words", "poems"), "poems"),
    "recording a dense model": (("record", "--model", "dam"), "dam"),
    "out is something else": ((*SPEED, "--out", "notes.md"), "notes.md: expected"),
    "plotting nothing": (("plot",), "FILES"),
    "plotting what is not there": (("plot", "nowhere.json"), "nowhere.json"),
    "plotting something else": (("plot", "notes.md"), "notes.md: expected"),
    "no page to fill in": (("all", "--markdown", "nowhere.md"), "nowhere.md"),
    "a page without sections": (("all", "--markdown", "notes.md"), "no such section"),
    "unknown subcommand": (("sped",), "sped"),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_input_is_one_line_and_exit_code_2(case: str, run: Run) -> None:
    Path("notes.md").write_text("my notes")
    arguments, expected = BAD[case]
    code, out, err = run(*arguments)
    lines = [line for line in err.splitlines() if "is not installed, so" not in line]
    assert code == 2
    assert out == ""
    assert len(lines) == 1, err
    assert lines[0].startswith("samviz: ")
    assert expected in lines[0]
    assert Path("notes.md").read_text() == "my notes"


def test_a_stop_prints_what_was_measured(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        yield Row(bench="speed", model="sam", slots=64, us_per_step=7.0)
        raise KeyboardInterrupt

    monkeypatch.setattr("samviz.bench.speed.measure", interrupted)
    code, out, err = run(*SPEED, "--json")
    assert code == options.STOPPED == 130
    assert [row.us_per_step for row in rows_of(out)] == [7.0]
    assert "so far" in err


def test_every_subcommand_has_an_example_and_helpful_options(run: Run) -> None:
    assert set(bench.commands) == {"speed", "memory", "index", "links", "record", "trace", "plot", "all"}
    for name, command in bench.commands.items():
        code, out, _ = run(name, "--help")
        assert code == 0
        examples = out.split("Example", 1)[1].splitlines()
        assert any(line.strip().startswith(f"samviz bench {name} ") for line in examples)
        assert "\\b" not in out
        given = [option for option in command.params if isinstance(option, click.Option)]
        assert all(option.help for option in given), [option.name for option in given if not option.help]


def test_all_models_are_known() -> None:
    assert commands.ALL_MODELS == "sam,sdnc,dam,ntm,dnc,lstm"
