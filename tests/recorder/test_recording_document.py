"""docs/recording.md: what its table says to pass can be passed, and its first lines record."""

import inspect
import re
from pathlib import Path

import numpy as np

import samviz
from samviz.recorder import Recorder
from samviz.recorder.fields import COLUMNS, IO

DOCUMENT = (Path(__file__).parents[2] / "docs" / "recording.md").read_text("utf-8")
KNOWN = {*inspect.signature(Recorder).parameters, *inspect.signature(Recorder.step).parameters, *COLUMNS, *IO}


def test_every_name_of_the_table_can_be_passed():
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|", DOCUMENT, re.M)
    named = {name for cell in rows[2:] for name in re.findall(r"`(\w+)(?:=\d*)?`", cell)}
    assert named - KNOWN == set()
    assert {"read_slot", "read_weight", "write_slot", "memory", "episode", "start_memory", "beta"} <= named


def test_the_first_lines_record(tmp_path):
    (code,) = [
        block for block in re.findall(r"```python\n(.*?)```", DOCUMENT, re.S) if "import samviz" in block
    ]
    path = tmp_path / "mine.h5"
    scope = {"steps": 5, "slot": [1, 2], "weight": [0.5, 0.5], "memory": np.ones((16, 24))}
    exec(code.replace("traces/mine.h5", str(path)), scope)
    with samviz.open(path) as trace:
        assert len(trace) == 5
        assert trace.memory(4)[3].tolist() == [1] * 24
