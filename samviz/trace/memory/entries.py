"""The entries of reads and writes: blocks of them, checked before anybody indexes with them, and merged.

Shape legend: n steps of a block, B batch, H heads, E entries of a head.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from samviz.trace.hdf5.column import READ_BYTES, Array, Column
from samviz.trace.hdf5.safety import refusal

Access = Literal["read", "write"]

ACCESSES: tuple[Access, Access] = ("write", "read")  # a step writes before it reads
MANY_ENTRIES = 32  # of a head: beyond, comparing each with each costs more than sorting them


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
    of = first.ravel().cumsum() - 1  # which sum an entry belongs to
    sums = np.zeros(first.sum(), weight.dtype)
    np.add.at(sums, of, np.take_along_axis(weight, order, -1).ravel())  # one by one; reduceat adds in pairs
    merged = np.empty_like(weight)
    np.put_along_axis(merged, order, sums[of].reshape(slot.shape), -1)
    return merged


def blocks_backwards(start: int, stop: int, step_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut [start, stop) into blocks, newest first: small ones to begin with, never over 16 MiB."""
    largest = max(1, READ_BYTES // step_bytes)
    length = min(1024, largest)
    while stop > start:
        yield max(start, stop - length), stop
        stop -= length
        length = min(2 * length, largest)
