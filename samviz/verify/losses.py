"""Does the recorded loss follow from output, target and mask?"""

import numpy as np

from samviz.analysis.errors import has_answers, output_kind
from samviz.errors import TraceError
from samviz.trace import Trace
from samviz.trace.hdf5.column import Array
from samviz.verify.report import Check, without_path

NAME = "losses"
PIECE_STEPS = 16384
TOLERANCE = 1e-4


def loss_check(trace: Trace) -> Check:
    """Cross-entropy in bits on the steps that count, 0 elsewhere; steps without a known loss are left out."""
    if "io/loss" not in trace or not has_answers(trace):
        return Check(NAME, "skipped", "the trace holds no losses with outputs and targets")
    if "output_kind" not in trace.meta:
        return Check(NAME, "skipped", "meta does not say what kind of output it is (output_kind)")
    compared, worst, first = 0, 0.0, -1
    try:
        for start in range(0, len(trace), PIECE_STEPS):
            found, expected = _losses(trace, start, min(start + PIECE_STEPS, len(trace)))
            known = ~np.isnan(expected)
            with np.errstate(invalid="ignore"):
                difference = np.abs(found - expected) / np.maximum(np.abs(expected), 1.0)
            # a loss that is no number follows from an output that is none, and from nothing else
            difference = np.where(known, np.where(np.isnan(difference), np.inf, difference), 0.0)
            compared += int(known.sum())
            worst = max(worst, float(difference.max(initial=0.0)))
            if first < 0 and (difference > TOLERANCE).any():
                first = start + int(np.argwhere(difference > TOLERANCE)[0, 0])
    except TraceError as error:
        return Check(NAME, "failed", f"a value cannot be read: {without_path(trace, error)}")
    if first >= 0:
        return Check(NAME, "failed", f"first at step {first}: off by up to {worst:.2g} bits")
    if compared == 0:
        return Check(NAME, "skipped", "no step has a known loss")
    return Check(NAME, "passed", f"{compared:,} values, within {worst:.1e}, allowed {TOLERANCE:.0e}")


def _losses(trace: Trace, start: int, stop: int) -> tuple[Array, Array]:
    """The recorded and the computed loss of each step: [T, B], float64.

    What is computed is NaN where the target is not known, and infinite where the output is no number.
    """
    output, target = (trace[f"io/{name}"][start:stop].astype(np.float64) for name in ("output", "target"))
    mask = trace["io/mask"][start:stop] == 1
    with np.errstate(invalid="ignore", over="ignore"):
        if output_kind(trace) == "classes":
            top = output.max(-1, keepdims=True)
            log = output - top - np.log(np.exp(output - top).sum(-1, keepdims=True))
            bits = -(log * target).sum(-1) / np.log(2)
        else:
            bits = np.logaddexp(0, np.where(target > 0.5, -output, output)).sum(-1) / np.log(2)
    bits[np.isnan(output).any(-1)] = np.inf
    bits[np.isnan(target).any(-1)] = np.nan
    return trace["io/loss"][start:stop].astype(np.float64), np.where(mask, bits, 0.0)
