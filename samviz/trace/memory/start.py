"""What the memory held before the first recorded step: /start, checked before anybody indexes with it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from samviz.trace.hdf5.column import READ_BYTES, Array, Column
from samviz.trace.hdf5.safety import refusal

ADVICE = "the file is damaged there"


def start_slots(path: Path, batch_of: Column, slot_of: Column, sizes: tuple[int, int], batch: int) -> Array:
    """(place in /start, slot) of every slot that the batch element's memory held: [n, 2] int64, by slot.

    sizes: (B, N). Raises TraceError for a batch element or slot that is not there, or a slot told twice.
    """
    batches, slots = sizes
    found = []
    for start, stop in _blocks(len(slot_of)):
        element, slot = batch_of[start:stop], slot_of[start:stop]
        _check_range(path, "start/batch", element, batches, start)
        _check_range(path, "start/slot", slot, slots, start)
        mine = np.flatnonzero(element == batch)
        found.append(np.stack([start + mine, slot[mine].astype(np.int64)], 1))
    told = np.concatenate(found) if found else np.zeros((0, 2), np.int64)
    told = told[np.argsort(told[:, 1], kind="stable")]
    twice = np.flatnonzero(np.diff(told[:, 1]) == 0)
    if twice.size:
        what = f"slot {told[twice[0], 1]} of batch element {batch} twice"
        raise refusal(path, "/start/slot", "each slot once", what, ADVICE)
    return told


def start_accesses(path: Path, column: Column, places: Array) -> Array:
    """The last access of the slots at those places of /start: [n] int64, negative steps."""
    order = np.argsort(places)
    steps = np.empty(len(places), np.int64)
    steps[order] = column.gather(places[order], ())
    if steps.size and steps.max() >= 0:
        key = f"/start/last_access row {places[steps.argmax()]}"
        raise refusal(path, key, "a step before the recording: negative", steps.max(), ADVICE)
    return steps


def _check_range(path: Path, name: str, values: Array, size: int, first: int) -> None:
    wrong = np.flatnonzero((values < 0) | (values >= size))
    if wrong.size:
        what = {"start/slot": "slots", "start/batch": "batch elements"}[name]
        found = f"{values[wrong[0]]} in row {first + wrong[0]}"
        raise refusal(path, f"/{name}", f"{what} from 0 to {size - 1}", found, ADVICE)


def _blocks(rows: int) -> Iterator[tuple[int, int]]:
    length = READ_BYTES // 4
    return ((start, min(start + length, rows)) for start in range(0, rows, length))
