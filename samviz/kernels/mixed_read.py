"""The SDNC's read inside the loop: content mixed with where links lead from the last read (supplement D)."""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, LinkArrays, MemoryArrays
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.follow import FollowScratch, follow, follow_scratch
from samviz.kernels.link_tables import Table
from samviz.kernels.links import LinkScratch, advance_links, link_scratch
from samviz.kernels.products import assign

Array = np.ndarray[Any, Any]


class LinkRoom(NamedTuple):
    """Room to work in, for one step."""

    advance: LinkScratch
    follow: FollowScratch


@inlined
def link_room(links: LinkArrays, journal: Journal) -> LinkRoom:
    """Room for the writes and reads of a window."""
    return LinkRoom(
        link_scratch(links, journal.write_slot.shape[3]), follow_scratch(links, journal.read_slot.shape[3])
    )


@compiled
def follow_links(
    memory: MemoryArrays, links: LinkArrays, journal: Journal, t: int, b: int, room: LinkRoom
) -> None:
    """Bring the links up to date, follow them from the last read, and mix both with the content read."""
    mark = memory.mark[b]
    advance_links(links, b, journal.write_slot[t, b], journal.write_weight[t, b], mark, room.advance)
    for head in range(journal.mode.shape[2]):
        assign(journal.precedence_slot[t, b, head], links.precedence_slot[b, head])
        assign(journal.precedence_weight[t, b, head], links.precedence_weight[b, head])
        slots, weights = journal.read_slot[t, b, head], journal.read_weight[t, b, head]
        follow(
            Table(links.after_slot[b, head], links.after_weight[b, head]),
            slots,
            weights,
            mark,
            room.follow,
            journal.forward_slot[t, b, head],
            journal.forward_weight[t, b, head],
            journal.forward_link[t, b, head],
        )
        follow(
            Table(links.before_slot[b, head], links.before_weight[b, head]),
            slots,
            weights,
            mark,
            room.follow,
            journal.backward_slot[t, b, head],
            journal.backward_weight[t, b, head],
            journal.backward_link[t, b, head],
        )
        _mix(journal, t, b, head)


@inlined
def _mix(journal: Journal, t: int, b: int, head: int) -> None:
    """w^R = pi_b b + pi_c c + pi_f f, slots merged, in the order content, forward, backward."""
    mode = journal.mode[t, b, head]
    slots, weights = journal.read_slot[t + 1, b, head], journal.read_weight[t + 1, b, head]
    scores, reads = journal.read_score[t, b, head], journal.content_slot.shape[3]
    count = 0
    for k in range(reads):
        slot = journal.content_slot[t, b, head, k]
        if slot >= 0:
            slots[count], weights[count] = slot, mode[1] * journal.content_weight[t, b, head, k]
            scores[count] = journal.content_score[t, b, head, k]
            count += 1
    for k in range(reads):
        slot, weight = journal.forward_slot[t, b, head, k], journal.forward_weight[t, b, head, k]
        count = _merge_entry(slots, weights, scores, count, slot, mode[2] * weight)
    for k in range(reads):
        slot, weight = journal.backward_slot[t, b, head, k], journal.backward_weight[t, b, head, k]
        count = _merge_entry(slots, weights, scores, count, slot, mode[0] * weight)
    for entry in range(count, slots.shape[0]):
        slots[entry], weights[entry], scores[entry] = -1, 0, 0


@inlined
def _merge_entry(slots: Array, weights: Array, scores: Array, count: int, slot: int, weight: float) -> int:
    """Add a weight to a slot's entry, or a new entry at the end; returns how many there are."""
    if slot < 0:
        return count
    for entry in range(count):
        if slots[entry] == slot:
            weights[entry] += weight
            return count
    slots[count], weights[count], scores[count] = slot, weight, np.nan
    return count + 1
