"""Traces of every released version of the format are read as they were written, forever."""

import json
from pathlib import Path

import pytest

from samviz.rewrite import repack
from samviz.trace import open_trace
from samviz.trace.schema import DATASETS, VERSION
from samviz.verify import verify
from tests.golden import expectations

DATA = Path(__file__).parents[1] / "data"
GOLDEN = sorted(DATA.glob("golden-*.h5"))
# samviz has written none of these yet
UNWRITTEN = {"controller/hidden", "controller/cell"}


def test_there_is_one_of_the_version_that_is_written_now():
    now = "golden-{}.{}".format(*VERSION)
    assert {f"{now}.h5", f"{now}-killed.h5"} <= {path.name for path in GOLDEN}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_trace_is_read_as_it_was_written(path):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    with open_trace(path) as trace:
        found = json.loads(json.dumps(expectations(trace)))
    assert found == expected


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_trace_is_sound(path):
    report = verify(path)
    assert report.sound, "\n".join(report.lines())
    outcomes = {check.name: check.outcome for check in report.checks}
    assert outcomes["rows of the live model"] == outcomes["links"] == outcomes["read weights"] == "passed"


def test_the_closed_one_holds_every_dataset():
    with open_trace(DATA / "golden-1.0.h5") as trace:
        assert set(DATASETS) - set(trace.datasets) == {"n_steps", "status"} | UNWRITTEN
        assert trace.usage(0).min() < -1, "something happened before the first step"


def test_a_golden_trace_can_be_packed(tmp_path):
    repack(DATA / "golden-1.0.h5", tmp_path / "packed.h5")
    with open_trace(DATA / "golden-1.0.h5") as old, open_trace(tmp_path / "packed.h5") as new:
        assert expectations(new) == expectations(old)
