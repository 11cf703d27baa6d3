"""What happened to a slot before: its last write at every read, its events, its content."""

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import Access, slots_of, weights_of
from samviz.trace.reader import Trace

CHUNK_STEPS = 16384
READ, WRITE, ERASE = 1, 2, 4
FLAGS: tuple[tuple[Access, int], ...] = (("read", READ), ("write", WRITE))


def last_writes_at_reads(
    trace: Trace, start: int, stop: int, batch: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Who wrote what the reads of [start, stop) found: [T, H, R] steps and weights, -1 and 0 for nobody.

    It is the slot's last write above the threshold in the episode, at or before the read: a step writes
    before it reads.
    """
    read_slot = slots_of(trace, "read", start, stop, batch)
    step = np.full(read_slot.shape, -1, np.int32)
    weight = np.zeros(read_slot.shape, np.float32)
    a = start
    while a < stop:
        episode = trace.episode_at(a)
        b = min(stop, episode.stop)
        last_step, last_weight = last_writes(trace, episode.start, a, batch)
        written, weights = slots_of(trace, "write", a, b, batch), weights_of(trace, "write", a, b, batch)
        for t in range(a, b):
            strong = (written[t - a] >= 0) & (weights[t - a] > trace.access_threshold)
            last_step[written[t - a][strong]] = t
            last_weight[written[t - a][strong]] = weights[t - a][strong]
            slot = read_slot[t - start]
            step[t - start] = np.where(slot >= 0, last_step[slot], -1)
            weight[t - start] = np.where(slot >= 0, last_weight[slot], 0)
        a = b
    return step, weight


def last_writes(
    trace: Trace, start: int, stop: int, batch: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """[N]: each slot's last write above the threshold in steps [start, stop), and its weight."""
    last_step = np.full(trace.dimensions.slots, -1, np.int32)
    last_weight = np.zeros(trace.dimensions.slots, np.float32)
    for a in range(start, stop, CHUNK_STEPS):
        b = min(a + CHUNK_STEPS, stop)
        slot, weight = slots_of(trace, "write", a, b, batch), weights_of(trace, "write", a, b, batch)
        keep = (slot >= 0) & (weight > trace.access_threshold)
        last_step[slot[keep]] = np.nonzero(keep)[0] + a
        last_weight[slot[keep]] = weight[keep]
    return last_step, last_weight


def slot_events(trace: Trace, slot: int, batch: int = 0) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Every step at which the slot was read or written above the threshold, or erased; and which (flags)."""
    steps, kinds = [], []
    for a in range(0, len(trace), CHUNK_STEPS):
        b = min(a + CHUNK_STEPS, len(trace))
        flags = np.zeros(b - a, np.uint8)
        for kind, flag in FLAGS:
            here = slots_of(trace, kind, a, b, batch) == slot
            strong = weights_of(trace, kind, a, b, batch) > trace.access_threshold
            flags[(here & strong).any((1, 2))] |= flag
        if trace.last_write_erases:
            flags[(slots_of(trace, "write", a, b, batch)[..., -1] == slot).any(1)] |= ERASE
        found = np.flatnonzero(flags)
        steps.append((found + a).astype(np.int32))
        kinds.append(flags[found])
    if not steps:
        return np.zeros(0, np.int32), np.zeros(0, np.uint8)
    return np.concatenate(steps), np.concatenate(kinds)


def rows_before(trace: Trace, t: int, slots: NDArray[np.int64], batch: int = 0) -> NDArray[np.float32]:
    """[n, W]: what the slots hold when step t begins; the episode's first step begins with a fresh memory."""
    if t > trace.episode_at(t).start:
        return trace.memory(t - 1, slots, batch)
    if t == 0:
        return trace.start_memory(slots, batch)
    return np.zeros((slots.size, trace.dimensions.word_size), np.float32)
