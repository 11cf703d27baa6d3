"""Does every step of a trace follow from the steps before it? The model's equations, computed once more.

What is taken from the trace: gates, queries, write words. What must follow: which slots are written, all
weights, rows, usage, cosines, read words, and (with an exact index) which words are nearest.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from samviz.analysis.usage import takes_from_queue
from samviz.errors import TraceError
from samviz.kernels import audit as kernel
from samviz.kernels.audit import CHECKS, Recorded, Replayed, Tally
from samviz.kernels.usage import fresh_ring
from samviz.trace import Dimensions, Episode, Trace
from samviz.trace.hdf5.column import READ_BYTES, Array
from samviz.trace.schema import DATASETS, EVENTS, LINK_EVENTS
from samviz.verify.report import Check, without_path
from samviz.verify.values import Progress

KNOWN_MODELS = ("SAM", "SDNC", "DAM", "NTM", "DNC", "demo memory")
READS_BY_CONTENT = ("SAM", "SDNC", "DAM", "demo memory")
SEARCHES = 256  # at most so many steps are searched for nearer words where that takes long
SEARCH_VALUES = 2**31  # numbers read in a search of every step that is not long

NAMES = {
    kernel.ENTRIES: "slots written",
    kernel.WRITES: "write weights",
    kernel.ROWS: "rows written",
    kernel.SAME: "one row a slot",
    kernel.USAGE: "usage",
    kernel.COSINES: "cosines",
    kernel.READS: "read weights",
    kernel.WORDS: "read words",
    kernel.NEAREST: "nearest words",
    kernel.SUMS: "sums of weights",
}
# columns that a check needs, besides the core
NEEDS = {
    kernel.WRITES: ("gate/alpha", "gate/gamma"),
    kernel.ROWS: ("write/word",),
    kernel.COSINES: ("read/query", "read/score"),
    kernel.READS: ("gate/beta", "read/score"),
    kernel.WORDS: ("read/word",),
    kernel.NEAREST: ("read/query", "read/score"),
}
TOLERANCE = {kernel.ENTRIES: 0.0, kernel.SAME: 0.0, kernel.USAGE: 0.0}
SINGLE, HALF = 1e-4, 4e-3  # rows of half precision make everything that follows from them less exact

# the links' own tables are replayed apart, the precedence with them
COLUMNS = {field: name for field, name in (EVENTS | LINK_EVENTS).items() if field in Recorded._fields}


class Plan(NamedTuple):
    """Which equations hold for a trace; for those that do not, why."""

    asked: Array  # [CHECKS] bool
    why_not: dict[int, str]
    tolerance: Array  # [CHECKS]
    every: int  # steps between searches for nearer words


def plan(trace: Trace) -> Plan:
    """What can be asked of this trace: that depends on its model and on what was recorded."""
    why = {check: reason for check in range(CHECKS) if (reason := _why_not(trace, check))}
    asked = np.array([check not in why for check in range(CHECKS)])
    usual = HALF if trace["write/row"].dtype == np.float16 else SINGLE
    tolerance = np.array([TOLERANCE.get(check, usual) for check in range(CHECKS)])
    sizes = trace.dimensions
    values = len(trace) * sizes.heads * sizes.slots * sizes.word_size
    every = 1 if values <= SEARCH_VALUES else max(1, len(trace) // SEARCHES)
    return Plan(asked, why, tolerance, every)


def _why_not(trace: Trace, check: int) -> str | None:
    name = _model(trace)
    if check not in (kernel.SAME, kernel.USAGE) and name not in KNOWN_MODELS:
        return "the equations of this model are not known here"
    missing = [column for column in NEEDS.get(check, ()) if column not in trace]
    if missing:
        return f"the trace lacks /{missing[0]}"
    if check == kernel.ENTRIES and not takes_from_queue(trace):
        return "this model takes no slots from the queue"
    if check in (kernel.WRITES, kernel.ROWS) and not trace.last_write_erases:
        return "this model does not write as SAM does"
    if check == kernel.READS and name not in READS_BY_CONTENT:
        return "this model does not read by content alone"
    if check == kernel.NEAREST and trace.meta.get("index") not in ("exact", None):
        return f"the index was approximate: {str(trace.meta.get('index'))[:20]}"
    return None


def _model(trace: Trace) -> object:
    model = trace.meta.get("model")
    return model.get("class") if isinstance(model, dict) else None


def equation_checks(trace: Trace, report: Progress = lambda _: None) -> Iterator[Check]:
    """One check for each equation, over all steps and batch elements. `report` hears of steps done."""
    asked = plan(trace)
    tally = fresh_tally()
    try:
        for batch in range(trace.dimensions.batch):
            for episode in trace.episodes_of(batch):
                _audit(trace, episode, batch, asked, tally, report)
    except TraceError as error:
        yield Check("equations", "failed", f"a value cannot be read: {without_path(trace, error)}")
        return
    for check, name in NAMES.items():
        yield _outcome(name, check, asked, tally)


def _audit(trace: Trace, episode: Episode, batch: int, asked: Plan, tally: Tally, report: Progress) -> None:
    """One episode of a batch element."""
    continued = episode.start == 0 and "start/slot" in trace
    now = fresh_memory(trace.dimensions)
    if continued:
        now.memory[:] = trace.start_memory(np.arange(trace.dimensions.slots), batch)
    allowed = asked.asked.copy()
    if continued:  # the queue, the last reads and what is live were not recorded
        allowed[[kernel.ENTRIES, kernel.NEAREST]] = False
    for start, stop in _pieces(trace, episode, first_alone=continued):
        here = allowed.copy()
        if continued and start == 0:
            here[kernel.WRITES] = False
        told = _recorded(trace, start, stop, batch)
        kernel.audit(
            told,
            now,
            tally,
            here,
            asked.tolerance,
            trace.access_threshold,
            start,
            asked.every,
            trace.dimensions.reads,
        )
        report(stop - start)


def _pieces(trace: Trace, episode: Episode, *, first_alone: bool) -> Iterator[tuple[int, int]]:
    step_bytes = sum(
        int(np.prod(trace[name].shape[2:])) * trace[name].dtype.itemsize
        for name in COLUMNS.values()
        if name in trace
    )
    most = max(1, READ_BYTES // step_bytes)
    start = episode.start
    while start < episode.stop:
        stop = start + 1 if first_alone and start == 0 else min(episode.stop, start + most)
        yield start, stop
        start = stop


def fresh_tally() -> Tally:
    """Nothing compared yet."""
    return Tally(
        np.zeros(CHECKS, np.int64),
        np.zeros(CHECKS),
        np.zeros(CHECKS, np.int64),
        np.full(CHECKS, -1, np.int64),
    )


def fresh_memory(sizes: Dimensions) -> Replayed:
    """The memory that an episode begins with."""
    moves = sizes.heads * (sizes.read_entries + sizes.write_entries)
    return Replayed(
        np.zeros((sizes.slots, sizes.word_size), np.float32),
        np.full(sizes.slots, -1, np.int64),
        *fresh_ring(sizes.slots),
        np.zeros(sizes.slots, bool),
        np.full((sizes.heads, sizes.read_entries), -1, np.int32),
        np.zeros((sizes.heads, sizes.read_entries), np.float32),
        np.empty(sizes.heads, np.int64),
        np.empty(moves, np.int64),
        np.empty(moves, np.int64),
    )


def _recorded(trace: Trace, start: int, stop: int, batch: int) -> Recorded:
    return Recorded(**{field: _column(trace, name, start, stop, batch) for field, name in COLUMNS.items()})


def _column(trace: Trace, name: str, start: int, stop: int, batch: int) -> Array:
    """Steps of a column as the kernel takes them."""
    if name not in trace:
        return nothing(name)
    values = trace[name][start:stop, batch]
    return np.ascontiguousarray(values.astype(np.float32) if values.dtype == np.float16 else values)


def nothing(name: str) -> Array:
    """What stands for a column that is not there."""
    row = DATASETS[name]
    return np.zeros((0,) * (len(row.axes) - 1), row.dtypes[0])


def _outcome(name: str, check: int, asked: Plan, tally: Tally) -> Check:
    if check in asked.why_not:
        return Check(name, "skipped", asked.why_not[check])
    compared, worst = int(tally.compared[check]), float(tally.worst[check])
    limit = asked.tolerance[check]
    if tally.off[check]:
        where = f"at {int(tally.off[check]):,} steps, first at step {int(tally.first[check])}"
        return Check(name, "failed", f"{where}: off by up to {worst:.2g}, allowed {limit:.0e}")
    if compared == 0:
        return Check(name, "skipped", "nothing to compare")
    exact = "exact" if limit == 0 else f"within {max(worst, 0.0):.1e}, allowed {limit:.0e}"
    return Check(name, "passed", f"{compared:,} values, {exact}")
