"""How many rows of /check are whole: they are committed with the steps that they belong to."""

from collections.abc import Mapping

import numpy as np

from samviz.trace.hdf5.column import Array, Column
from samviz.trace.hdf5.readable import can_read, first_unreadable


def count_true_rows(columns: Mapping[str, Column], n_steps: int, *, complete: bool) -> int:
    """Rows of /check up to the first that no committed step stands for.

    Args:
        columns: those of /check; in a live file some may be longer than others.
        complete: the recording ended well, so that all rows are whole and a damaged one is an error.
    """
    length = min(map(len, columns.values()))
    steps = _whole(columns["check/step"], length, complete)
    unlawful = (steps < 0) | (steps >= n_steps) | (np.diff(steps, prepend=0) < 0)
    return int(unlawful.argmax()) if unlawful.any() else len(steps)


def _whole(column: Column, length: int, complete: bool) -> Array:
    """The rows before those that a killed writer left unfinished."""
    if not complete and length and not can_read(column, 0, length):
        length = first_unreadable(column, 0, length)
    return column[:length]
