"""The whole run in one picture: time x slot, keeping the strongest access of every cell and its kind."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.overview_source import Source, entries_of
from samviz.trace.memory.entries import Access
from samviz.trace.reader import Trace

__all__ = ["Kind", "Overview", "column_edges", "levels", "overview"]

MAX_COLUMNS = 1024
MAX_ROWS = 512
LEVELS = 63


class Kind(IntEnum):
    """What the strongest access of a cell was; on a tie the higher number wins."""

    NONE = 0
    ERASE = 1
    READ = 2
    WRITE = 3


NUMBERS: dict[Access, Kind] = {"read": Kind.READ, "write": Kind.WRITE}


class Overview(NamedTuple):
    """One picture of steps [start, stop).

    `cells` holds level * 4 + kind, level 1..63 on the fixed scale sqrt(weight), 0 where nothing happened.
    Column c shows steps [edges[c], edges[c + 1]); row r the touched slots among
    `low[r]` to `high[r]`, both included.
    """

    start: int
    stop: int
    cells: NDArray[np.uint8]  # [rows, columns]
    edges: NDArray[np.int64]  # [columns + 1]
    low: NDArray[np.int64]  # [rows]
    high: NDArray[np.int64]  # [rows]
    label: str


class Rows(NamedTuple):
    """Which row of the picture a slot is in."""

    row_of: NDArray[np.int64]  # [N], -1 where the slot has no row
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    label: str


def overview(
    trace: Trace, start: int, stop: int, *, columns: int = MAX_COLUMNS, rows: int = MAX_ROWS, batch: int = 0
) -> Overview:
    """Aggregate the accesses above the threshold, and the erasures, of steps [start, stop)."""
    start, stop = max(0, start), min(stop, len(trace))
    edges = column_edges(start, stop, columns)
    source = entries_of(trace, start, stop, batch)
    chosen = choose_rows(trace, source, rows)
    cells = paint(source, chosen, edges, trace.access_threshold)
    return Overview(start, stop, cells, edges, chosen.low, chosen.high, chosen.label)


def paint(source: Source, chosen: Rows, edges: NDArray[np.int64], threshold: float) -> NDArray[np.uint8]:
    """[rows, columns] codes: the strongest access of every cell and its kind."""
    codes = np.zeros((chosen.low.size, edges.size - 1), np.uint8)
    if not codes.size:
        return codes
    for kind, number in NUMBERS.items():
        strongest, erased = source.cells(kind, chosen.row_of, codes.shape, int(edges[1] - edges[0]))
        level = levels(strongest, threshold)
        np.maximum(codes, np.where(level > 0, level * 4 + number, 0).astype(np.uint8), out=codes)
        np.maximum(codes, np.where(erased, 4 + Kind.ERASE, 0).astype(np.uint8), out=codes)
    return codes


def column_edges(start: int, stop: int, columns: int) -> NDArray[np.int64]:
    """Equal columns of whole steps, at most `columns` of them; one step each where they fit."""
    steps = max(stop - start, 0)
    per_column = max(1, -(-steps // columns))
    edges = np.arange(start, stop + per_column, per_column, dtype=np.int64)
    return np.minimum(edges, stop) if steps else np.array([start], np.int64)


def choose_rows(trace: Trace, source: Source, rows: int) -> Rows:
    """Every slot a row; else the slots touched in the window; else buckets of neighbours among those."""
    slots = trace.dimensions.slots
    if slots <= rows:
        every = np.arange(slots, dtype=np.int64)
        return Rows(every, every, every, f"{slots:,} slots")
    touched = np.flatnonzero(source.touched(trace.access_threshold)).astype(np.int64)
    if touched.size <= rows:
        row_of = np.full(slots, -1, np.int64)
        row_of[touched] = np.arange(touched.size)
        return Rows(row_of, touched, touched, f"the {touched.size:,} slots touched here, of {slots:,}")
    return buckets(touched, slots, rows)


def buckets(touched: NDArray[np.int64], slots: int, rows: int) -> Rows:
    """Neighbours among the touched slots share a row, as many as it takes."""
    size = -(-touched.size // rows)
    row_of = np.full(slots, -1, np.int64)
    row_of[touched] = np.arange(touched.size) // size
    low, last = touched[::size], np.minimum(np.arange(size, touched.size + size, size), touched.size) - 1
    label = f"the {touched.size:,} slots touched here, of {slots:,}, 1 row = {size:,} slots, maximum shown"
    return Rows(row_of, low, touched[last], label)


def levels(weight: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Weights on the fixed scale 1..63; 0 at or below the threshold."""
    scaled = np.ceil(np.sqrt(np.clip(weight, 0.0, 1.0)) * LEVELS)
    return np.where(weight > threshold, np.maximum(scaled, 1), 0).astype(np.uint8)
