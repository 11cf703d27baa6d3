"""Which part of a trace can still be read."""

from contextlib import suppress
from math import prod
from typing import Any, NamedTuple

from samviz.errors import TraceError
from samviz.rewrite.progress import Progress
from samviz.rewrite.source import Source
from samviz.trace.column import READ_BYTES, Column
from samviz.trace.schema import DATASETS


class Damage(NamedTuple):
    """Every dataset can be read before step `steps`; `reason` says what ends there, "" where nothing does.

    unread: datasets that are not per step and cannot be read.
    """

    steps: int
    reason: str
    unread: tuple[str, ...]


def find_damage(source: Source, progress: Progress) -> Damage:
    """Read every dataset once, at most 16 MiB at a time."""
    steps, reason = source.n_steps, ""
    if steps < source.committed:
        reason = f"a dataset ends before step {steps}"
    unread = []
    for name, column in source.columns.items():
        wanted = steps if DATASETS[name].per_step else len(column)
        readable = _readable_rows(column, min(wanted, _rows_in_file(source, name)), progress)
        if readable == wanted:
            continue
        if DATASETS[name].per_step:
            steps, reason = readable, f"/{name} is damaged from step {readable} on"
        else:
            unread.append(name)
    return Damage(steps, reason, tuple(unread))


def column_bytes(column: Column) -> int:
    """What a column holds, unpacked."""
    return prod(column.shape) * column.dtype.itemsize


def _readable_rows(column: Column, stop: int, progress: Progress) -> int:
    """The rows before the first that cannot be read, of the first `stop`."""
    row_bytes = max(1, prod(column.shape[1:]) * column.dtype.itemsize)
    length = max(1, READ_BYTES // row_bytes)
    for start in range(0, stop, length):
        end = min(start + length, stop)
        if not _can_read(column, start, end):
            return _first_unreadable(column, start, end)
        progress.advance((end - start) * row_bytes)
    return stop


def _rows_in_file(source: Source, name: str) -> int:
    """The rows before the first whose data lie beyond the end of the file, which has been cut short.

    HDF5 reads zeros there, and the checksum of zeros is zero: nothing else tells.
    """
    dataset = source.file[name]
    rows, end = len(dataset), source.path.stat().st_size
    if dataset.chunks is None:
        offset = dataset.id.get_offset()
        return rows if offset is None or offset + dataset.nbytes <= end else 0

    def look(chunk: Any) -> None:
        nonlocal rows
        if chunk.byte_offset + chunk.size > end:
            rows = min(rows, chunk.chunk_offset[0])

    with suppress(OSError, RuntimeError):  # rows that the index has lost cannot be read either
        dataset.id.chunk_iter(look)
    return rows


def _first_unreadable(column: Column, start: int, stop: int) -> int:
    """The first row of [start, stop) that cannot be read, where there is one."""
    while stop - start > 1:
        middle = (start + stop) // 2
        if _can_read(column, start, middle):
            start = middle
        else:
            stop = middle
    return start


def _can_read(column: Column, start: int, stop: int) -> bool:
    try:
        column[start:stop]
    except TraceError:
        return False
    return True
