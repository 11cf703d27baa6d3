"""The life of one slot: every erasure, write and read of it, in order."""

from typing import NamedTuple

import numpy as np

from samviz.trace.hdf5.column import Array
from samviz.trace.memory.entries import Access
from samviz.trace.opened import Opened

READ, WRITE, ERASE = 1, 2, 4  # a step erases, then writes, then reads: the larger number comes first
ERASED = 1.0  # R_t = I^U 1^T (Rae et al. 2016, section 3.2): a slot is erased wholly or not at all


class History(NamedTuple):
    """What happened to a slot: one line for each head that took, wrote or read it at a step.

    Weights are those of the whole head; they may lie below the access threshold, or be 0. That of an erasure
    is 1: it is whole.
    """

    step: Array  # [n] int64
    head: Array  # [n] int32
    kind: Array  # [n] uint8: READ, WRITE or ERASE
    weight: Array  # [n] float32


def history(trace: Opened, slot: int, batch: int) -> History:
    """Every erasure, write and read of the slot, by step; within one in that order, then by head."""
    position, weight, entries = slot_entries(trace, "write", slot, batch)
    parts = [_once_a_head(position // entries, weight, WRITE, trace)]
    if trace.last_write_erases:
        taken = position[position % entries == entries - 1] // entries
        parts.append(_once_a_head(taken, np.full(taken.size, ERASED, np.float32), ERASE, trace))
    position, weight, entries = slot_entries(trace, "read", slot, batch)
    parts.append(_once_a_head(position // entries, weight, READ, trace))
    step, head, kind, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    turn = (step * 8 - kind) * trace.dimensions.heads + head
    order = np.argsort(turn, kind="stable")  # merges what is in order already
    return History(step[order], head[order], kind[order], weight[order])


def slot_entries(trace: Opened, kind: Access, slot: int, batch: int) -> tuple[Array, Array, int]:
    """Positions (int64), weights, and E, for one slot. A position counts all heads' entries of all steps."""
    index = trace.index(kind, batch)
    places = slice(int(index.first[slot]), int(index.first[slot + 1]))
    return index.position[places].astype(np.int64), index.weight[places], trace[f"{kind}/slot"].shape[3]


def _once_a_head(turn: Array, weight: Array, kind: int, trace: Opened) -> History:
    """`turn` is step * H + head, ascending. A head whose entries name the slot twice has one weight there."""
    first = np.diff(turn, prepend=-1) > 0
    step, head = np.divmod(turn[first], trace.dimensions.heads)
    return History(step, head.astype(np.int32), np.full(step.size, kind, np.uint8), weight[first])
