"""What the memory held before a step: the /start of a trace that begins there."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from samviz.analysis.usage import last_keys
from samviz.rewrite.plan import Pieces, whole
from samviz.trace import Trace
from samviz.trace.hdf5.column import READ_BYTES, Array
from samviz.trace.memory.entries import read_slots


class StartRows:
    """The content of some slots before a step, read out of the replayed memory when it is asked for."""

    def __init__(self, trace: Trace, first: int, batch: Array, slot: Array) -> None:
        self._trace, self._first, self._batch, self._slot = trace, first, batch, slot
        self.shape: tuple[int, ...] = (len(slot), trace.dimensions.word_size)
        self.dtype: np.dtype[Any] = np.dtype("<f4")

    def __getitem__(self, key: Any) -> Array:
        batch, slot = self._batch[key], self._slot[key]
        rows = np.empty((len(slot), self.shape[1]), self.dtype)
        for element in np.unique(batch):
            mine = batch == element
            rows[mine] = self._trace.memory(self._first - 1, slot[mine], int(element))
        return rows


def start_pieces(trace: Trace, first: int) -> Pieces:
    """/start of the steps from `first` > 0 on: every slot that is not fresh by then, with its last access.

    Those of a batch element that were never accessed come first, in slot order; then the oldest access first.
    A batch element whose episode begins there starts afresh. Nothing where all of them do.
    """
    batch, slot, access = [], [], []
    for element in range(trace.dimensions.batch):
        if trace.episode_at(first, element).start < first:
            used, last_access = _used_slots(trace, first, element)
            batch.append(np.full(len(used), element, "<i4"))
            slot.append(used.astype("<i4"))
            access.append(last_access.astype("<i8"))
    if not sum(map(len, slot)):
        return {}
    batches, slots = np.concatenate(batch), np.concatenate(slot)
    return {
        "start/slot": whole(slots),
        "start/batch": whole(batches),
        "start/row": whole(StartRows(trace, first, batches, slots)),
        "start/last_access": whole(np.concatenate(access)),
    }


def _used_slots(trace: Trace, first: int, batch: int) -> tuple[Array, Array]:
    """The slots that hold something or were accessed in the episode, in order, and their last accesses."""
    accessed = trace.usage(first - 1, batch)
    used = accessed != -1
    quiet = np.flatnonzero(_written(trace, first, batch) & ~used)
    block = max(1, READ_BYTES // (4 * trace.dimensions.word_size))
    for start in range(0, len(quiet), block):
        slots = quiet[start : start + block]
        used[slots] = trace.memory(first - 1, slots, batch).view("<u4").any(axis=1)  # -0.0 is not fresh
    slots = np.flatnonzero(used)
    slots = slots[np.argsort(last_keys(trace, first - 1, batch)[slots], kind="stable")]
    return slots, _counted_back(accessed[slots], first)


def _written(trace: Trace, first: int, batch: int) -> Array:
    """Which slots the episode wrote before step `first`, or held before the trace began: [N] bool."""
    written = np.zeros(trace.dimensions.slots, bool)
    episode = trace.episode_at(first - 1, batch)
    for start, stop in _blocks(trace, episode.start, first):
        slots = read_slots(trace.path, trace["write/slot"], start, stop, len(written), batch)
        written[slots[slots >= 0]] = True
    if episode.start == 0:
        written[trace.start_slots(batch)] = True
    return written


def _blocks(trace: Trace, start: int, stop: int) -> Iterator[tuple[int, int]]:
    length = max(1, READ_BYTES // (4 * trace.dimensions.heads * trace.dimensions.write_entries))
    for at in range(start, stop, length):
        yield at, min(at + length, stop)


def _counted_back(accessed: Array, first: int) -> Array:
    """Steps as /start/last_access has them: -1 - n where the access was n steps before `first`, -1 never.

    What was counted back from step 0 before lies `first` steps further back now.
    """
    back = np.where(accessed >= 0, accessed - first - 1, accessed - first)
    return np.where(accessed == -1, -1, back)
