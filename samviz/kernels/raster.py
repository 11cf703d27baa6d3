"""The picture of a run, time by slot: the strongest access of every cell, out of entries in either order.

Entries come in the order of their steps, a block of them, or in the order of their slots, from an inverted
index (inverted.py). Weights are those of a whole head at the slot. A slot's row is -1 where it has none.

Shape legend: n steps of a block, H heads, E entries of a head, N slots, M entries in all.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.compiled import compiled_exactly, inlined_exactly

Array = np.ndarray[Any, Any]


class Cells(NamedTuple):
    """What happened in each cell. Weights below the threshold count, too: whoever draws them decides."""

    strongest: Any  # [rows, columns] float32, the largest weight
    erased: Any  # [rows, columns] bool, whether a slot that was in use was erased


class Ordered(NamedTuple):
    """Entries by slot: an inverted index."""

    first: Any  # [N + 1] int64
    position: Any  # [M] step * H * E + entry
    weight: Any  # [M]
    used: Any  # [T * H] bool, whether the slot that a head's last entry took was in use; [0]: none was taken


class Divisor(NamedTuple):
    """Divides whole numbers by multiplication: dividing takes most of a picture's time otherwise."""

    number: Any  # uint64
    multiplier: Any  # uint64, 0 where what is divided can be too large for it
    shift: Any  # uint64


class Span(NamedTuple):
    """Positions [low, high) of a picture; entries: E, column: positions in one of its columns."""

    low: int
    high: int
    entries: Divisor
    column: Divisor


def divisor(number: int, most: int) -> Divisor:
    """Divide numbers up to `most` by a number: n // d = n m >> k where 2^k > d most, m = 2^k / d rounded up.

    The error of m is below d / 2^k of 1, that of the quotient below most / 2^k < 1 / d: too small to matter.
    """
    shift = (number * max(most, 1)).bit_length()
    multiplier = -(-(2**shift) // number)
    if multiplier * max(most, 1) >= 2**64:
        multiplier, shift = 0, 0
    return Divisor(np.uint64(number), np.uint64(multiplier), np.uint64(shift))


@compiled_exactly
def touch_by_slot(ordered: Ordered, span: Span, delta: float, touched: Array) -> None:
    """Mark in `touched` [N] the slots accessed with a weight above delta, or erased while in use."""
    low, length = np.uint64(span.low), np.uint64(span.high - span.low)
    for slot in range(touched.shape[0]):
        if touched[slot]:
            continue
        for place in range(ordered.first[slot], ordered.first[slot + 1]):
            at = np.uint64(ordered.position[place])
            if at - low < length and (
                ordered.weight[place] > delta or _erased(ordered.used, at, span.entries)
            ):
                touched[slot] = True
                break


@compiled_exactly
def paint_by_slot(ordered: Ordered, span: Span, row_of: Array, cells: Cells) -> None:
    """Add the span's entries to the cells of their slot's row."""
    low, length = np.uint64(span.low), np.uint64(span.high - span.low)
    for slot in range(row_of.shape[0]):
        row = row_of[slot]
        if row < 0:
            continue
        strongest, erased = cells.strongest[row], cells.erased[row]
        for place in range(ordered.first[slot], ordered.first[slot + 1]):
            at = np.uint64(ordered.position[place])
            if at - low >= length:
                continue
            column = _divided(at - low, span.column)
            weight, before = ordered.weight[place], strongest[column]
            strongest[column] = weight if weight > before else before
            if not erased[column] and _erased(ordered.used, at, span.entries):
                erased[column] = True


@compiled_exactly
def touch_by_step(slots: Array, weights: Array, used: Array, delta: float, touched: Array) -> None:
    """What `touch_by_slot` does, of a block: slots, weights [n, H, E]; used [n, H] or [0, 0]."""
    last = slots.shape[2] - 1
    for t in range(slots.shape[0]):
        for head in range(slots.shape[1]):
            for entry in range(slots.shape[2]):
                slot = slots[t, head, entry]
                if slot >= 0 and (
                    weights[t, head, entry] > delta or (entry == last and used.size > 0 and used[t, head])
                ):
                    touched[slot] = True


@compiled_exactly
def paint_by_step(
    slots: Array, weights: Array, used: Array, column: int, row_of: Array, cells: Cells
) -> None:
    """What `paint_by_slot` does, of a block that begins where the picture does; column: its steps."""
    last = slots.shape[2] - 1
    for t in range(slots.shape[0]):
        at = t // column
        for head in range(slots.shape[1]):
            for entry in range(slots.shape[2]):
                slot = slots[t, head, entry]
                if slot >= 0 and row_of[slot] >= 0:
                    row = row_of[slot]
                    cells.strongest[row, at] = max(cells.strongest[row, at], weights[t, head, entry])
                    if entry == last and used.size > 0 and used[t, head]:
                        cells.erased[row, at] = True


@inlined_exactly
def _erased(used: Array, at: Any, entries: Divisor) -> bool:
    """Whether the entry at a position is a head's last one and took a slot that was in use."""
    if used.size == 0:
        return False
    turn = _divided(at, entries)
    return at - turn * entries.number == entries.number - np.uint64(1) and used[turn]  # type: ignore[no-any-return]


@inlined_exactly
def _divided(number: Any, by: Divisor) -> Any:
    """number // by, of unsigned numbers."""
    if by.multiplier == np.uint64(0):
        return number // by.number
    return (number * by.multiplier) >> by.shift
