"""Which part of a trace can still be read."""

from math import prod
from typing import NamedTuple

from samviz.errors import TraceError
from samviz.rewrite.progress import Progress
from samviz.rewrite.source import Source
from samviz.trace.hdf5.column import READ_BYTES, Column
from samviz.trace.hdf5.readable import can_read, first_unreadable
from samviz.trace.hdf5.tail import readable_steps
from samviz.trace.schema import DATASETS, STATUS


class Damage(NamedTuple):
    """Every dataset can be read before step `steps`; `reason` says what ends there, "" where nothing does.

    unread: datasets that are not per step and cannot be read.
    """

    steps: int
    reason: str
    unread: tuple[str, ...]


def find_damage(source: Source, progress: Progress) -> Damage:
    """Read every dataset once, at most 16 MiB at a time."""
    steps, reason = _told_steps(source)
    unread = []
    for name, column in source.columns.items():
        wanted = steps if DATASETS[name].per_step else len(column)
        readable = _readable_rows(column, wanted, progress)
        if readable == wanted:
            continue
        if DATASETS[name].per_step:
            steps, reason = readable, f"/{name} is damaged from step {readable} on"
        else:
            unread.append(name)
    return Damage(steps, reason, tuple(unread))


def _told_steps(source: Source) -> tuple[int, str]:
    """The steps that there may be, before each is read: those that a reader of the trace would show."""
    steps, reason = source.n_steps, ""
    if steps < source.committed:
        reason = f"a dataset ends before step {steps}"
    if steps > source.committed:
        reason = f"it counts {source.committed} steps, but a finished recording holds {steps}"
    if STATUS[source.status] != "complete":
        per_step = {name: column for name, column in source.columns.items() if DATASETS[name].per_step}
        try:
            shown, _ = readable_steps(source.path, per_step, steps)
        except TraceError:
            shown = 0
        if shown < steps:
            return shown, f"its end is damaged from step {shown} on"
    return steps, reason


def column_bytes(column: Column) -> int:
    """What a column holds, unpacked."""
    return prod(column.shape) * column.dtype.itemsize


def _readable_rows(column: Column, stop: int, progress: Progress) -> int:
    """The rows before the first that cannot be read, of the first `stop`."""
    row_bytes = max(1, prod(column.shape[1:]) * column.dtype.itemsize)
    length = max(1, READ_BYTES // row_bytes)
    for start in range(0, stop, length):
        end = min(start + length, stop)
        if not can_read(column, start, end):
            return first_unreadable(column, start, end)
        progress.advance((end - start) * row_bytes)
    return stop
