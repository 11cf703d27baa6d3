"""The commands: what they print, and that every refusal is one line and exit code 2."""

from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner

from samviz import cli
from samviz.trace import open_trace
from tests.rewrite.builders import files_in


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new.h5"


def test_repack(trace_path, new, capsys):
    code, out, err = run(capsys, "repack", trace_path, new)
    assert (code, err) == (0, "")
    assert out.startswith(f"packed {new}: 90 steps, ")
    assert "kB before, " in out
    assert run(capsys, "repack", trace_path, new)[0] == 2
    assert run(capsys, "repack", trace_path, new, "--overwrite")[0] == 0
    assert run(capsys, "repack", trace_path)[1].startswith(f"packed {trace_path}: 90 steps, ")


def test_repair(trace_path, new, capsys):
    with h5py.File(trace_path, "r+") as file:
        file["io/loss"].resize(70, axis=0)
    code, out, err = run(capsys, "repair", trace_path, new)
    assert code == 0
    assert out.startswith(f"kept 70 steps and lost 20: {new}: 70 steps, ")
    assert err == f"samviz: {trace_path}: lost the last 20 of 90 steps: a dataset ends before step 70\n"


@pytest.mark.parametrize(
    ("option", "steps"),
    [
        (["--steps", "10:20"], 10),
        (["--steps", ":20"], 20),
        (["--steps", "80:"], 10),
        (["--episodes", "1:2"], 20),
        (["--episodes", "1:"], 50),
    ],
)
def test_slice(trace_path, new, capsys, option, steps):
    code, out, err = run(capsys, "slice", trace_path, new, *option)
    assert (code, err) == (0, "")
    assert out.startswith(f"made {new}: {steps} steps, ")
    with open_trace(new) as trace:
        assert len(trace) == steps


def test_merge(trace_path, new, capsys):
    part = trace_path.with_name("part.h5")
    run(capsys, "slice", trace_path, part, "--episodes", "1:")
    code, out, err = run(capsys, "merge", new, trace_path, part)
    assert (code, err) == (0, "")
    assert out.startswith(f"put 2 traces into {new}: 140 steps, ")


BAD = {
    "steps and episodes": (
        ["slice", "run.h5", "new.h5", "--steps", "1:2", "--episodes", "1:2"],
        "or neither",
    ),
    "no range": (["slice", "run.h5", "new.h5"], "both or neither"),
    "range without colon": (
        ["slice", "run.h5", "new.h5", "--steps", "12"],
        "expected a range such as 100:200",
    ),
    "range of words": (["slice", "run.h5", "new.h5", "--steps", "a:b"], "found 'a:b'"),
    "negative range": (["slice", "run.h5", "new.h5", "--steps=-9:"], "found '-9:'"),
    "digits without end": (["slice", "run.h5", "new.h5", "--steps", "1:" + "9" * 5000], "found '1:999"),
    "range not there": (["slice", "run.h5", "new.h5", "--steps", "9:99"], "expected steps within 0:90"),
    "one trace": (["merge", "new.h5", "run.h5"], "two traces or more"),
    "no trace": (["merge", "new.h5"], "Missing argument"),
    "nothing to repair": (["repair", "run.h5", "new.h5"], "found nothing wrong"),
    "nothing to migrate": (["migrate", "run.h5", "new.h5"], "there is nothing to migrate"),
    "not there": (["repack", "none.h5"], "No such file"),
    "itself": (["repack", "run.h5", "run.h5", "--overwrite"], "found the trace itself"),
    "no new name": (["repair", "run.h5"], "Missing argument 'NEW'"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name, trace_path, capsys, monkeypatch):
    monkeypatch.chdir(trace_path.parent)
    before = files_in(trace_path.parent)
    arguments, says = BAD[name]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert says in err
    assert files_in(trace_path.parent) == before


@pytest.mark.parametrize("name", ["repack", "repair", "slice", "merge", "migrate"])
def test_help_has_examples(name):
    shown = CliRunner().invoke(cli.cli, [name, "--help"])
    assert shown.exit_code == 0
    assert f"samviz {name} traces/" in shown.output
