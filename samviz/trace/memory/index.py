"""The inverted index: for every slot, the entries that read or wrote it, in the order of the steps.

A trace lies in the order of steps; questions about a slot's past ask across it. An index is built once for a
trace, its reads or writes, and one batch element: two passes over two columns, a block at a time. It takes
eight bytes an entry and eight a slot, in memory while it is built, above which nothing grows with the trace;
afterwards that of a long trace lies in the user's cache folder, mapped (index_cache.py).

Shape legend: n steps of a block, H heads, E entries of a head, P = H * E, N slots, M entries in all.
"""

import math
from threading import RLock
from typing import Any, NamedTuple

import numpy as np

from samviz.trace.hdf5.column import READ_BYTES, Array
from samviz.trace.hdf5.safety import refusal
from samviz.trace.memory import index_cache
from samviz.trace.memory.entries import MANY_ENTRIES, Access, merged_weights, read_slots, read_weights
from samviz.trace.memory.slot_index import SlotIndex
from samviz.trace.memory.taken import taken_in_use
from samviz.trace.opened import Opened

Blocks = list[tuple[int, int]]

KEPT_IN_MEMORY = 2**20  # indexes of fewer entries are not written to the cache folder


class Shorter(NamedTuple):
    """The index of a trace when it was shorter."""

    steps: int
    built: SlotIndex


class Indexes:
    """The indexes of a trace, each built when it is first asked for. Threads may share it.

    before: those of the same trace when it had fewer steps, which are gone on with.
    """

    def __init__(self, before: "dict[tuple[Access, int], Shorter] | None" = None) -> None:
        self._lock = RLock()
        self._built: dict[tuple[Access, int], SlotIndex] = {}
        self._before = dict(before or {})

    def built(self, kind: Access, batch: int) -> SlotIndex | None:
        """The index if there is one by now."""
        return self._built.get((kind, batch))

    def so_far(self, steps: int) -> dict[tuple[Access, int], Shorter]:
        """What there is, for a trace that goes on after these steps."""
        return self._before | {key: Shorter(steps, built) for key, built in self._built.copy().items()}

    def get(self, trace: Opened, kind: Access, batch: int) -> SlotIndex:
        """The index: from this process, from the cache folder, or built. Raises TraceError."""
        with self._lock:
            found = self._built.get((kind, batch))
            if found is None:
                before = self._before.pop((kind, batch), None)  # no longer needed
                found = build(trace, kind, batch, before) if before else _load_or_build(trace, kind, batch)
                for array in found:  # so that kernels are compiled once, for built and for mapped ones
                    array.flags.writeable = False
                self._built[kind, batch] = found
            return found


def build(trace: Opened, kind: Access, batch: int, before: Shorter | None = None) -> SlotIndex:
    """Sort a batch element's reads or writes by slot; only those that the index `before` lacks are read.

    Raises:
        TraceError: a slot that is none, a weight that is no number, a part that cannot be read, or one that
            was changed in the meantime.
    """
    _, _, heads, entries = trace[f"{kind}/slot"].shape
    before = before or _nothing(trace)
    blocks = _blocks(before.steps, len(trace), 8 * heads * entries)
    first = _counted(trace, kind, batch, blocks) + before.built.first
    used = np.concatenate([before.built.used, _used(trace, kind, batch, before.steps)])
    return SlotIndex(first, *_placed(trace, kind, batch, blocks, first, before.built), used)


def _nothing(trace: Opened) -> Shorter:
    """The index of no steps."""
    first = np.zeros(trace.dimensions.slots + 1, np.int64)
    return Shorter(0, SlotIndex(first, np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, bool)))


def _counted(trace: Opened, kind: Access, batch: int, blocks: Blocks) -> Array:
    """[N + 1]: the place at which each slot's entries begin."""
    from samviz.kernels.inverted import count_slots

    first = np.zeros(trace.dimensions.slots + 1, np.int64)
    for start, stop in blocks:
        count_slots(_slots(trace, kind, start, stop, batch), first)
    return np.cumsum(first, out=first)


def _placed(
    trace: Opened, kind: Access, batch: int, blocks: Blocks, first: Array, before: SlotIndex
) -> tuple[Array, Array]:
    """[M], [M]: positions and weights in their places."""
    from samviz.kernels.inverted import move_entries, place_entries

    steps, _, heads, entries = trace[f"{kind}/slot"].shape
    wide = steps * heads * entries >= 2**31
    position, weight = np.empty(first[-1], np.int64 if wide else np.int32), np.empty(first[-1], np.float32)
    free, fits = first[:-1].copy(), True
    if before.position.size:
        move_entries(before[:3], first, free, position, weight)
    for start, stop in blocks:
        slot = _slots(trace, kind, start, stop, batch)
        weights = read_weights(trace.path, trace[f"{kind}/weight"], start, stop, batch)
        merged = _merged(slot, _plain(weights, np.float32))
        fits = fits and place_entries(slot, merged, start, first, free, position, weight)
    if not fits or (free != first[1:]).any():
        what = "the same at a second look", "other slots", "it was changed while it was read: open it again"
        raise refusal(trace.path, f"/{kind}/slot", *what)
    return position, weight


def _slots(trace: Opened, kind: Access, start: int, stop: int, batch: int) -> Array:
    column = trace[f"{kind}/slot"]
    return _plain(read_slots(trace.path, column, start, stop, trace.dimensions.slots, batch), np.int32)


def _load_or_build(trace: Opened, kind: Access, batch: int) -> SlotIndex:
    slots = trace[f"{kind}/slot"]
    if math.prod(slots.shape) // slots.shape[1] < KEPT_IN_MEMORY or not index_cache.may_be_kept(trace):
        return build(trace, kind, batch)
    key = index_cache.key_of(trace, kind, batch)
    found = index_cache.load(key) or _built_and_saved(trace, kind, batch, key)
    return SlotIndex(**found)


def _built_and_saved(trace: Opened, kind: Access, batch: int, key: index_cache.Key) -> dict[str, Array]:
    fresh = build(trace, kind, batch)._asdict()
    if not index_cache.save(key, fresh):
        return fresh
    del fresh  # before the mapped arrays come in
    return index_cache.load(key) or build(trace, kind, batch)._asdict()


def _blocks(begin: int, end: int, step_bytes: int) -> Blocks:
    length = max(1, READ_BYTES // step_bytes)
    return [(start, min(start + length, end)) for start in range(begin, end, length)]


def _merged(slot: Array, weight: Array) -> Array:
    if slot.shape[-1] > MANY_ENTRIES:
        return merged_weights(slot, weight)
    from samviz.kernels.inverted import merge_entries

    merged = np.empty_like(weight)
    merge_entries(slot, weight, merged)
    return merged


def _used(trace: Opened, kind: Access, batch: int, start: int) -> Array:
    if kind == "read":
        return np.zeros(0, bool)
    return taken_in_use(trace, start, len(trace), batch).ravel()


def _plain(array: Array, dtype: Any) -> Array:
    """Contiguous and of one type, so that kernels are compiled once."""
    return np.ascontiguousarray(array, dtype)
