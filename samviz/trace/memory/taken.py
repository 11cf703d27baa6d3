"""Which of the slots that heads took, and erased, had been in use."""

import numpy as np

from samviz.trace.hdf5.column import READ_BYTES, Array
from samviz.trace.memory.entries import read_slots
from samviz.trace.opened import Opened


def taken_in_use(trace: Opened, start: int, stop: int, batch: int) -> Array:
    """Whether the slot that each head took at steps [start, stop) had been accessed before: [n, H] bool.

    In the first episode so had every slot that /start tells of: the trace knows no step for an access before
    its own first one. [0, H] where heads erase no slot. Raises TraceError where the trace is damaged.
    """
    column, usage = trace["write/slot"], trace["usage/write"]
    used = np.zeros((max(stop - start, 0) if trace.last_write_erases else 0, column.shape[2]), bool)
    filled = np.zeros(trace.dimensions.slots, bool)
    filled[trace.start_slots(batch)] = True
    first_stop = trace.episodes_of(batch)[0].stop if len(trace) and filled.any() else 0
    length = max(1, READ_BYTES // (4 * column.shape[2] * column.shape[3]))
    for at in range(start, start + len(used), length):
        end = min(at + length, stop)
        used[at - start : end - start] = usage[at:end, batch][..., -1] >= 0
        early = min(end, first_stop)
        if at < early:
            slot = read_slots(trace.path, column, at, early, len(filled), batch)[..., -1]
            used[at - start : early - start] |= (slot >= 0) & filled[slot]
    return used
