"""Steps of one count as steps of another: those of a model in a trace, those of a trace in a part of it."""

from typing import Any

import numpy as np
import numpy.typing as npt

STEP_VALUED = ("usage/read", "usage/write", "io/source")


def shifted_steps(steps: npt.NDArray[Any], shift: int) -> npt.NDArray[np.int64]:
    """The steps, `shift` later; -1 (never, none) stays, one that falls before step 0 becomes -1."""
    moved = steps.astype(np.int64) + shift
    return np.where((steps >= 0) & (moved >= 0), moved, -1)
