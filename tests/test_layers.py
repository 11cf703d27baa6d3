"""What a room loads when it is opened; `make layers` checks what it names."""

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
room = importlib.import_module(sys.argv[1])
if room.__name__ != "samviz":
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("room", "strangers"),
    [
        ("samviz", ["torch", "streamlit", "plotly"]),
        ("samviz.trace", ["torch", "streamlit", "plotly"]),
        ("samviz.analysis", ["torch", "streamlit", "plotly"]),
        ("samviz.recorder", ["torch", "streamlit", "plotly"]),
        ("samviz.rewrite", ["torch", "streamlit", "plotly"]),
    ],
)
def test_room_loads_without(room: str, strangers: list[str]) -> None:
    command = [sys.executable, "-c", IMPORT_ALL, room, *strangers]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == []
