"""Reads and writes as entries: from weights over all slots, from fewer than a trace holds, from a memory.

Shape legend: T steps, B batch, H heads, N slots, W word size, n entries or slots told, R read entries,
E write entries.
"""

from typing import Any, Literal

import numpy as np

from samviz.errors import ConfigError
from samviz.recorder.fields import MEMORY, USAGE, dataset_of
from samviz.recorder.given import Array, Told, Wording, as_array, require_kind, require_slots
from samviz.trace.schema import DATASETS, Dimensions

Kind = Literal["read", "write"]
Parts = dict[str, Array]  # "slot", "weight" and what goes with each entry: "score" or "row"

UNUSED = {"slot": -1, "weight": 0.0, "score": 0.0, "row": 0.0}
ENTRY_PARTS: dict[Kind, tuple[str, ...]] = {
    "read": ("slot", "weight", "score"),
    "write": ("slot", "weight", "row"),
}


def with_entries(told: Told, sizes: Dimensions, steps: int, wording: Wording) -> tuple[Told, float]:
    """The fields with R read and E write entries [T, B, H, ...], unused ones -1, and a row for each write.

    Weights without slots are those of slots 0, 1, 2, ...; the largest are kept where the trace holds fewer.
    Rows are taken out of `memory` [T, B, n, W] where it is told in their place. A write whose head axis is 1
    belongs to head 0. What is not read or written may be missing.

    Returns the fields, and the largest weight that one read lost.

    Raises:
        ConfigError: what is told does not fit, is incomplete, or names a slot twice in one read.
    """
    memory = told.get(MEMORY)
    told = {field: value for field, value in told.items() if field not in (MEMORY, *USAGE)}
    left_out = 0.0
    kinds: tuple[Kind, Kind] = ("read", "write")
    for kind in kinds:
        parts = _parts(told, kind, wording)
        if parts:
            _check_shapes(parts, kind, sizes, steps, wording)
            if "slot" not in parts:
                parts, lost = _largest(parts, kind, sizes, wording)
                left_out = max(left_out, lost)
            _check_slots(parts, kind, sizes, wording)
            if kind == "write":
                parts |= {"row": _rows(parts, memory, sizes, wording)}
        told |= {f"{kind}_{part}": array for part, array in _filled(parts, kind, sizes, steps).items()}
    return told, left_out


def _parts(told: Told, kind: Kind, wording: Wording) -> Parts:
    """What is told of the entries of one kind; weights are float32, as the trace holds them."""
    parts = {}
    for part in ENTRY_PARTS[kind]:
        field = f"{kind}_{part}"
        if field in told:
            parts[part] = as_array(told[field], wording.prefix + field)
            dtype = np.dtype(DATASETS[dataset_of(field)].dtypes[0])
            require_kind(parts[part], wording.prefix + field, dtype)
    if parts and "weight" not in parts:
        raise ConfigError(f"{wording.prefix}{kind}_weight: expected the weights of {kind}_slot, found none")
    return parts | {"weight": parts["weight"].astype(np.float32, copy=False)} if parts else {}


def _check_shapes(parts: Parts, kind: Kind, sizes: Dimensions, steps: int, wording: Wording) -> None:
    room = sizes.read_entries if kind == "read" else sizes.write_entries
    most, what = (room, "entries") if "slot" in parts else (sizes.slots, "slots")
    weight = parts["weight"]
    heads = (sizes.heads, 1) if kind == "write" else (sizes.heads,)
    fits = weight.ndim == 4 and weight.shape[:2] == (steps, sizes.batch) and weight.shape[2] in heads
    if not fits or weight.shape[3] > most:
        lead = ", ".join(map(str, wording.shape((steps, sizes.batch, sizes.heads))))
        advice = f"; for more make the recorder with {kind}_entries=..." if fits and what == "entries" else ""
        raise ConfigError(
            f"{wording.prefix}{kind}_weight: expected shape [{lead}, n] of at most {most} {what}, "
            f"found {wording.shape(weight.shape)}{advice}"
        )
    for part, array in parts.items():
        shape = (*weight.shape, sizes.word_size) if part == "row" else weight.shape
        if array.shape != shape:
            found = wording.shape(array.shape)
            raise ConfigError(
                f"{wording.prefix}{kind}_{part}: expected shape {wording.shape(shape)}, found {found}"
            )
    if not np.isfinite(weight).all():
        found = weight[~np.isfinite(weight)][0]
        raise ConfigError(f"{wording.prefix}{kind}_weight: expected finite weights, found {found}")


