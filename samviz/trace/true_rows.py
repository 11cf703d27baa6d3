"""How many rows of /check are whole: they are committed with the steps that they belong to."""

import numpy as np

from samviz.errors import TraceError
from samviz.trace.column import Column


def count_true_rows(step: Column, n_steps: int, complete: bool) -> int:
    """Rows of /check up to the first that no committed step stands for.

    Args:
        step: the column check/step.
        complete: the trace was closed, so that all rows are whole and a damaged one is an error.
    """
    try:
        steps = step[:]
    except TraceError:
        if complete:
            raise
        return 0  # the writer was killed in the middle of one
    unlawful = (steps < 0) | (steps >= n_steps) | (np.diff(steps, prepend=0) < 0)
    return int(unlawful.argmax()) if unlawful.any() else len(steps)
