"""The overview keeps the strongest access of every cell, and every single access stays visible."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.analysis import overview_source
from samviz.analysis.entries import merged_of
from samviz.analysis.overview import NUMBERS, Kind, Overview, column_edges, levels, overview
from samviz.trace import Trace, open_trace
from tests.builders import add_start, make_dimensions, random_events, write_trace

BY_SLOT, BY_STEP = -1, 2**22  # entries that a window may have to be read step by step


def access_codes(trace: Trace, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(step, slot, code) of every access above the threshold, and of every erasure of a used slot."""
    parts = []
    for kind, number in NUMBERS.items():
        slot, weight = merged_of(trace, kind, start, stop)
        parts.append(coded(slot, levels(weight, trace.access_threshold), number))
    if trace.last_write_erases:
        used = trace["usage/write"][start:stop, 0][..., -1:] >= 0
        early = np.arange(start, stop) < trace.episodes[0].stop
        used |= early[:, None, None] & np.isin(slot[..., -1:], trace.start_slots())
        parts.append(coded(slot[..., -1:], used.astype(np.uint8), Kind.ERASE))
    step, slot, code = (np.concatenate(column) for column in zip(*parts, strict=True))
    return step + start, slot, code


def coded(slot: np.ndarray, level: np.ndarray, kind: Kind) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Flatten the entries that are there (slot >= 0, level > 0) to (relative step, slot, code)."""
    keep = (slot >= 0) & (level > 0)
    step = np.nonzero(keep)[0].astype(np.int64)
    return step, slot[keep].astype(np.int64), (level[keep] * 4 + kind).astype(np.uint8)


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


@pytest.mark.parametrize("most", [BY_SLOT, BY_STEP])
@pytest.mark.parametrize(
    ("start", "stop", "columns", "rows"),
    [(0, 90, 1024, 512), (13, 71, 9, 5), (0, 90, 7, 3), (60, 61, 4, 4), (-5, 900, 90, 1), (40, 60, 3, 5)],
)
def test_equals_its_slow_twin(
    trace: Trace,
    monkeypatch: pytest.MonkeyPatch,
    start: int,
    stop: int,
    columns: int,
    rows: int,
    most: int,
) -> None:
    monkeypatch.setattr(overview_source, "MOST_BY_STEP", most)
    picture = overview(trace, start, stop, columns=columns, rows=rows)
    assert picture.cells.shape[1] <= columns
    assert picture.cells.shape[0] <= max(rows, 1)
    np.testing.assert_array_equal(picture.cells, slow_twin(trace, picture))


@pytest.mark.parametrize("most", [BY_SLOT, BY_STEP])
def test_what_was_there_at_the_start_is_erased_in_the_first_episode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(overview_source, "MOST_BY_STEP", most)
    sizes = make_dimensions(batch=2)
    events = random_events(np.random.default_rng(1), 90, sizes)
    path = write_trace(tmp_path / "run.h5", events, sizes, [40])
    with h5py.File(path, "r+") as file:
        file["usage/write"][:], file["write/weight"][:], file["read/weight"][:] = -1, 0, 0
    add_start(path, [7, 2, 5], [0, 0, 1], np.ones((3, sizes.word_size)), [-3, -1, -2])
    with open_trace(path) as trace:
        for start, stop in [(0, 90), (30, 50), (39, 41), (40, 90)]:
            picture = overview(trace, start, stop)
            np.testing.assert_array_equal(picture.cells, slow_twin(trace, picture))
            slot, step = np.nonzero(picture.cells)
            assert set(slot.tolist()) <= {2, 7}
            assert (step + start < 40).all()
            assert step.any() == (start < 39)


@pytest.mark.parametrize("seed", range(12))
def test_both_orders_of_entries_give_the_same_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    sizes = make_dimensions(
        slots=int(rng.integers(3, 40)), heads=int(rng.integers(1, 4)), reads=int(rng.integers(1, 4)), batch=2
    )
    events, erases = random_events(rng, 70, sizes), bool(rng.integers(2))
    path = write_trace(tmp_path / "run.h5", events, sizes, [31], last_write_erases=erases)
    with open_trace(path) as trace:
        start, stop = np.sort(rng.integers(0, 71, 2)).tolist()
        asked = {"columns": int(rng.integers(1, 80)), "rows": int(rng.integers(1, 12)), "batch": 1}
        by_step = overview(trace, start, stop, **asked)
        monkeypatch.setattr(overview_source, "MOST_BY_STEP", BY_SLOT)
        by_slot = overview(trace, start, stop, **asked)
    for one, other in zip(by_step, by_slot, strict=True):
        np.testing.assert_array_equal(one, other)
    assert by_step.cells.any() == (stop > start)
    assert erases or not (by_step.cells % 4 == Kind.ERASE).any() or not by_step.cells.any()


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
