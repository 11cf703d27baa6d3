"""The state of the memory at a step, replayed from what the trace recorded: rows and last accesses.

Both questions ask for the newest step that touched a slot, so both walk backwards from the step asked for, a
block at a time, and stop when every wanted slot is found. A long walk is cut short: the inverted index of the
trace (index.py) knows the answer.

Shape legend: n steps of a block, H heads, E entries, N slots, W word size.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from samviz.trace.column import READ_BYTES, Array, Column
from samviz.trace.safety import refusal

if TYPE_CHECKING:
    from samviz.trace.reader import Trace

Access = Literal["read", "write"]

ACCESSES: tuple[Access, Access] = ("write", "read")  # a step writes before it reads
WALKED_ENTRIES = 2**21  # so many are gone through before an index is built
MANY_ENTRIES = 32  # of a head: beyond, comparing each with each costs more than sorting them


def blocks_backwards(start: int, stop: int, step_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut [start, stop) into blocks, newest first: small ones to begin with, never over 16 MiB."""
    largest = max(1, READ_BYTES // step_bytes)
    length = min(1024, largest)
    while stop > start:
        yield max(start, stop - length), stop
        stop -= length
        length = min(2 * length, largest)


def last_rows(trace: "Trace", steps: tuple[int, int], wanted: Array, batch: int) -> tuple[Array, Array]:
    """Rows of the `wanted` slots (unique) by their last write in steps [start, stop).

    Returns rows [n, W] float32, zero where there was no write, and a mask [n] of those never written.
    """
    newest = newest_writes(trace, steps, wanted, batch)
    row = trace["write/row"]
    heads, entries, words = row.shape[2:]
    rows = np.zeros((len(wanted), words), np.float32)
    found = np.flatnonzero(newest >= 0)
    found = found[np.argsort(newest[found])]
    box = (slice(batch, batch + 1), *(slice(0, size) for size in row.shape[2:]))
    most = max(1, READ_BYTES // (heads * entries * words * row.dtype.itemsize))
    for at in range(0, len(found), most):
        part = found[at : at + most]
        step, entry = np.divmod(newest[part], heads * entries)
        unique, inverse = np.unique(step, return_inverse=True)
        block = row.gather(unique, box).reshape(len(unique), heads * entries, words)
        rows[part] = block[inverse, entry]
    return rows, newest < 0


def newest_writes(trace: "Trace", steps: tuple[int, int], wanted: Array, batch: int) -> Array:
    """The position (step * P + entry) of each wanted slot's last write in steps [start, stop), -1 without.

    Walks backwards; where that would take long, and there is no index yet, one is built for it.
    """
    if trace.has_index("write", batch):
        return _newest_by_index(trace, steps, wanted, batch)
    column = trace["write/slot"]
    per_step, slots = column.shape[2] * column.shape[3], trace.dimensions.slots
    newest = np.full(len(wanted), -1, np.int64)
    place = np.full(slots, -1, np.int64)
    place[wanted] = np.arange(len(wanted))
    walked = 0
    for start, stop in blocks_backwards(*steps, 4 * per_step):
        if (newest >= 0).all():
            break
        if walked >= WALKED_ENTRIES and (stop - steps[0]) * per_step >= WALKED_ENTRIES:
            return _newest_by_index(trace, steps, wanted, batch)
        written = read_slots(trace.path, column, start, stop, slots, batch).ravel()
        at = np.flatnonzero(written >= 0)
        which = place[written[at]]
        last = np.full(len(wanted), -1, np.int64)
        last[which[which >= 0]] = at[which >= 0]  # numpy keeps the last of several
        fresh = (newest < 0) & (last >= 0)
        newest[fresh] = start * per_step + last[fresh]
        walked += written.size
    return newest


def _newest_by_index(trace: "Trace", steps: tuple[int, int], wanted: Array, batch: int) -> Array:
    from samviz.kernels.inverted import newest_entries

    index, column = trace.index("write", batch), trace["write/slot"]
    per_step = column.shape[2] * column.shape[3]
    newest = np.full(len(wanted), -1, np.int64)
    low, high = (step * per_step for step in steps)
    newest_entries(index.first, index.position, np.asarray(wanted, np.int64), low, high, newest)
    return newest


def last_accesses(trace: "Trace", steps: tuple[int, int], batch: int) -> Array:
    """The newest step of [start, stop) at which a head's weight at a slot exceeded the threshold: [N] int64.

    A head's entries with the same slot are merged (added) first. -1 where there is no such step.
    """
    keys = last_access_keys(trace, steps, batch)
    return np.where(keys < 0, -1, keys // step_keys(trace))


def last_access_keys(trace: "Trace", steps: tuple[int, int], batch: int) -> Array:
    """The key of each slot's last access in steps [start, stop): [N] int64, -1 without.

    Keys order accesses as the model's ring does: step * (entries of a step) + entry, where a step's writes
    (heads in order, entries in order) come before its reads. Walks backwards, or takes the indexes where
    that would take long.
    """
    if trace.has_index("read", batch) and trace.has_index("write", batch):
        return _keys_by_index(trace, steps, batch)
    keys = np.full(trace.dimensions.slots, -1, np.int64)
    walked = 0
    for start, stop in blocks_backwards(*steps, 4 * step_keys(trace)):
        if (keys >= 0).all():
            break
        if walked >= WALKED_ENTRIES and (stop - steps[0]) * step_keys(trace) >= WALKED_ENTRIES:
            return _keys_by_index(trace, steps, batch)
        for kind in ACCESSES:
            key, slot = _touched(trace, kind, (start, stop), batch)
            np.maximum.at(keys, slot, key)
        walked += (stop - start) * step_keys(trace)
    return keys


def _keys_by_index(trace: "Trace", steps: tuple[int, int], batch: int) -> Array:
    from samviz.kernels.inverted import newest_accesses

    keys = np.full(trace.dimensions.slots, -1, np.int64)
    before = 0
    for kind in ACCESSES:
        index, column = trace.index(kind, batch), trace[f"{kind}/slot"]
        per_step = column.shape[2] * column.shape[3]
        newest_accesses(
            index.first,
            index.position,
            index.weight,
            np.float32(trace.access_threshold),
            (steps[0] * per_step, steps[1] * per_step),
            step_keys(trace),
            before,
            per_step,
            keys,
        )
        before += per_step
    return keys


def step_keys(trace: "Trace") -> int:
    """The entries of one step, its writes and reads: the base of the keys."""
    d = trace.dimensions
    return d.heads * (d.read_entries + d.write_entries)


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


def _touched(trace: "Trace", kind: Access, steps: tuple[int, int], batch: int) -> tuple[Array, Array]:
    """(key, slot) of every access above the threshold in the block."""
    slot_column, weight_column = (trace[f"{kind}/{name}"] for name in ("slot", "weight"))
    slot = read_slots(trace.path, slot_column, *steps, trace.dimensions.slots, batch)
    merged = merged_weights(slot, read_weights(trace.path, weight_column, *steps, batch))
    hit = ((slot >= 0) & (merged > np.float32(trace.access_threshold))).reshape(len(slot), -1)
    step, entry = np.nonzero(hit)
    before = 0 if kind == "write" else trace.dimensions.heads * trace.dimensions.write_entries
    return (steps[0] + step) * step_keys(trace) + before + entry, slot.reshape(len(slot), -1)[hit]


def merged_weights(slot: Array, weight: Array) -> Array:
    """Each entry's weight plus those of the same head's other entries for the same slot: [..., E].

    Added in the order of the entries, in their own precision, as the model adds them.
    """
    if slot.shape[-1] <= MANY_ENTRIES:
        merged = np.zeros_like(weight)
        for other in range(slot.shape[-1]):
            same = slot == slot[..., other : other + 1]
            merged += np.where(same, weight[..., other : other + 1], 0)
        return merged
    order = np.argsort(slot, axis=-1, kind="stable")
    sorted_slot = np.take_along_axis(slot, order, -1)
    first = np.ones(slot.shape, bool)  # the first entry of each slot, per head
    first[..., 1:] = sorted_slot[..., 1:] != sorted_slot[..., :-1]
    sums = np.add.reduceat(np.take_along_axis(weight, order, -1).ravel(), np.flatnonzero(first))
    merged = np.empty_like(weight)
    np.put_along_axis(merged, order, sums[first.ravel().cumsum() - 1].reshape(slot.shape), -1)
    return merged
