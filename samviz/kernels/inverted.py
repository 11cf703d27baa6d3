"""The inverted index of a trace: which entries named a slot, by counting sort, and the newest of them.

A position is step * P + entry, where a step has P = H * E entries. Positions of a slot ascend.

Shape legend: n steps of a block, H heads, E entries of a head, N slots, M entries in all.
"""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled_exactly, inlined_exactly
from samviz.kernels.usage import merged_weight

Array = np.ndarray[Any, Any]


@compiled_exactly
def count_slots(slots: Array, first: Array) -> None:
    """Add each slot's entries in `slots` [n, H, E] to `first` [N + 1], one place further on."""
    for t in range(slots.shape[0]):
        for head in range(slots.shape[1]):
            for entry in range(slots.shape[2]):
                slot = slots[t, head, entry]
                if slot >= 0:
                    first[slot + 1] += 1


@compiled_exactly
def merge_entries(slots: Array, weights: Array, merged: Array) -> None:
    """Fill `merged` [n, H, E]: each entry's weight with those of its head's other entries for the slot."""
    for t in range(slots.shape[0]):
        for head in range(slots.shape[1]):
            for entry in range(slots.shape[2]):
                merged[t, head, entry] = merged_weight(slots[t, head], weights[t, head], entry)


@compiled_exactly
def place_entries(
    slots: Array, weights: Array, first_step: int, first: Array, free: Array, position: Array, weight: Array
) -> bool:
    """Put the entries of a block where their slot's next entry belongs.

    Args:
        slots, weights: [n, H, E]; first_step: the block's.
        first: [N + 1] int64, where each slot's places begin.
        free: [N] int64, each slot's next free place, which moves on.
        position, weight: [M] to fill.

    Returns:
        False, at once, where a slot has more entries than were counted.
    """
    heads, entries = slots.shape[1:]
    for t in range(slots.shape[0]):
        for head in range(heads):
            for entry in range(entries):
                slot = slots[t, head, entry]
                if slot >= 0:
                    place = free[slot]
                    if place >= first[slot + 1]:
                        return False
                    free[slot] = place + 1
                    position[place] = ((first_step + t) * heads + head) * entries + entry
                    weight[place] = weights[t, head, entry]
    return True


@compiled_exactly
def move_entries(
    before: tuple[Array, Array, Array], first: Array, free: Array, position: Array, weight: Array
) -> None:
    """Put a shorter index's entries (its first, position, weight) where those of a longer one begin.

    free: [N] int64 to fill with each slot's next free place; position, weight: [M] to fill.
    """
    for slot in range(free.shape[0]):
        place = first[slot]
        for old in range(before[0][slot], before[0][slot + 1]):
            position[place], weight[place] = before[1][old], before[2][old]
            place += 1
        free[slot] = place


@compiled_exactly
def newest_entries(first: Array, position: Array, wanted: Array, low: int, high: int, newest: Array) -> None:
    """Fill `newest` [n] with the last position in [low, high) of each wanted slot, -1 where there is none."""
    for i in range(wanted.shape[0]):
        begin, end = first[wanted[i]], first[wanted[i] + 1]
        place = _first_from(position, begin, end, high) - 1
        found = place >= begin and position[place] >= low
        newest[i] = position[place] if found else -1


@compiled_exactly
def newest_accesses(
    first: Array,
    position: Array,
    weight: Array,
    delta: float,
    span: tuple[int, int],
    step_keys: int,
    before: int,
    per_step: int,
    keys: Array,
) -> None:
    """Raise `keys` [N] to the key of each slot's last access, of weight above delta, in the positions `span`.

    The key of entry e of a step is step * step_keys + before + e; per_step: P.
    """
    low, high = span
    for slot in range(keys.shape[0]):
        begin = first[slot]
        place = _first_from(position, begin, first[slot + 1], high) - 1
        while place >= begin and position[place] >= low and not weight[place] > delta:
            place -= 1
        if place >= begin and position[place] >= low:
            step, entry = divmod(np.int64(position[place]), per_step)
            keys[slot] = max(keys[slot], step * step_keys + before + entry)


@compiled_exactly
def find_writers(
    first: Array,
    position: Array,
    weight: Array,
    read: Array,
    steps: tuple[int, int],
    delta: float,
    entries: tuple[int, int],
    writer: Array,
    strength: Array,
) -> None:
    """Who wrote what reads found: the slot's last write of weight above delta since it was last erased.

    A step erases, then writes, then reads.

    Args:
        first, position, weight: the index of the writes.
        read: [n, Q] the slots read at n steps, -1 none.
        steps: the first step whose writes count, and the step of the first reads.
        entries: P, and E of a head whose last entry is a slot it erased, or 0 where nothing is erased.
        writer, strength: [n, Q] to fill with the step and the largest weight there; -1 and 0 for nobody.
    """
    per_step, of_head = entries
    for t in range(read.shape[0]):
        high = (steps[1] + t + 1) * per_step
        for k in range(read.shape[1]):
            writer[t, k], strength[t, k] = -1, 0
            if read[t, k] < 0:
                continue
            begin = first[read[t, k]]
            place = _first_from(position, begin, first[read[t, k] + 1], high) - 1
            earliest = np.int64(steps[0])
            while place >= begin:
                step, entry = divmod(np.int64(position[place]), per_step)
                if step < earliest:
                    break
                if weight[place] > delta:
                    writer[t, k], strength[t, k] = step, max(strength[t, k], weight[place])
                if weight[place] > delta or (of_head > 0 and entry % of_head == of_head - 1):
                    earliest = step  # what else happened at that step still counts
                place -= 1


@inlined_exactly
def _first_from(position: Array, begin: int, end: int, bound: int) -> int:
    """The first place in [begin, end) whose position is not below the bound; end without one."""
    while begin < end:
        middle = (begin + end) // 2
        if position[middle] < bound:
            begin = middle + 1
        else:
            end = middle
    return begin
