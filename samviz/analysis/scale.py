"""The fixed scales of a trace: magnitudes are compared over the whole run, never within a frame."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.trace.reader import Trace

SAMPLED_STEPS = 512
COVERED = 99.5


class Scales(NamedTuple):
    """Where the colours of memory content end, and the top of the strength lines."""

    memory: float
    beta: float


def scales(trace: Trace, batch: int = 0) -> Scales:
    """Both scales, from the whole run."""
    beta = _finite(trace["gate/beta"][:, batch]) if "gate/beta" in trace else np.zeros(0)
    return Scales(memory_scale(trace, batch), float(beta.max()) if beta.size and beta.max() > 0 else 1.0)


def memory_scale(trace: Trace, batch: int = 0) -> float:
    """The magnitude that 99.5 % of the non-zero values stay within: those written in up to 512 spread steps.

    What the memory held before the first step counts, too.
    """
    steps = len(trace)
    if steps == 0:
        return 1.0
    pieces = np.linspace(0, steps, min(16, steps) + 1).astype(int)
    width = max(1, SAMPLED_STEPS // (len(pieces) - 1))
    rows = [trace["write/row"][a : min(a + width, b), batch] for a, b in pairwise(pieces)]
    if "start/row" in trace:
        rows.append(trace["start/row"][:SAMPLED_STEPS])
    values = np.abs(_finite(np.concatenate([r.ravel() for r in rows])))
    values = values[values > 0]
    return float(np.percentile(values, COVERED)) if values.size else 1.0


def _finite(values: NDArray[Any]) -> NDArray[np.float32]:
    flat = np.asarray(values, np.float32).ravel()
    return flat[np.isfinite(flat)]
