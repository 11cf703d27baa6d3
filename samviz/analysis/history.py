"""What happened to a slot before: its last write at every read, its events, its content."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import Access, merged_of, slots_of
from samviz.trace.reader import Trace

CHUNK_STEPS = 16384
READ, WRITE, ERASE = 1, 2, 4
FLAGS: tuple[tuple[Access, int], ...] = (("read", READ), ("write", WRITE))


def last_writes_at_reads(
    trace: Trace, start: int, stop: int, batch: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Who wrote what the reads of [start, stop) found: [T, H, R] steps and weights, -1 and 0 for nobody.

    It is the slot's last write above the threshold since it was last erased in the episode, at or before the
    read (a step erases, writes, then reads); its weight is that of the head that wrote strongest there.
    """
    read_slot = slots_of(trace, "read", start, stop, batch)
    step = np.full(read_slot.shape, -1, np.int32)
    weight = np.zeros(read_slot.shape, np.float32)
    a = start
    while a < stop:
        episode = trace.episode_at(a)
        b = min(stop, episode.stop)
        written, weights = merged_of(trace, "write", a, b, batch)
        last = last_writes(trace, episode.start, a, batch)
        for t in range(a, b):
            last.take_in(written[t - a : t - a + 1], weights[t - a : t - a + 1], t)
            slot = read_slot[t - start]
            step[t - start] = np.where(slot >= 0, last.step[slot], -1)
            weight[t - start] = np.where(slot >= 0, last.weight[slot], 0)
        a = b
    return step, weight


class LastWrites(NamedTuple):
    """Each slot's last write above the threshold since it was last erased: -1 and 0 where there is none."""

    step: NDArray[np.int32]  # [N]
    weight: NDArray[np.float32]  # [N] of the head that wrote strongest there
    threshold: float
    erases: bool  # whether each head's last entry was erased before the writes

    def take_in(self, slot: NDArray[np.int32], weight: NDArray[np.float32], first: int) -> None:
        """Let the writes [T, H, E] of the steps from `first` on happen."""
        steps = np.broadcast_to(np.arange(first, first + len(slot))[:, None, None], slot.shape)
        strong = (slot >= 0) & (weight > self.threshold)
        self.weight[slot[strong]] = 0
        np.maximum.at(self.step, slot[strong], steps[strong])
        newest = strong & (steps == self.step[slot])
        np.maximum.at(self.weight, slot[newest], weight[newest])
        if self.erases:
            taken = slot[..., -1]
            erased = (taken >= 0) & (steps[..., -1] > self.step[taken])
            self.step[taken[erased]] = -1
            self.weight[taken[erased]] = 0


def last_writes(trace: Trace, start: int, stop: int, batch: int = 0) -> LastWrites:
    """The last writes at the end of steps [start, stop), which lie in one episode."""
    slots = trace.dimensions.slots
    last = LastWrites(
        np.full(slots, -1, np.int32),
        np.zeros(slots, np.float32),
        trace.access_threshold,
        trace.last_write_erases,
    )
    for a in range(start, stop, CHUNK_STEPS):
        last.take_in(*merged_of(trace, "write", a, min(a + CHUNK_STEPS, stop), batch), a)
    return last


def slot_events(trace: Trace, slot: int, batch: int = 0) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Every step at which the slot was read or written above the threshold, or erased; and which (flags)."""
    steps, kinds = [], []
    for a in range(0, len(trace), CHUNK_STEPS):
        b = min(a + CHUNK_STEPS, len(trace))
        flags = np.zeros(b - a, np.uint8)
        for kind, flag in FLAGS:
            slots, weights = merged_of(trace, kind, a, b, batch)
            flags[((slots == slot) & (weights > trace.access_threshold)).any((1, 2))] |= flag
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
