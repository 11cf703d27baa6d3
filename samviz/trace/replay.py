"""The state of the memory at a step, replayed from what the trace recorded: rows and last accesses.

Both questions ask for the newest step that touched a slot, so both walk backwards from the step asked for, a
block at a time, and stop when every wanted slot is found.

Shape legend: n steps of a block, H heads, E entries, N slots, W word size.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from samviz.trace.column import READ_BYTES, Array, Column
from samviz.trace.safety import refusal


def blocks_backwards(start: int, stop: int, step_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut [start, stop) into blocks, newest first: small ones to begin with, never over 16 MiB."""
    largest = max(1, READ_BYTES // step_bytes)
    length = min(1024, largest)
    while stop > start:
        yield max(start, stop - length), stop
        stop -= length
        length = min(2 * length, largest)


def last_rows(
    path: Path, slot: Column, row: Column, steps: tuple[int, int], slots: int, wanted: Array, batch: int
) -> tuple[Array, Array]:
    """Rows of the `wanted` slots (unique) by their last write in steps [start, stop).

    Returns rows [n, W] float32, zero where there was no write, and a mask [n] of those never written.
    """
    heads, entries, words = row.shape[2:]
    place = np.full(slots, -1, np.int64)
    place[wanted] = np.arange(len(wanted))
    rows = np.zeros((len(wanted), words), np.float32)
    missing = np.ones(len(wanted), bool)
    for start, stop in blocks_backwards(*steps, heads * entries * max(words, 4) * row.dtype.itemsize):
        if not missing.any():
            break
        written = read_slots(path, slot, start, stop, slots, batch).ravel()
        at = np.flatnonzero(written >= 0)
        which = place[written[at]]
        newest = np.full(len(wanted), -1, np.int64)
        newest[which[which >= 0]] = at[which >= 0]  # numpy keeps the last of several
        found = np.flatnonzero(missing & (newest >= 0))
        step, entry = np.divmod(newest[found], heads * entries)
        unique, inverse = np.unique(step, return_inverse=True)
        box = (slice(batch, batch + 1), *(slice(0, size) for size in row.shape[2:]))
        block = row.gather(start + unique, box).reshape(len(unique), heads * entries, words)
        rows[found] = block[inverse, entry]
        missing[found] = False
    return rows, missing


def last_accesses(
    path: Path,
    entries: list[tuple[Column, Column]],
    steps: tuple[int, int],
    slots: int,
    threshold: float,
    batch: int,
) -> Array:
    """The newest step of [start, stop) at which a head's weight at a slot exceeded the threshold: [N] int64.

    `entries` pairs the slot and weight columns of reads and of writes; a head's entries with the same slot
    are merged (added) first. -1 where there is no such step.
    """
    accessed = np.full(slots, -1, np.int64)
    step_bytes = 8 * max(slot.shape[2] * slot.shape[3] for slot, _ in entries)
    for start, stop in blocks_backwards(*steps, step_bytes):
        for slot, weight in entries:
            step, touched = _touched(path, slot, weight, (start, stop), slots, threshold, batch)
            np.maximum.at(accessed, touched, step)
        if (accessed >= 0).all():
            break
    return accessed


def read_slots(path: Path, column: Column, start: int, stop: int, slots: int, batch: int | slice) -> Array:
    """Slots of steps [start, stop): [n, H, E], each from -1 to N - 1 or the trace is refused.

    With a slice of batch elements: [n, B, H, E].
    """
    values = column[start:stop, batch]
    if values.size and (values.min() < -1 or values.max() >= slots):
        step = start + int(np.argwhere((values < -1) | (values >= slots))[0, 0])
        wrong = int(values[(values < -1) | (values >= slots)][0])
        raise refusal(
            path,
            f"/{column.name} step {step}",
            f"slots from -1 to {slots - 1}",
            wrong,
            "the file is damaged there",
        )
    return values


def read_weights(path: Path, column: Column, start: int, stop: int, batch: int | slice) -> Array:
    """Weights of steps [start, stop), shaped likewise, all finite or the trace is refused."""
    values = column[start:stop, batch]
    finite = np.isfinite(values)
    if not finite.all():
        step = start + int(np.argwhere(~finite)[0, 0])
        raise refusal(
            path,
            f"/{column.name} step {step}",
            "finite weights",
            values[~finite][0],
            "look at the steps before it",
        )
    return values


def _touched(
    path: Path, slot: Column, weight: Column, steps: tuple[int, int], slots: int, threshold: float, batch: int
) -> tuple[Array, Array]:
    """(step, slot) of every access above the threshold in the block, in no particular order."""
    slot_of = read_slots(path, slot, *steps, slots, batch)
    merged = merged_weights(slot_of, read_weights(path, weight, *steps, batch))
    hit = (slot_of >= 0) & (merged > np.float32(threshold))
    return steps[0] + np.nonzero(hit)[0], slot_of[hit]


def merged_weights(slot: Array, weight: Array) -> Array:
    """Each entry's weight plus those of the same head's other entries for the same slot: [..., E].

    Added in the order of the entries, in their own precision, as the model adds them.
    """
    if slot.size == 0:
        return weight
    order = np.argsort(slot, axis=-1, kind="stable")
    sorted_slot = np.take_along_axis(slot, order, -1)
    first = np.ones(slot.shape, bool)  # the first entry of each slot, per head
    first[..., 1:] = sorted_slot[..., 1:] != sorted_slot[..., :-1]
    sums = np.add.reduceat(np.take_along_axis(weight, order, -1).ravel(), np.flatnonzero(first))
    merged = np.empty_like(weight)
    np.put_along_axis(merged, order, sums[first.ravel().cumsum() - 1].reshape(slot.shape), -1)
    return merged
