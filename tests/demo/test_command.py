"""`samviz demo`: what it prints, refuses and keeps when it is stopped."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from samviz import cli
from samviz.trace import open_trace


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(["demo", *(str(argument) for argument in arguments)])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def test_sizes_reach_the_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = ("--steps", 30, "--slots", 50, "--word-size", 8, "--heads", 2, "--reads", 3, "--seed", 5)
    code, out, _ = run(*sizes, capsys=capsys)
    assert code == 0
    (path,) = (tmp_path / "traces").iterdir()
    assert path.name.startswith("demo-")
    assert path.name in out
    with open_trace(path) as trace:
        d = trace.dimensions
        assert (len(trace), d.slots, d.word_size, d.heads, d.reads) == (30, 50, 8, 2, 3)
        assert trace.meta["task"]["name"] == "demo"
        assert trace.meta["model"]["class"] == "demo memory"
        assert trace.meta["seed"] == 5


def test_a_file_that_exists_is_kept_unless_it_may_be_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--steps", 5, "--slots", 9, "--out", tmp_path / "a.h5")
    assert run(*out, capsys=capsys)[0] == 0
    code, said, error = run(*out, capsys=capsys)
    assert (code, said) == (2, "")
    assert "--overwrite" in error
    assert run(*out, "--overwrite", capsys=capsys)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--slots", 3), "slots must be at least 4, found 3"),
        (("--word-size", 2), "word_size must be at least 4, found 2"),
        (("--steps", 0), "steps"),
        (("--seed", "9" * 30), "seed must be from 0"),
        (("--steps", 10**12), "steps must be at most"),
        (("--slots", 10**12), "ask for fewer slots"),
        (("--steps", 2**31 - 1, "--heads", 1000), "of 4008 bytes, 1,024 slots of 152); ask for fewer steps"),
    ],
)
def test_a_bad_size_is_one_line_and_exit_code_2(
    tmp_path: Path, arguments: tuple[object, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(*arguments, "--out", tmp_path / "a.h5", capsys=capsys)
    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert expected in err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_keeps_its_steps(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.h5"
    command = [sys.executable, "-m", "samviz.cli", "demo", "--steps", "10000000", "--out", str(path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped after step" in said.decode()
    with open_trace(path) as trace:
        assert trace.status == "complete"
        assert len(trace) % 1024 == 0


def test_no_torch_is_needed() -> None:
    code = "import sys, samviz.demo; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
