"""The whole run in one picture: time x slot, keeping the strongest access of every cell and its kind."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import Access, merged_of
from samviz.trace.reader import Trace

MAX_COLUMNS = 1024
MAX_ROWS = 512
LEVELS = 63
CHUNK_STEPS = 32768
ACCESSES: tuple[Access, Access] = ("read", "write")


class Kind(IntEnum):
    """What the strongest access of a cell was; on a tie the higher number wins."""

    NONE = 0
    ERASE = 1
    READ = 2
    WRITE = 3


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
    chosen = choose_rows(trace, start, stop, rows, batch)
    cells = np.zeros(chosen.low.size * max(edges.size - 1, 0), np.uint8)
    width, per_column = edges.size - 1, int(edges[1] - edges[0]) if edges.size > 1 else 1
    for a in range(start, stop, CHUNK_STEPS):
        step, slot, code = access_codes(trace, a, min(a + CHUNK_STEPS, stop), batch)
        np.maximum.at(cells, chosen.row_of[slot] * width + (step - start) // per_column, code)
    return Overview(start, stop, cells.reshape(-1, width), edges, chosen.low, chosen.high, chosen.label)


def column_edges(start: int, stop: int, columns: int) -> NDArray[np.int64]:
    """Equal columns of whole steps, at most `columns` of them; one step each where they fit."""
    steps = max(stop - start, 0)
    per_column = max(1, -(-steps // columns))
    edges = np.arange(start, stop + per_column, per_column, dtype=np.int64)
    return np.minimum(edges, stop) if steps else np.array([start], np.int64)


def choose_rows(trace: Trace, start: int, stop: int, rows: int, batch: int = 0) -> Rows:
    """Every slot a row; else the slots touched in the window; else buckets of neighbours among those."""
    slots = trace.dimensions.slots
    if slots <= rows:
        every = np.arange(slots, dtype=np.int64)
        return Rows(every, every, every, f"{slots:,} slots")
    touched = touched_slots(trace, start, stop, batch)
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


def touched_slots(trace: Trace, start: int, stop: int, batch: int = 0) -> NDArray[np.int64]:
    """The slots that `access_codes` names in steps [start, stop), ascending."""
    seen = np.zeros(trace.dimensions.slots, bool)
    for a in range(start, stop, CHUNK_STEPS):
        seen[access_codes(trace, a, min(a + CHUNK_STEPS, stop), batch)[1]] = True
    return np.flatnonzero(seen).astype(np.int64)


def access_codes(
    trace: Trace, start: int, stop: int, batch: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """(step, slot, code) of every access above the threshold, and of every erasure of a used slot."""
    (read_slot, read_weight), (write_slot, write_weight) = (
        merged_of(trace, kind, start, stop, batch) for kind in ACCESSES
    )
    read_level, write_level = (
        levels(weight, trace.access_threshold) for weight in (read_weight, write_weight)
    )
    parts = [coded(read_slot, read_level, Kind.READ), coded(write_slot, write_level, Kind.WRITE)]
    if trace.last_write_erases:
        used = trace["usage/write"][start:stop, batch][..., -1:] >= 0
        parts.append(coded(write_slot[..., -1:], used.astype(np.uint8), Kind.ERASE))
    step, slot, code = (np.concatenate(column) for column in zip(*parts, strict=True))
    return step + start, slot, code


def levels(weight: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """Weights on the fixed scale 1..63; 0 at or below the threshold."""
    scaled = np.ceil(np.sqrt(np.clip(weight, 0.0, 1.0)) * LEVELS)
    return np.where(weight > threshold, np.maximum(scaled, 1), 0).astype(np.uint8)


def coded(
    slot: NDArray[np.int32], level: NDArray[np.uint8], kind: Kind
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]:
    """Flatten the entries that are there (slot >= 0, level > 0) to (relative step, slot, code)."""
    keep = (slot >= 0) & (level > 0)
    step = np.nonzero(keep)[0].astype(np.int64)
    return step, slot[keep].astype(np.int64), (level[keep] * 4 + kind).astype(np.uint8)
