"""The tables that hold links: sparse rows or columns of at most L entries, whole vectors wide.

A line (row or column) lies in C = L / 8, rounded up, vectors of 8 lanes: loops over the lanes of one vector
have a known length and become vector instructions, where a search that stops early would be mispredicted.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import LinkArrays
from samviz.kernels.compiled import inlined_exactly

LANES = 8


class Table(NamedTuple):
    """One head's links, by row or by column. A line's entries come first, in no order, then -1 and 0."""

    slot: Any  # [N, C, 8] int32
    weight: Any  # [N, C, 8]


def empty_links(batch: int, heads: int, slots: int, links: int, dtype: Any) -> LinkArrays:
    """No links yet; with L = 0 there is no room for any."""
    table = (batch, heads, slots if links else 0, -(-links // LANES), LANES)
    return LinkArrays(
        np.full(table, -1, np.int32),
        np.zeros(table, dtype),
        np.full(table, -1, np.int32),
        np.zeros(table, dtype),
        np.full((batch, heads, links), -1, np.int32),
        np.zeros((batch, heads, links), dtype),
    )


@inlined_exactly
def length_of(table: Table, line: int) -> int:
    """Entries of a row or column."""
    count = 0
    for c in range(table.slot.shape[1]):
        for lane in range(LANES):
            if table.slot[line, c, lane] >= 0:
                count += 1
    return count


@inlined_exactly
def place_of(table: Table, line: int, slot: int) -> int:
    """Where a row or column names a slot, or -1."""
    for c in range(table.slot.shape[1]):
        found = -1
        for lane in range(LANES):
            if table.slot[line, c, lane] == slot:
                found = lane
        if found >= 0:
            return c * LANES + found
    return -1


@inlined_exactly
def slot_at(table: Table, line: int, place: int) -> int:
    """The slot that a line names at a place."""
    return table.slot[line, place >> 3, place & 7]  # type: ignore[no-any-return]


@inlined_exactly
def weight_at(table: Table, line: int, place: int) -> float:
    """Its weight."""
    return table.weight[line, place >> 3, place & 7]  # type: ignore[no-any-return]


@inlined_exactly
def set_entry(table: Table, line: int, place: int, slot: int, weight: float) -> None:
    """Put an entry at a place of a line."""
    table.slot[line, place >> 3, place & 7] = slot
    table.weight[line, place >> 3, place & 7] = weight


@inlined_exactly
def set_weight(table: Table, line: int, slot: int, weight: float) -> None:
    """Give an entry that is there another weight."""
    for c in range(table.slot.shape[1]):
        for lane in range(LANES):
            if table.slot[line, c, lane] == slot:
                table.weight[line, c, lane] = weight


@inlined_exactly
def remove(table: Table, line: int, slot: int) -> None:
    """Take one entry out of a row or column; the last one fills its place."""
    last = length_of(table, line) - 1
    set_entry(
        table, line, place_of(table, line, slot), slot_at(table, line, last), weight_at(table, line, last)
    )
    set_entry(table, line, last, -1, 0)
