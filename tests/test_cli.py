"""The commands: what they print, and that every bad input is one line on stderr and exit code 2."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

import samviz
from samviz import cli
from samviz.session import SHIPPED

SAM_RECALL = SHIPPED / "recall-sam"


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command run in this process."""
    with pytest.raises(SystemExit) as left:
        cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_record_then_info(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("record", "--task", "recall", "--episodes", 2, capsys=capsys)
    assert code == 0
    (path,) = (here / "traces").iterdir()
    assert path.name.startswith("recall-sam-")
    assert path.name in out
    with samviz.open(path) as trace:
        assert len(trace.episodes) == 2
    code, out, _ = run("info", path, capsys=capsys)
    assert code == 0
    assert "read/weight" in out
    assert "recall" in out


def test_options_reach_the_trace(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = run(
        *("record", "--checkpoint", SAM_RECALL, "--slots", 32, "--min-items", 7, "--max-items", 7),
        *("--episodes", 1, "--seed", 11, "--out", "deep/er/a.h5"),
        capsys=capsys,
    )
    assert code == 0
    with samviz.open(here / "deep/er/a.h5") as trace:
        assert len(trace) == 16
        assert trace.dimensions.slots == 32
        assert trace.meta["seed"] == 11


def test_overwrite_replaces_a_trace(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ((), ("--overwrite", "--episodes", "3")):
        code, _, _ = run("record", "--task", "recall", "--out", "a.h5", *more, capsys=capsys)
        assert code == 0
    with samviz.open(here / "a.h5") as trace:
        assert len(trace.episodes) == 3


@pytest.mark.parametrize("model", ["sdnc", "dam", "ntm", "dnc", "lstm"])
def test_every_model_trains_and_answers(model: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = run(
        *("train", "--task", "copy", "--model", model, "--max-items", 2, "--steps", 2, "--out", "run"),
        *(() if model == "lstm" else ("--slots", 8)),
        capsys=capsys,
    )
    assert code == 0
    assert run("eval", "--checkpoint", "run", "--episodes", 2, capsys=capsys)[0] == 0
    code, out, err = run("record", "--checkpoint", "run", "--episodes", 2, capsys=capsys)
    if model == "lstm":
        assert (code, out) == (2, "")
        assert len(err.strip().splitlines()) == 1
        assert "no memory to record" in err
        return
    assert code == 0
    (path,) = (here / "traces").iterdir()
    assert path.name.startswith(f"copy-{model}-")
    code, out, _ = run("info", path, capsys=capsys)
    assert code == 0
    assert model.upper() in out
    assert ("8 links a slot" if model == "sdnc" else "no links") in out
    assert ("beta, mode" in out) == (model in ("sdnc", "dnc"))


def test_eval_prints_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("eval", "--task", "recall", "--episodes", 20, capsys=capsys)
    assert code == 0
    assert "wrong bits" in out
    assert "20 episodes" in out


BAD = {
    "unknown task": (["record", "--task", "sorting"], "sorting"),
    "no task": (["record"], "expected --task or --checkpoint"),
    "unknown model": (["record", "--task", "recall", "--model", "ntm2"], "ntm2"),
    "unknown option": (["record", "--tusk", "recall"], "--tusk"),
    "unknown command": (["recrod"], "recrod"),
    "nothing shipped": (
        ["record", "--task", "babi"],
        "samviz train --task babi --model sam --data PATH --out runs/babi",
    ),
    "babi without data": (["train", "--task", "babi", "--out", "new"], "add --data PATH"),
    "babi with a wrong folder": (["train", "--task", "babi", "--data", "empty", "--out", "new"], "empty"),
    "babi with a file": (["train", "--task", "babi", "--data", "text.h5", "--out", "new"], "text.h5"),
    "no such bAbI task": (
        ["train", "--task", "babi", "--data", "empty", "--babi-tasks", "0,21", "--out", "new"],
        "1 to 20",
    ),
    "bAbI tasks no numbers": (
        ["train", "--task", "babi", "--data", "empty", "--babi-tasks", "one", "--out", "new"],
        "expected numbers such as 1,4-6, found 'one'",
    ),
    "omniglot without data": (["train", "--task", "omniglot", "--out", "new"], "add --data PATH"),
    "omniglot with a wrong folder": (
        ["train", "--task", "omniglot", "--data", "empty", "--out", "new"],
        "empty",
    ),
    "omniglot with a text": (
        ["train", "--task", "omniglot", "--data", "text.h5", "--out", "new"],
        "text.h5",
    ),
    "data of a task that has none": (
        ["train", "--task", "copy", "--data", "empty", "--out", "new"],
        "found 'data'",
    ),
    "a level without a curriculum": (
        ["train", "--task", "copy", "--max-level", "9", "--out", "new"],
        "needs a curriculum",
    ),
    "a level that the task lacks": (
        ["train", "--task", "recall", "--curriculum", "1", "--max-level", "999", "--out", "new"],
        "max_level must be from 1 to 256, found 999",
    ),
    "a training trace that exists": (
        ["train", "--task", "copy", "--trace", "text.h5", "--out", "new"],
        "text.h5",
    ),
    "a training trace of an LSTM": (
        ["train", "--task", "copy", "--model", "lstm", "--record-every", "5", "--out", "new"],
        "no memory to record",
    ),
    "a study without data": (["study", "babi"], "--data"),
    "a study without runs": (["study", "curriculum", "--as-is"], "no run of the study is finished"),
    "shipping nothing": (["study", "ship", "nowhere"], "found nothing"),
    "no checkpoint there": (["record", "--checkpoint", "nowhere"], "found nothing"),
    "a foreign checkpoint": (["record", "--checkpoint", "foreign"], "no samviz checkpoint"),
    "a folder without one": (["record", "--checkpoint", "empty"], "a folder without one"),
    "a file as checkpoint": (["record", "--checkpoint", "text.h5"], "found a file"),
    "another task's checkpoint": (
        ["record", "--task", "copy", "--checkpoint", str(SAM_RECALL)],
        "trained on recall",
    ),
    "another model's checkpoint": (
        ["record", "--model", "dnc", "--checkpoint", str(SAM_RECALL)],
        "holds a model sam",
    ),
    "no such model shipped": (["eval", "--task", "recall", "--model", "dnc"], "--model dnc --out"),
    "index of a dense model": (
        ["train", "--task", "recall", "--model", "dam", "--index", "pages", "--out", "new"],
        "has no setting 'index'",
    ),
    "unknown precision": (["compile", "float16"], "float32"),
    "slots of an LSTM": (
        ["train", "--task", "recall", "--model", "lstm", "--slots", "9", "--out", "new"],
        "has no setting 'slots'",
    ),
    "out exists": (["record", "--task", "recall", "--out", "text.h5"], "--overwrite"),
    "out is a folder": (["record", "--task", "recall", "--out", "empty"], "empty"),
    "out cannot be written": (["record", "--task", "recall", "--out", "/proc/nowhere/a.h5"], "/proc/nowhere"),
    "slots below heads": (
        ["record", "--task", "recall", "--slots", "3"],
        "slots must be at least max(heads, reads) = 4",
    ),
    "slots no number": (["record", "--task", "recall", "--slots", "many"], "many"),
    "no episodes": (["record", "--task", "recall", "--episodes", "0"], "episodes"),
    "items upside down": (["record", "--task", "recall", "--min-items", "9"], "max_items must be at least"),
    "too many different keys": (
        ["record", "--task", "recall", "--max-items", "300"],
        "of an episode to differ",
    ),
    "info on nothing": (["info", "nowhere.h5"], "nowhere.h5"),
    "info on text": (["info", "text.h5"], "text.h5"),
    "info on a folder": (["info", "empty"], "empty"),
    "info without a trace": (["info"], "TRACE"),
    "train without out": (["train", "--task", "recall"], "--out"),
    "train into a file": (["train", "--task", "recall", "--out", "text.h5"], "found a file"),
    "resume nothing": (["train", "--task", "recall", "--out", "empty", "--resume"], "expected a checkpoint"),
    "train with too few slots": (
        ["train", "--task", "recall", "--out", "new", "--slots", "2"],
        "slots must be",
    ),
    "out is nothing": (["record", "--task", "recall", "--out", ""], "expected the name of a file"),
    "more slots than can be": (
        ["train", "--task", "recall", "--out", "new", "--slots", "99999999999"],
        "at most",
    ),
    "more batch than memory": (
        ["train", "--task", "recall", "--out", "new", "--batch", "99999999999"],
        "memory",
    ),
    "a seed too large": (["train", "--task", "recall", "--out", "new", "--seed", "9" * 30], "seed must be"),
    "bad learning rate": (
        ["train", "--task", "recall", "--out", "new", "--learning-rate", "-1"],
        "learning_rate",
    ),
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_a_bad_input_is_one_line_and_exit_code_2(
    case: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "empty").mkdir()
    (here / "foreign").mkdir()
    (here / "foreign" / "config.json").write_text("{}")
    (here / "foreign" / "model.safetensors").write_bytes(b"x")
    (here / "text.h5").write_text("not a trace")
    arguments, expected = BAD[case]
    code, out, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert err.startswith("samviz: ")
    assert expected in err
    assert (here / "text.h5").read_text() == "not a trace"
    assert not list(here.rglob("*.part"))
    assert not (here / "new").exists()  # or the next attempt, corrected, would be refused for it


def test_a_path_that_may_not_be_written(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if os.geteuid() == 0:  # root may write anywhere but into a file taken as a folder
        (here / "locked").write_text("")
    else:
        (here / "locked").mkdir(mode=0o500)
    code, _, err = run("record", "--task", "recall", "--out", "locked/a.h5", capsys=capsys)
    assert code == 2
    assert len(err.strip().splitlines()) == 1
    assert "locked" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_recording_keeps_its_whole_episodes(here: Path, number: int) -> None:
    command = [sys.executable, "-m", "samviz.cli", "record", "--task", "recall", "--out", "a.h5"]
    process = subprocess.Popen([*command, "--episodes", "1000000"], stderr=subprocess.PIPE)
    while not (here / "a.h5").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped after episode" in said.decode()
    with samviz.open(here / "a.h5") as trace:
        assert trace.status == "complete"
        assert all((episode.stop - episode.start) % 2 == 0 for episode in trace.episodes)
        assert (trace["io/mask"][:, 0].sum()) == len(trace.episodes)


def test_help_has_an_example_for_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for name, command in cli.cli.commands.items():
        code, out, _ = run(name, "--help", capsys=capsys)
        assert code == 0
        examples = out.split("Example", 1)[1].splitlines()
        assert any(line.strip().startswith(f"samviz {name} ") for line in examples)
        assert "\\b" not in out
        assert all(
            option.help or option.type for option in command.params if isinstance(option, click.Option)
        )


def test_every_command_is_in_the_readme() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for name in cli.cli.commands:
        assert f"samviz {name}" in readme


def test_the_module_runs_as_a_script() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "samviz.cli", "record", "--task", "nothing"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    assert len(found.stderr.strip().splitlines()) == 1
