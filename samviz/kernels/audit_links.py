"""Replay the links of a trace from its writes and compare, bit for bit, what they led to."""

from typing import Any

import numpy as np

from samviz.kernels.arrays import LinkArrays
from samviz.kernels.compiled import compiled_exactly, inlined_exactly
from samviz.kernels.follow import follow, follow_scratch
from samviz.kernels.link_tables import Table
from samviz.kernels.links import advance_links, link_scratch

Array = np.ndarray[Any, Any]


@compiled_exactly
def audit_links(
    links: LinkArrays,
    write_slot: Array,
    write_weight: Array,
    read_slot: Array,
    read_weight: Array,
    precedence: tuple[Array, Array],
    forward: tuple[Array, Array],
    backward: tuple[Array, Array],
    last_slot: Array,
    last_weight: Array,
    mark: Array,
    off: Array,
) -> None:
    """Go through T steps of one episode and mark in `off` [T] bool those that do not follow from the writes.

    Args:
        links: the tables before the first step, of one element; those after the last step on return.
        write_slot, write_weight: [T, H, E]. read_slot, read_weight: [T, H, R].
        precedence: slots and weights [T, H, L]. forward, backward: [T, H, K].
        last_slot, last_weight: [H, R], the reads of the step before; those of the last step on return.
        mark: [N] int32, all -1.
    """
    steps, heads, entries = read_slot.shape
    most = forward[0].shape[2]
    found, weight = np.empty(most, np.int32), np.empty(most, np.float32)
    link = np.empty((most, entries), np.float32)
    room, scratch = follow_scratch(links, entries), link_scratch(links, write_slot.shape[2])
    for t in range(steps):
        advance_links(links, 0, write_slot[t], write_weight[t], mark, scratch)
        for head in range(heads):
            if not (
                _same(links.precedence_slot[0, head], precedence[0][t, head])
                and _same(links.precedence_weight[0, head], precedence[1][t, head])
            ):
                off[t] = True
            after = Table(links.after_slot[0, head], links.after_weight[0, head])
            follow(after, last_slot[head], last_weight[head], mark, room, found, weight, link)
            if not (_same(found, forward[0][t, head]) and _same(weight, forward[1][t, head])):
                off[t] = True
            before = Table(links.before_slot[0, head], links.before_weight[0, head])
            follow(before, last_slot[head], last_weight[head], mark, room, found, weight, link)
            if not (_same(found, backward[0][t, head]) and _same(weight, backward[1][t, head])):
                off[t] = True
        last_slot[:] = read_slot[t]
        last_weight[:] = read_weight[t]


@inlined_exactly
def _same(mine: Array, its: Array) -> bool:
    same = True
    for k in range(mine.shape[0]):
        same &= mine[k] == its[k]
    return same
