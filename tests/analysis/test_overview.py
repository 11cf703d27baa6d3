"""The overview keeps the strongest access of every cell, and every single access stays visible."""

from pathlib import Path

import numpy as np
import pytest

from samviz.analysis.overview import Kind, Overview, access_codes, column_edges, levels, overview
from samviz.trace import Trace, open_trace
from tests.builders import make_dimensions, random_events, write_trace


def slow_twin(trace: Trace, picture: Overview) -> np.ndarray:
    """Cell by cell, entry by entry."""
    cells = np.zeros(picture.cells.shape, np.uint8)
    for c in range(cells.shape[1]):
        step, slot, code = access_codes(trace, int(picture.edges[c]), int(picture.edges[c + 1]))
        assert ((step >= picture.edges[c]) & (step < picture.edges[c + 1])).all()
        for r in range(cells.shape[0]):
            inside = (slot >= picture.low[r]) & (slot <= picture.high[r])
            cells[r, c] = code[inside].max(initial=0)
    return cells


@pytest.mark.parametrize(
    ("start", "stop", "columns", "rows"), [(0, 90, 1024, 512), (13, 71, 9, 5), (0, 90, 7, 3)]
)
def test_equals_its_slow_twin(trace: Trace, start: int, stop: int, columns: int, rows: int) -> None:
    picture = overview(trace, start, stop, columns=columns, rows=rows)
    assert picture.cells.shape[1] <= columns
    assert picture.cells.shape[0] <= max(rows, 1)
    np.testing.assert_array_equal(picture.cells, slow_twin(trace, picture))


def test_every_access_above_the_threshold_is_visible(trace: Trace) -> None:
    picture = overview(trace, 0, len(trace), columns=10, rows=4)
    step, slot, _ = access_codes(trace, 0, len(trace))
    column = np.searchsorted(picture.edges, step, side="right") - 1
    row = np.searchsorted(picture.low, slot, side="right") - 1
    assert (picture.cells[row, column] > 0).all()


def test_rows_are_every_slot_then_touched_slots_then_buckets(tmp_path: Path) -> None:
    sizes = make_dimensions(slots=600)
    events = random_events(np.random.default_rng(0), 40, sizes)
    with open_trace(write_trace(tmp_path / "run.h5", events, sizes)) as trace:
        touched = np.unique(access_codes(trace, 0, 40)[1])
        assert overview(trace, 0, 40, rows=600).label == "600 slots"
        picture = overview(trace, 0, 40)
        np.testing.assert_array_equal(picture.low, touched)
        assert picture.label == f"the {touched.size} slots touched here, of 600"
        bucketed = overview(trace, 0, 40, rows=10)
        assert len(bucketed.low) <= 10
        assert "maximum shown" in bucketed.label
        np.testing.assert_array_equal(bucketed.cells, slow_twin(trace, bucketed))


def test_edges_cover_every_step_once() -> None:
    for start, stop, columns in [(0, 1, 5), (0, 1024, 1024), (0, 1025, 1024), (3, 5000, 7)]:
        edges = column_edges(start, stop, columns)
        assert edges[0] == start
        assert edges[-1] == stop
        assert (np.diff(edges) > 0).all()
        assert edges.size - 1 <= columns


def test_levels_grow_with_the_weight_and_hide_only_what_is_below_the_threshold() -> None:
    weight = np.array([0, 0.004, 0.005, 0.0051, 0.1, 0.5, 1], np.float32)
    found = levels(weight, 0.005)
    assert (found[:3] == 0).all()
    assert (found[3:] > 0).all()
    assert (np.diff(found[2:].astype(int)) > 0).all()
    assert found[-1] == 63


def test_a_write_wins_a_tie_with_a_read() -> None:
    assert Kind.WRITE > Kind.READ > Kind.ERASE > Kind.NONE
