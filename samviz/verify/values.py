"""Does every number of a trace lie where the format says, and does every checksum match?"""

from collections.abc import Callable, Iterator

import numpy as np

from samviz.errors import TraceError
from samviz.trace import Trace
from samviz.trace.hdf5.column import READ_BYTES, Array, Column
from samviz.trace.schema import DATASETS
from samviz.verify.report import Check, without_path

Progress = Callable[[int], None]
# whether the values of steps [first, first + n) are lawful: [n, ...] bool
Rule = Callable[[Array, int], Array]

FINITE = {"read/weight", "write/weight"}
WEIGHT_OF = {name: name.replace("weight", "slot") for name in DATASETS if name.endswith("weight")}


def value_checks(trace: Trace, report: Progress = lambda _: None) -> Iterator[Check]:
    """Read every dataset to its end, a block at a time: one check each. `report` hears of bytes read."""
    for name in trace.datasets:
        try:
            yield _check(trace, trace[name], report)
        except TraceError as error:
            yield Check(f"/{name}", "failed", without_path(trace, error))


def total_bytes(trace: Trace) -> int:
    """Bytes that `value_checks` reads."""
    return sum(int(np.prod(trace[name].shape)) * trace[name].dtype.itemsize for name in trace.datasets)


def _check(trace: Trace, column: Column, report: Progress) -> Check:
    words, rule = _rule(trace, column.name)
    for first, block in blocks(column):
        wrong = ~rule(block, first)
        if wrong.any():
            place = tuple(int(at) for at in np.argwhere(wrong)[0])
            where = (
                f"step {first + place[0]}" if DATASETS[column.name].per_step else f"row {first + place[0]}"
            )
            return Check(f"/{column.name}", "failed", f"{where}: expected {words}, found {block[place]}")
        report(block.nbytes)
    return Check(f"/{column.name}", "passed", f"{'x'.join(map(str, column.shape))}, {words}")


def blocks(column: Column) -> Iterator[tuple[int, Array]]:
    """The column in pieces of whole chunks, at most 16 MiB or one chunk, each with its first row's number."""
    row_bytes = max(1, int(np.prod(column.shape[1:])) * column.dtype.itemsize)
    rows = max(1, READ_BYTES // (row_bytes * column.chunk_steps)) * column.chunk_steps
    for first in range(0, len(column), rows):
        yield first, column[first : first + rows]


def _rule(trace: Trace, name: str) -> tuple[str, Rule]:
    """What the format says of the values of a dataset, in words and as a function."""
    slots = trace.dimensions.slots
    if name == "start/slot":
        return f"slots from 0 to {slots - 1}", lambda block, _: (block >= 0) & (block < slots)
    if name == "start/last_access":
        return "steps before the recording", lambda block, _: block < 0
    if name == "read/slot":
        words = f"slots from -1 to {slots - 1}, none twice in a head's read"
        return words, lambda block, _: (block >= -1) & (block < slots) & ~_told_before(block)
    if name.endswith("slot"):
        return f"slots from -1 to {slots - 1}", lambda block, _: (block >= -1) & (block < slots)
    if name in WEIGHT_OF:
        return "finite weights, 0 where there is no entry", _weights(trace[WEIGHT_OF[name]])
    if name in ("usage/read", "usage/write", "io/source"):
        return "steps from -1 to the one before", _before_itself
    if name == "io/mask":
        return "0 or 1", lambda block, _: block <= 1
    if name.endswith("batch"):
        return "batch elements", lambda block, _: (block >= 0) & (block < trace.dimensions.batch)
    if name == "check/step":
        return "steps from 0", lambda block, _: block >= 0
    return "every checksum matches", lambda block, _: np.ones(block.shape, bool)


def _weights(slot: Column) -> Rule:
    def lawful(block: Array, first: int) -> Array:
        used = slot[first : first + len(block)] >= 0
        return np.asarray(np.isfinite(block) & (used | (block == 0)))

    return lawful


def _told_before(slot: Array) -> Array:
    """Entries that name a slot which an earlier entry of the same head named: [n, B, H, R] bool."""
    order = np.argsort(slot, axis=-1, kind="stable")
    ordered = np.take_along_axis(slot, order, -1)
    again = np.zeros(slot.shape, bool)
    again[..., 1:] = (ordered[..., 1:] == ordered[..., :-1]) & (ordered[..., 1:] >= 0)
    told = np.empty_like(again)
    np.put_along_axis(told, order, again, -1)
    return told


def _before_itself(block: Array, first: int) -> Array:
    step = np.arange(first, first + len(block)).reshape(-1, *[1] * (block.ndim - 1))
    return (block >= -1) & (block < step)
