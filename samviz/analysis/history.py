"""What happened to a slot before: its last write at every read, its events, its content."""

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import slots_of
from samviz.trace.memory.history import ERASE, READ, WRITE
from samviz.trace.reader import Trace

__all__ = ["ERASE", "READ", "WRITE", "last_writes_at_reads", "rows_before", "slot_events"]


def last_writes_at_reads(
    trace: Trace, start: int, stop: int, batch: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Who wrote what the reads of [start, stop) found: [T, H, R] steps and weights, -1 and 0 for nobody.

    It is the slot's last write above the threshold since it was last erased in the episode, at or before the
    read (a step erases, writes, then reads); its weight is that of the head that wrote strongest there.
    """
    from samviz.kernels.inverted import find_writers

    read = slots_of(trace, "read", start, stop, batch)
    step, weight = np.full(read.shape, -1, np.int32), np.zeros(read.shape, np.float32)
    index, d = trace.index("write", batch), trace.dimensions
    entries = d.heads * d.write_entries, d.write_entries if trace.last_write_erases else 0
    delta, a = np.float32(trace.access_threshold), start
    while a < stop:
        episode = trace.episode_at(a, batch)
        part = slice(a - start, min(stop, episode.stop) - start)
        shape = part.stop - part.start, d.heads * d.read_entries
        find_writers(
            *index[:3],
            read[part].reshape(shape),
            (episode.start, a),
            delta,
            entries,
            step[part].reshape(shape),
            weight[part].reshape(shape),
        )
        a = start + part.stop
    return step, weight


def slot_events(trace: Trace, slot: int, batch: int = 0) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Every step at which the slot was read or written above the threshold, or erased; and which (flags)."""
    found = trace.history(slot, batch)
    keep = (found.kind == ERASE) | (found.weight > np.float32(trace.access_threshold))
    step, kind = found.step[keep], found.kind[keep]
    if not step.size:
        return np.zeros(0, np.int32), np.zeros(0, np.uint8)
    first = np.flatnonzero(np.diff(step, prepend=-1))
    return step[first].astype(np.int32), np.bitwise_or.reduceat(kind, first)


def rows_before(trace: Trace, t: int, slots: NDArray[np.int64], batch: int = 0) -> NDArray[np.float32]:
    """[n, W]: what the slots hold when step t begins; the episode's first step begins with a fresh memory."""
    if t > trace.episode_at(t, batch).start:
        return trace.memory(t - 1, slots, batch)
    if t == 0:
        return trace.start_memory(slots, batch)
    return np.zeros((slots.size, trace.dimensions.word_size), np.float32)
