"""The loop around the link kernel: an SDNC's reads and writes without its words.

Shape legend: H heads, K reads, R = 3K read entries, E = R + 1.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.bench.links import Traffic
from samviz.kernels.compiled import compiled
from samviz.kernels.follow import follow, follow_scratch
from samviz.kernels.link_tables import Table, empty_links
from samviz.kernels.links import advance_links, link_scratch

Array = np.ndarray[Any, Any]


class Tables(NamedTuple):
    """The links of one element, the last read, and room to work in."""

    links: Any
    advance_scratch: Any
    follow_scratch: Any
    mark: Array  # [N] int32
    read_slot: Array  # [H, R] int32
    read_weight: Array  # [H, R]
    write_slot: Array  # [H, E] int32
    write_weight: Array  # [H, E]
    found_slot: Array  # [2, K] int32, where the links lead: backward, forward
    found_weight: Array  # [2, K]
    found_link: Array  # [K, R]


def fresh(heads: int, slots: int, links: int, reads: int) -> Tables:
    """No links and no reads yet."""
    tables = empty_links(1, heads, slots, links, np.float32)
    entries = 3 * reads
    return Tables(
        links=tables,
        advance_scratch=link_scratch(tables, entries + 1),
        follow_scratch=follow_scratch(tables, entries),
        mark=np.full(slots, -1, np.int32),
        read_slot=np.full((heads, entries), -1, np.int32),
        read_weight=np.zeros((heads, entries), np.float32),
        write_slot=np.full((heads, entries + 1), -1, np.int32),
        write_weight=np.zeros((heads, entries + 1), np.float32),
        found_slot=np.empty((2, reads), np.int32),
        found_weight=np.empty((2, reads), np.float32),
        found_link=np.empty((reads, entries), np.float32),
    )


@compiled
def run(tables: Tables, steps: Traffic) -> None:
    """Write, advance the links, follow them, and merge what was found into the next read."""
    heads, entries = tables.read_slot.shape
    for t in range(steps.taken.shape[0]):
        for head in range(heads):
            tables.write_slot[head, :entries] = tables.read_slot[head]
            tables.write_slot[head, entries] = steps.taken[t, head]
            alpha, gamma = steps.alpha[t, head], steps.gamma[t, head]
            for entry in range(entries):
                tables.write_weight[head, entry] = alpha * gamma * tables.read_weight[head, entry]
            tables.write_weight[head, entries] = alpha * (np.float32(1) - gamma)
        advance_links(
            tables.links, 0, tables.write_slot, tables.write_weight, tables.mark, tables.advance_scratch
        )
        for head in range(heads):
            _read(tables, steps, t, head)


@compiled
def _read(tables: Tables, steps: Traffic, t: int, head: int) -> None:
    """Follow one head's links both ways and merge where they lead with the content read."""
    links = tables.links
    ways = (
        Table(links.before_slot[0, head], links.before_weight[0, head]),
        Table(links.after_slot[0, head], links.after_weight[0, head]),
    )
    for way in range(2):
        follow(
            ways[way],
            tables.read_slot[head],
            tables.read_weight[head],
            tables.mark,
            tables.follow_scratch,
            tables.found_slot[way],
            tables.found_weight[way],
            tables.found_link,
        )
    tables.read_slot[head] = -1
    tables.read_weight[head] = 0
    count = 0
    mode = steps.mode[t, head]
    for k in range(tables.found_slot.shape[1]):
        count = _add(tables, head, count, tables.found_slot[0, k], mode[0] * tables.found_weight[0, k])
        count = _add(
            tables, head, count, steps.content_slot[t, head, k], mode[1] * steps.content_weight[t, head, k]
        )
        count = _add(tables, head, count, tables.found_slot[1, k], mode[2] * tables.found_weight[1, k])


@compiled
def _add(tables: Tables, head: int, count: int, slot: int, weight: float) -> int:
    """Add an entry to a head's read, or its weight to the entry of that slot; returns the entries."""
    if slot < 0:
        return count
    for entry in range(count):
        if tables.read_slot[head, entry] == slot:
            tables.read_weight[head, entry] += weight
            return count
    tables.read_slot[head, count] = slot
    tables.read_weight[head, count] = weight
    return count + 1
