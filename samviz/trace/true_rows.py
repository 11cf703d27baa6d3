"""How many rows of /check are whole: they are committed with the steps that they belong to."""

from collections.abc import Mapping

import numpy as np

from samviz.errors import TraceError
from samviz.trace.column import Array, Column


def count_true_rows(columns: Mapping[str, Column], n_steps: int, *, complete: bool) -> int:
    """Rows of /check up to the first that no committed step stands for.

    Args:
        columns: those of /check; in a live file some may be longer than others.
        complete: the recording ended well, so that all rows are whole and a damaged one is an error.
    """
    length = min(map(len, columns.values()))
    steps = _readable(columns["check/step"], length, complete)
    unlawful = (steps < 0) | (steps >= n_steps) | (np.diff(steps, prepend=0) < 0)
    return int(unlawful.argmax()) if unlawful.any() else len(steps)


def _readable(column: Column, length: int, complete: bool) -> Array:
    """The rows before those that a killed writer left unfinished."""
    while True:
        try:
            return column[:length]
        except TraceError:
            if complete or length == 0:
                raise
            length -= 1
