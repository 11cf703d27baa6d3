"""When each slot was accessed last: the newest read or write of a weight above the threshold.

Like the rows of the memory (replay.py) this is found by a walk backwards, a block of steps at a time, or in
the inverted indexes of the trace.

Shape legend: n steps of a block, H heads, E entries, N slots.
"""

import numpy as np

from samviz.trace.hdf5.column import Array
from samviz.trace.memory.entries import (
    ACCESSES,
    Access,
    blocks_backwards,
    merged_weights,
    read_slots,
    read_weights,
)
from samviz.trace.memory.replay import WALKED_ENTRIES
from samviz.trace.opened import Opened


def last_accesses(trace: Opened, steps: tuple[int, int], batch: int) -> Array:
    """The newest step of [start, stop) at which a head's weight at a slot exceeded the threshold: [N] int64.

    A head's entries with the same slot are merged (added) first. -1 where there is no such step.
    """
    keys = last_access_keys(trace, steps, batch)
    return np.where(keys < 0, -1, keys // step_keys(trace))


def last_access_keys(trace: Opened, steps: tuple[int, int], batch: int) -> Array:
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


def _keys_by_index(trace: Opened, steps: tuple[int, int], batch: int) -> Array:
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


def _touched(trace: Opened, kind: Access, steps: tuple[int, int], batch: int) -> tuple[Array, Array]:
    """(key, slot) of every access above the threshold in the block."""
    slot_column, weight_column = (trace[f"{kind}/{name}"] for name in ("slot", "weight"))
    slot = read_slots(trace.path, slot_column, *steps, trace.dimensions.slots, batch)
    merged = merged_weights(slot, read_weights(trace.path, weight_column, *steps, batch))
    hit = ((slot >= 0) & (merged > np.float32(trace.access_threshold))).reshape(len(slot), -1)
    step, entry = np.nonzero(hit)
    before = 0 if kind == "write" else trace.dimensions.heads * trace.dimensions.write_entries
    return (steps[0] + step) * step_keys(trace) + before + entry, slot.reshape(len(slot), -1)[hit]


def step_keys(trace: Opened) -> int:
    """The entries of one step, its writes and reads: the base of the keys."""
    d = trace.dimensions
    return d.heads * (d.read_entries + d.write_entries)
