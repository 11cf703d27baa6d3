"""Columns that name other steps (usage, sources), checked before anybody looks a step up by them."""

from pathlib import Path

import numpy as np

from samviz.trace.column import Array, Column
from samviz.trace.safety import refusal


def read_steps(
    path: Path, column: Column, start: int, stop: int, batch: int, *, before: bool = False
) -> Array:
    """What steps [start, stop) say of earlier ones: [n, ...], -1 for none.

    before: whether steps before the recording (below -1) may be named, as where /start tells of them.
    Raises TraceError where a step names itself, a later one, or one that cannot be.
    """
    values = column[start:stop, batch]
    step = np.arange(start, start + len(values)).reshape(-1, *(1 for _ in values.shape[1:]))
    wrong = np.argwhere((values >= step) | ((values < -1) & (not before)))
    if wrong.size:
        at = tuple(wrong[0])
        key = f"/{column.name} step {start + at[0]}"
        expected = f"an earlier step, at most {start + at[0] - 1}, or -1"
        raise refusal(path, key, expected, values[at], "the file is damaged there")
    return values
