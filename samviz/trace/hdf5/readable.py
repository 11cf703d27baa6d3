"""How far a column can be read."""

from samviz.errors import TraceError
from samviz.trace.hdf5.column import Column


def can_read(column: Column, start: int, stop: int) -> bool:
    """Whether the rows [start, stop) can be read."""
    try:
        column[start:stop]
    except TraceError:
        return False
    return True


def first_unreadable(column: Column, start: int, stop: int) -> int:
    """The first row of [start, stop) that cannot be read, where there is one."""
    while stop - start > 1:
        middle = (start + stop) // 2
        if can_read(column, start, middle):
            start = middle
        else:
            stop = middle
    return start
