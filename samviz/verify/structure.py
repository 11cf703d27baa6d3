"""Is all there that the trace says is there?"""

from hashlib import sha256

from samviz.errors import TraceError
from samviz.trace import Trace
from samviz.verify.report import Check, without_path


def structure_check(trace: Trace) -> Check:
    """The file opened as a trace, with all the steps that it counts and holds."""
    if trace.warning:
        return Check("structure", "failed", without_path(trace, trace.warning))
    version = "{}.{}".format(*trace.version)
    return Check("structure", "passed", f"format {version}, {len(trace):,} steps, {trace.status}")


def start_check(trace: Trace) -> Check:
    """What the memory held before the first step is told once for each slot, with accesses before it."""
    name = "memory at the start"
    if "start/slot" not in trace:
        return Check(name, "skipped", "it began empty (no /start)")
    try:
        for batch in range(trace.dimensions.batch):
            trace.start_usage(batch)
    except TraceError as error:
        return Check(name, "failed", without_path(trace, error))
    return Check(name, "passed", f"{len(trace['start/slot']):,} slots, each told once")


def weights_check(trace: Trace) -> Check:
    """The checkpoint in the trace is the one that its meta names."""
    name = "checkpoint"
    told = trace.meta.get("checkpoint_sha256")
    if "model/weights" not in trace or not isinstance(told, str):
        return Check(name, "skipped", "the trace holds none, or does not name its digest")
    try:
        found = sha256(trace["model/weights"][:].tobytes()).hexdigest()
    except TraceError as error:
        return Check(name, "failed", without_path(trace, error))
    if found != told:
        return Check(name, "failed", f"its SHA-256 is {found[:12]}…, meta says {told[:12]}…")
    return Check(name, "passed", f"SHA-256 {found[:12]}…, as meta says")
