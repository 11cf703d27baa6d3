"""Does the memory that the trace gives back equal the rows that were taken out of the live model?"""

import numpy as np

from samviz.errors import TraceError
from samviz.trace import Trace
from samviz.verify.report import Check, without_path

NAME = "rows of the live model"


def row_check(trace: Trace) -> Check:
    """Compare, bit for bit, every row of /check with the memory at its step."""
    if "check/step" not in trace:
        return Check(NAME, "skipped", "the trace holds none (/check)")
    try:
        return _compare(trace)
    except TraceError as error:
        return Check(NAME, "failed", without_path(trace, error))


def _compare(trace: Trace) -> Check:
    steps, elements = trace["check/step"][:], trace["check/batch"][:]
    compared = 0
    for at in range(len(steps)):
        slot, row = trace["check/slot"][at], trace["check/row"][at]
        row = row[slot >= 0].astype(trace["write/row"].dtype).astype(np.float32)
        slot = slot[slot >= 0]
        found = trace.memory(int(steps[at]), slot, int(elements[at]))
        wrong = ((found != row) & ~(np.isnan(found) & np.isnan(row))).any(1)
        if wrong.any():
            where = f"step {steps[at]}, slot {slot[wrong.argmax()]}"
            return Check(NAME, "failed", f"{where}: the trace gives back other content than the model had")
        compared += len(slot)
    if compared == 0:
        return Check(NAME, "skipped", "the trace holds none yet (/check)")
    return Check(NAME, "passed", f"{compared:,} rows at {len(steps):,} steps, equal bit for bit")
