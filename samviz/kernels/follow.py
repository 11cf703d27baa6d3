"""Where links lead from a read: the sparse products Lambda w and Lambda^T w (supplement D)."""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import LinkArrays
from samviz.kernels.compiled import compiled_exactly, inlined_exactly
from samviz.kernels.link_tables import LANES, Table, length_of, place_of, slot_at, weight_at

Array = np.ndarray[Any, Any]


class FollowScratch(NamedTuple):
    """Room for the slots that the links of a read lead to."""

    slot: Any  # [R * 8C] int32
    weight: Any  # [R * 8C]


@compiled_exactly
def follow_scratch(links: LinkArrays, entries: int) -> FollowScratch:
    """Room for reads of R entries."""
    size = entries * links.before_slot.shape[3] * LANES
    return FollowScratch(np.empty(size, np.int32), np.empty(size, links.precedence_weight.dtype))


@compiled_exactly
def follow(
    table: Table,
    read_slot: Array,
    read_weight: Array,
    mark: Array,
    scratch: FollowScratch,
    slot: Array,
    weight: Array,
    link: Array,
) -> None:
    """Where the links of one head lead from its read: f = Lambda w or b = Lambda^T w, its K largest.

    Args:
        table: the `after` table of the head for f, the `before` table for b.
        read_slot, read_weight: [R], the read to start from, each slot once.
        mark: [N] int32, all -1 before and after.
        slot, weight: [K] to fill, largest first, ties to the lower slot, then -1 and 0.
        link: [K, R] to fill with the links from each read entry to each slot found.
    """
    count = 0
    for entry in range(read_slot.shape[0]):
        if read_slot[entry] < 0:
            continue
        for place in range(length_of(table, read_slot[entry])):
            found = slot_at(table, read_slot[entry], place)
            if mark[found] < 0:
                mark[found] = count
                scratch.slot[count], scratch.weight[count] = found, 0
                count += 1
            scratch.weight[mark[found]] += read_weight[entry] * weight_at(table, read_slot[entry], place)
    for k in range(slot.shape[0]):
        slot[k], weight[k] = -1, 0
    for n in range(count):
        mark[scratch.slot[n]] = -1
        if scratch.weight[n] > 0 and scratch.weight[n] >= weight[slot.shape[0] - 1]:
            _insert(slot, weight, scratch.slot[n], scratch.weight[n])
    _note_links(table, read_slot, slot, link)


@inlined_exactly
def _insert(slots: Array, weights: Array, slot: int, weight: float) -> None:
    """Put a slot into its place of a list sorted by weight, then by slot, dropping the last entry."""
    place = slots.shape[0]
    while place > 0 and (
        weight > weights[place - 1] or (weight == weights[place - 1] and slot < slots[place - 1])
    ):
        if place < slots.shape[0]:
            slots[place], weights[place] = slots[place - 1], weights[place - 1]
        place -= 1
    if place < slots.shape[0]:
        slots[place], weights[place] = slot, weight


@inlined_exactly
def _note_links(table: Table, read_slot: Array, slot: Array, link: Array) -> None:
    for k in range(slot.shape[0]):
        for entry in range(read_slot.shape[0]):
            link[k, entry] = 0
            if slot[k] >= 0 and read_slot[entry] >= 0:
                place = place_of(table, read_slot[entry], slot[k])
                if place >= 0:
                    link[k, entry] = weight_at(table, read_slot[entry], place)
