"""Which slots were used when: the queue of least recently accessed slots at every step of a window.

A key orders the accesses of an episode as the model's ring does: step * P + position, where a step's
writes (heads in order, entries in order) come before its reads and P is the number of entries of a step.
Accesses before the first recorded step, where /start tells of them, have negative keys; those of one step are
in the order of its rows. A slot that was never
accessed has the lowest key of all; such slots stand in front, in slot order.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import merged_of
from samviz.trace.memory.accesses import last_access_keys, step_keys
from samviz.trace.memory.entries import ACCESSES
from samviz.trace.reader import Trace

NEXT = 8
NEVER = -1
UNTOUCHED = np.iinfo(np.int64).min  # the key of a slot that was never accessed
FARTHEST = 2**31 - 2  # steps before the recording that are told apart


class Accesses(NamedTuple):
    """Accesses above the threshold (a head's entries for one slot merged), in the order of the ring."""

    step: NDArray[np.int64]
    slot: NDArray[np.int64]
    key: NDArray[np.int64]


class Queue(NamedTuple):
    """At the END of each of T steps: the slots next in line, and how long ago the slots were accessed."""

    slot: NDArray[np.int32]  # [T, NEXT] next to be taken first; -1 beyond the last slot
    last: NDArray[np.int32]  # [T, NEXT] their last access as in Trace.usage: -1 never
    never: NDArray[np.int32]  # [T] slots never accessed in the episode
    ages: NDArray[np.int32]  # [T, bins] slots with age 0, 1, 2-3, 4-7, ... steps


def takes_from_queue(trace: Trace) -> bool:
    """Whether the front of the queue is what the heads take next, and erase.

    In a dense model (every slot an entry of every read) a sum of discounted weights decides, or nothing does.
    """
    d = trace.dimensions
    return trace.last_write_erases and (d.links > 0 or d.read_entries < d.slots)


def accesses(trace: Trace, start: int, stop: int, batch: int = 0) -> Accesses:
    """The accesses of steps [start, stop)."""
    slot, weight = [], []
    for kind in ACCESSES:
        s, w = merged_of(trace, kind, start, stop, batch)
        slot.append(s.reshape(len(s), -1))
        weight.append(w.reshape(len(s), -1))
    slots, weights = np.concatenate(slot, 1), np.concatenate(weight, 1)
    keep = (slots >= 0) & (weights > trace.access_threshold)
    step, position = np.nonzero(keep)
    step = step.astype(np.int64) + start
    return Accesses(step, slots[keep].astype(np.int64), step * step_keys(trace) + position)


def last_keys(trace: Trace, t: int, batch: int = 0) -> NDArray[np.int64]:
    """[N]: the key of each slot's last access at the end of step t, within t's episode."""
    first = trace.episode_at(t, batch).start
    keys = last_access_keys(trace, (first, t + 1), batch)
    return np.where(keys < 0, first_keys(trace, first, batch), keys)


def first_keys(trace: Trace, first: int, batch: int = 0) -> NDArray[np.int64]:
    """[N]: the keys with which the episode that begins at step `first` begins."""
    keys = np.full(trace.dimensions.slots, UNTOUCHED, np.int64)
    if first == 0:
        slot, p = trace.start_slots(batch), step_keys(trace)
        last = trace.start_usage(batch)[slot]
        order = np.argsort(last, kind="stable")  # those of one step in the order of their rows
        order = order[last[order] < NEVER]
        step = np.maximum(last[order], -1 - FARTHEST) + 1
        turn = np.arange(order.size) - np.searchsorted(step, step)  # of the accesses of its step
        keys[slot[order]] = step * p + np.minimum(turn, p - 1)
    return keys


def last_steps(keys: NDArray[np.int64], p: int) -> NDArray[np.int64]:
    """The steps of keys, as Trace.usage tells them: -1 never, -1 - n for n steps before the recording."""
    return np.where(keys == UNTOUCHED, NEVER, keys // p - (keys < 0))


def queue(trace: Trace, start: int, stop: int, batch: int = 0) -> Queue:
    """The queue at the end of every step of [start, stop), episode by episode."""
    parts, a = [], start
    while a < stop:
        episode = trace.episode_at(a, batch)
        b = min(stop, episode.stop)
        parts.append(episode_queue(trace, a, b, episode.start, batch))
        a = b
    bins = max((p.ages.shape[1] for p in parts), default=1)
    ages = [np.pad(p.ages, ((0, 0), (0, bins - p.ages.shape[1]))) for p in parts]
    if not parts:
        empty = np.zeros((0, NEXT), np.int32)
        return Queue(empty, empty, np.zeros(0, np.int32), np.zeros((0, 1), np.int32))
    columns = [np.concatenate(column) for column in zip(*(p[:3] for p in parts), strict=True)]
    return Queue(columns[0], columns[1], columns[2], np.concatenate(ages))


def episode_queue(trace: Trace, a: int, b: int, first: int, batch: int) -> Queue:
    """`queue` for steps [a, b) of one episode that began at `first`."""
    before = last_keys(trace, a - 1, batch) if a > first else first_keys(trace, first, batch)
    found = accesses(trace, a, b, batch)
    touched, column = np.unique(found.slot, return_inverse=True)
    moving = np.full((b - a, touched.size), UNTOUCHED, np.int64)  # [T, touched] key at the end of the step
    moving[0] = before[touched]
    np.maximum.at(moving, (found.step - a, column), found.key)
    np.maximum.accumulate(moving, axis=0, out=moving)
    resting = np.delete(np.arange(before.size), touched)
    slot, key = front(before, resting, touched, moving)
    p = step_keys(trace)
    return Queue(
        slot,
        last_steps(key, p).astype(np.int32),
        ((before[resting] == UNTOUCHED).sum() + (moving == UNTOUCHED).sum(1)).astype(np.int32),
        age_counts(before[resting], moving, a, p),
    )


def front(
    before: NDArray[np.int64],
    resting: NDArray[np.int64],
    touched: NDArray[np.int64],
    moving: NDArray[np.int64],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """The NEXT slots at the front of the queue and their keys, [T, NEXT]."""
    still = resting[smallest(before[resting], NEXT)]
    slots = np.concatenate([still, touched])
    keys = np.concatenate([np.broadcast_to(before[still], (len(moving), still.size)), moving], 1)
    place = np.where(keys == UNTOUCHED, UNTOUCHED + slots, keys)  # those never accessed in slot order
    rank = np.argpartition(place, NEXT - 1, axis=1)[:, :NEXT] if slots.size > NEXT else np.argsort(place, 1)
    rank = np.take_along_axis(rank, np.argsort(np.take_along_axis(place, rank, 1), axis=1), 1)
    short = ((0, 0), (0, NEXT - rank.shape[1]))
    slot = np.pad(slots[rank], short, constant_values=-1)
    key = np.pad(np.take_along_axis(keys, rank, 1), short, constant_values=UNTOUCHED)
    return slot.astype(np.int32), key


def smallest(values: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Where the `count` smallest values are, in order, ties to the first; without sorting all the others."""
    among = np.arange(values.size)
    if values.size > count:
        among = np.flatnonzero(values <= np.partition(values, count - 1)[count - 1])
    return among[np.argsort(values[among], kind="stable")[:count]]


def age_counts(resting: NDArray[np.int64], moving: NDArray[np.int64], a: int, p: int) -> NDArray[np.int32]:
    """[T, bins]: slots whose last access was 0, 1, 2-3, 4-7, ... steps before the end of each step."""
    steps = np.arange(a, a + len(moving))
    held = np.sort(resting[resting != UNTOUCHED] // p)
    begun = np.concatenate([resting, moving[0]])
    earliest = begun[begun != UNTOUCHED].min(initial=a * p) // p
    bins = 2 + int(np.log2(max(int(steps[-1] - earliest), 1)))
    counts = np.zeros((len(moving), bins), np.int32)
    for k in range(bins):
        newest, oldest = (steps - (2**k >> 1)), steps - (2**k - 1)
        rest = np.searchsorted(held, newest, "right") - np.searchsorted(held, oldest, "left")
        age_floor, age_ceil = oldest[:, None] * p, (newest[:, None] + 1) * p
        counts[:, k] = rest + ((moving >= age_floor) & (moving < age_ceil)).sum(1)
    return counts
