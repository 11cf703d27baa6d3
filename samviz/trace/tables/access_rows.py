"""The table "accesses": a row for everything that a head read, wrote or erased.

A row "read" or "write" is one entry of the trace, a slot and its weight as recorded; a head's write may name
a slot twice, and its weights add up. A row "erase" (where the trace says that the last write entry of each
head is erased) tells that this slot was emptied before the step's writes, all of it, so its weight is 1; what
the head then wrote there is a row "write" of its own. Entries that were not used (slot -1) are no rows.

Rows are in the order in which things happen: by step, batch element, erase, write, read, head, entry.

Shape legend: n steps of a block, B batch, H heads, E write entries, R read entries, J rows of a step at most.
"""

import numpy as np

from samviz.trace.hdf5.column import Array
from samviz.trace.memory.entries import read_slots, read_weights
from samviz.trace.memory.history import ERASED
from samviz.trace.opened import Opened

KINDS = ("read", "write", "erase")
READ, WRITE, ERASE = range(3)


def access_rows(
    trace: Opened, start: int, stop: int, batch: slice, min_weight: float | None = None
) -> dict[str, Array]:
    """The accesses of steps [start, stop) as columns of one length, `kind` as an index into KINDS.

    Entries of less than `min_weight` are left out. Raises TraceError where the file is damaged.
    """
    slot, weight = _entries(trace, start, stop, batch)  # [n, B, J]
    used = slot >= 0
    if min_weight is not None:
        used &= weight >= np.float32(min_weight)
    step, element, place = np.nonzero(used)
    kind, head = _places(trace)
    return {
        "step": start + step,
        "episode": trace["episode"][start:stop, batch][step, element],
        "head": head[place],
        "kind": kind[place],
        "slot": slot[used],
        "weight": weight[used],
        "batch": (batch.start + element).astype(np.int32),
    }


def most_rows(trace: Opened) -> int:
    """J: the rows that a step of one batch element has if every entry is used."""
    return len(_places(trace)[0])


def _entries(trace: Opened, start: int, stop: int, batch: slice) -> tuple[Array, Array]:
    """Slots and weights [n, B, J] in the order of `_places`."""
    slots, weights = [], []
    for name in ("write", "read"):
        slot = read_slots(trace.path, trace[f"{name}/slot"], start, stop, trace.dimensions.slots, batch)
        weight = read_weights(trace.path, trace[f"{name}/weight"], start, stop, batch)
        if name == "write" and trace.last_write_erases:
            erased = slot[..., -1]  # [n, B, H]
            slots.append(erased)
            weights.append(np.full(erased.shape, ERASED, np.float32))
        flat = (*slot.shape[:2], slot.shape[2] * slot.shape[3])
        slots.append(slot.reshape(flat))
        weights.append(weight.reshape(flat))
    return np.concatenate(slots, -1), np.concatenate(weights, -1)


def _places(trace: Opened) -> tuple[Array, Array]:
    """Kind [J] int8 and head [J] int32 of the entries of a step: erased, written, read."""
    heads, write_entries = trace["write/slot"].shape[2:]
    read_entries = trace["read/slot"].shape[3]
    entries = {ERASE: int(trace.last_write_erases), WRITE: write_entries, READ: read_entries}
    kind = np.repeat(np.array([*entries], np.int8), [heads * count for count in entries.values()])
    head = [np.repeat(np.arange(heads, dtype=np.int32), count) for count in entries.values()]
    return kind, np.concatenate(head)