def _largest(parts: Parts, kind: Kind, sizes: Dimensions, wording: Wording) -> tuple[Parts, float]:
    """Weights over slots as entries, all or the largest; and the most that one read lost."""
    weight = parts["weight"]
    room = sizes.read_entries if kind == "read" else sizes.write_entries
    slot = np.broadcast_to(np.arange(weight.shape[3], dtype=np.int32), weight.shape)
    if weight.shape[3] <= room:
        return parts | {"slot": slot}, 0.0
    used = int(np.count_nonzero(weight, axis=-1).max(initial=0))
    if used > room and (kind == "write" or room >= sizes.reads):
        raise ConfigError(_too_many(kind, room, used, wording))
    order = np.argsort(-np.abs(weight), axis=-1, kind="stable")[..., :room]
    kept = {part: _taken(array, order) for part, array in (parts | {"slot": slot}).items()}
    kept["slot"] = np.where(kept["weight"] == 0, -1, kept["slot"])
    lost = np.abs(weight).sum(-1, dtype=float) - np.abs(kept["weight"]).sum(-1, dtype=float)
    return kept, max(float(lost.max(initial=0.0)), 0.0) if used > room else 0.0


def _too_many(kind: Kind, room: int, used: int, wording: Wording) -> str:
    advice = {
        "read": f"to record the {room} largest alone, make it with read_entries={room}, without reads",
        "write": "a write cannot be left out: make the recorder with more write_entries",
    }
    found = f"expected at most {room} slots with a weight, found {used}"
    return f"{wording.prefix}{kind}_weight: {found}; {advice[kind]}"


def _taken(array: Array, order: Array) -> Array:
    """The entries of [T, B, H, n] or [T, B, H, n, W] in that order."""
    return np.take_along_axis(array, order[..., None] if array.ndim > order.ndim else order, axis=3)


def _check_slots(parts: Parts, kind: Kind, sizes: Dimensions, wording: Wording) -> None:
    slot, name = parts["slot"], f"{wording.prefix}{kind}_slot"
    require_slots(slot, name, sizes.slots)
    if kind == "read":
        ordered = np.sort(slot, axis=-1)
        twice = (ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] >= 0)
        if twice.any():
            found = int(ordered[..., 1:][twice][0])
            raise ConfigError(f"{name}: expected each slot once in a head's read, found {found} twice")


def _rows(parts: Parts, memory: Any, sizes: Dimensions, wording: Wording) -> Array:
    """The content of the slots written: [T, B, H, n, W], as told or out of the memory."""
    if "row" in parts:
        if memory is not None:
            raise ConfigError(f"{wording.prefix}write_row: expected it or memory, found both")
        return parts["row"]
    if memory is None:
        raise ConfigError(
            f"{wording.prefix}write_row: expected the rows after the write, or memory, found neither"
        )
    slot = parts["slot"]
    shape = tuple(np.shape(memory))
    expected = (*slot.shape[:2], sizes.slots, sizes.word_size)
    if (
        len(shape) != 4
        or (*shape[:2], shape[3]) != (*expected[:2], expected[3])
        or slot.max(initial=-1) >= shape[2]
    ):
        found = wording.shape(shape)
        raise ConfigError(
            f"{wording.prefix}{MEMORY}: expected shape {wording.shape(expected)}, found {found}"
        )
    return _out_of(memory, np.maximum(slot, 0).astype(np.int64), wording)


def _out_of(memory: Any, slot: Array, wording: Wording) -> Array:
    """memory[t, b, slot[t, b, h, e]]: only these rows leave the device that the memory is on."""
    step, element = np.indices(slot.shape[:2])[..., None, None]
    memory = memory.detach() if hasattr(memory, "detach") else memory
    memory = memory if hasattr(memory, "shape") else as_array(memory, wording.prefix + MEMORY)
    if slot.size == 0:
        return np.zeros((*slot.shape, memory.shape[3]), np.float32)
    return as_array(memory[step, element, slot], wording.prefix + MEMORY)


def _filled(parts: Parts, kind: Kind, sizes: Dimensions, steps: int) -> Parts:
    """The entries [T, B, H, R] or [T, B, H, E, ...] of a trace: unused ones where fewer are told."""
    room = sizes.read_entries if kind == "read" else sizes.write_entries
    lead = (steps, sizes.batch, sizes.heads, room)
    names = [
        "slot",
        "weight",
        *(["row"] if kind == "write" else []),
        *(["score"] if "score" in parts else []),
    ]
    filled = {}
    for part in names:
        shape = (*lead, sizes.word_size) if part == "row" else lead
        array = np.full(shape, UNUSED[part], "i4" if part == "slot" else "f4")
        if part in parts:
            heads, entries = parts[part].shape[2:4]
            array[:, :, :heads, :entries] = parts[part]
        filled[part] = array
    unused = filled["slot"] < 0
    for part in names[1:]:
        filled[part][unused] = UNUSED[part]
    return filled
