"""The figures: their structure, that they are SVG, and that the same rows give the same bytes."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from samviz.bench.figures import draw, figure_1a, figure_7, lines_of
from samviz.bench.row import BOTH, Row
from samviz.drawing import spread
from samviz.errors import ConfigError

SIZES = (256, 2048)
ROWS = [
    Row(bench="speed", model=model, index=index, slots=slots, batch=batch, phase=BOTH, us_per_step=us * slots)
    for model, index, us in (("sdnc", "exact", 0.1), ("dnc", "", 20.0), ("dnc.SAM", "flat", 3.0))
    for slots in SIZES
    for batch in (1, 8)
] + [
    Row(bench="memory", model=model, slots=slots, steps=10, bytes=size * slots, once={"memory": 128 * slots})
    for model, size in (("sdnc", 100), ("dnc", 100_000))
    for slots in SIZES
]


def test_names_that_would_overlap_are_spread() -> None:
    places = spread([10.0, 11.0, 50.0, 9.0], 12)
    assert sorted(places) == [places[3], places[0], places[1], places[2]]
    assert min(abs(a - b) for n, a in enumerate(places) for b in places[:n]) >= 12 - 1e-3
    assert places[2] == 50.0


def test_names_at_the_bottom_stay_above_it() -> None:
    places = spread([0.0, 1.0, 2.0], 12, lowest=0.0)
    assert places == pytest.approx([0.0, 12.0, 24.0], abs=1e-3)


def test_a_line_for_each_model_and_index() -> None:
    rows = [*ROWS, *(Row(bench="speed", model="sdnc", index="pages", slots=n, us_per_step=1) for n in SIZES)]
    lines = lines_of([row for row in rows if row.bench == "speed" and row.batch == 1], "us_per_step")
    assert [line.label for line in lines] == ["SDNC, exact", "DNC", "SAM of dnc", "SDNC, pages"]
    assert all(line.slots == sorted(SIZES) for line in lines)


def test_without_matplotlib_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"pip install samviz\[bench\]"):
        draw(ROWS, None, tmp_path)


def test_figures_are_svg_and_the_same_every_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    first, second = (draw(ROWS, None, tmp_path / folder) for folder in ("a", "b"))
    assert [path.name for path in first] == ["figure-1a.svg", "figure-1b.svg", "figure-7.svg"]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
        assert ElementTree.parse(one).getroot().tag == "{http://www.w3.org/2000/svg}svg"
        assert "<dc:date>" not in one.read_text()


def test_figure_1a_shows_the_largest_batch_and_the_paper(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    axes = figure_1a(ROWS, "").axes[0]
    said = [text.get_text() for text in axes.texts]
    assert {"SDNC", "DNC", "SAM of dnc", "paper: NTM, 12 s"} <= set(said)
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_figure_7_tells_the_ratios_beside_those_of_the_paper() -> None:
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    left, right = figure_7(ROWS, "").axes
    assert {"200× at 2k", "paper: 440×"} <= {text.get_text() for text in left.texts}
    assert {"439× at 2k", "paper: 240×"} <= {text.get_text() for text in right.texts}


def test_nothing_to_draw(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra bench is not installed")
    with pytest.raises(ConfigError, match="nothing to draw"):
        draw([], None, tmp_path)
