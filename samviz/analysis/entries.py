"""The read and write entries of a window, checked before anybody indexes with them."""

import numpy as np
from numpy.typing import NDArray

from samviz.trace.memory.entries import Access, merged_weights, read_slots, read_weights
from samviz.trace.reader import Trace


def slots_of(trace: Trace, kind: Access, start: int, stop: int, batch: int = 0) -> NDArray[np.int32]:
    """[T, H, R] slots of the entries of steps [start, stop), -1 where there is no entry."""
    slot = read_slots(trace.path, trace[f"{kind}/slot"], start, stop, trace.dimensions.slots, batch)
    return np.asarray(slot, np.int32)


def weights_of(trace: Trace, kind: Access, start: int, stop: int, batch: int = 0) -> NDArray[np.float32]:
    """[T, H, R] weights of the same entries."""
    return np.asarray(read_weights(trace.path, trace[f"{kind}/weight"], start, stop, batch), np.float32)


def merged_of(
    trace: Trace, kind: Access, start: int, stop: int, batch: int = 0
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Slots and weights [T, H, R]; a weight is the head's whole weight at that slot, which delta is about."""
    slot = slots_of(trace, kind, start, stop, batch)
    merged = merged_weights(slot, weights_of(trace, kind, start, stop, batch))
    return slot, np.asarray(merged, np.float32)
