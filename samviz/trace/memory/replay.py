"""The rows of the memory at a step, replayed from what the trace recorded: each slot's last write tells.

The question is for the newest step that wrote a slot, so it walks backwards from the step asked for, a block
at a time, and stops when every wanted slot is found. A long walk is cut short: the inverted index of the
trace (index.py) knows the answer.

Shape legend: n slots wanted, H heads, E entries, N slots, W word size.
"""

import numpy as np

from samviz.trace.hdf5.column import READ_BYTES, Array
from samviz.trace.memory.entries import blocks_backwards, read_slots
from samviz.trace.opened import Opened

WALKED_ENTRIES = 2**21  # so many are gone through before an index is built


def last_rows(trace: Opened, steps: tuple[int, int], wanted: Array, batch: int) -> tuple[Array, Array]:
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


def newest_writes(trace: Opened, steps: tuple[int, int], wanted: Array, batch: int) -> Array:
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


def _newest_by_index(trace: Opened, steps: tuple[int, int], wanted: Array, batch: int) -> Array:
    from samviz.kernels.inverted import newest_entries

    index, column = trace.index("write", batch), trace["write/slot"]
    per_step = column.shape[2] * column.shape[3]
    newest = np.full(len(wanted), -1, np.int64)
    low, high = (step * per_step for step in steps)
    newest_entries(index.first, index.position, np.asarray(wanted, np.int64), low, high, newest)
    return newest
