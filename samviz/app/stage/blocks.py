"""What each panel needs for the steps [start, stop) of a window: pure functions of the trace."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import slots_of, weights_of
from samviz.analysis.errors import has_answers, scored_steps, wrong_elements
from samviz.analysis.history import last_writes_at_reads, rows_before
from samviz.analysis.usage import accesses, first_keys, last_keys, last_steps, queue
from samviz.trace.memory.accesses import step_keys
from samviz.trace.memory.entries import ACCESSES
from samviz.trace.reader import Trace

Block = dict[str, NDArray[Any]]
RECENT = 128
FULL = 32767


def access_block(trace: Trace, start: int, stop: int) -> Block:
    """Entries of every head: slots, weights, cosines, earlier accesses, and the last write at each read."""
    block: Block = {"episode": trace["episode"][start:stop, 0].astype(np.int32)}
    for kind in ACCESSES:
        block[f"{kind}_slot"] = slots_of(trace, kind, start, stop)
        block[f"{kind}_weight"] = weights_of(trace, kind, start, stop)
        block[f"{kind}_usage"] = trace[f"usage/{kind}"][start:stop, 0].astype(np.int32)
    if "read/score" in trace:
        block["read_score"] = trace["read/score"][start:stop, 0].astype(np.float32)
    block["writer_step"], block["writer_weight"] = last_writes_at_reads(trace, start, stop)
    return block


def memory_block(trace: Trace, start: int, stop: int, scale: float) -> Block:
    """Rows of every slot the window may show: before it, and after each of its writes, quantised."""
    slots, last = tracked_slots(trace, start, stop)
    found = accesses(trace, start, stop)
    return {
        "base_slot": slots.astype(np.int32),
        "base_last": last.astype(np.int32),
        "base_row": quantised(rows_before(trace, start, slots), scale),
        "write_row": quantised(trace["write/row"][start:stop, 0], scale),
        "access_step": found.step.astype(np.int32),
        "access_slot": found.slot.astype(np.int32),
    }


def tracked_slots(trace: Trace, start: int, stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The slots named in the window and the most recently used before it, and their last access before it."""
    named = [slots_of(trace, kind, start, stop).ravel() for kind in ACCESSES]
    first = trace.episode_at(start).start
    keys = last_keys(trace, start - 1) if start > first else first_keys(trace, first)
    recent = np.argpartition(keys, -RECENT)[-RECENT:] if keys.size > RECENT else np.arange(keys.size)
    chosen = np.unique(np.concatenate([*named, recent]))
    chosen = chosen[chosen >= 0].astype(np.int64)
    return chosen, last_steps(keys[chosen], step_keys(trace))


def quantised(rows: NDArray[np.floating[Any]], scale: float) -> NDArray[np.int16]:
    """Values as int16 in units of scale / 32767 * 4, so that four times the colour scale still fits."""
    units = np.nan_to_num(np.asarray(rows, np.float32)) * (FULL / (4 * scale))
    rows16: NDArray[np.int16] = np.clip(np.rint(units), -FULL, FULL).astype(np.int16)
    return rows16


def usage_block(trace: Trace, start: int, stop: int) -> Block:
    """The queue of least recently accessed slots at the end of every step."""
    q = queue(trace, start, stop)
    return {"next_slot": q.slot, "next_last": q.last, "never": q.never, "ages": q.ages}


def gate_block(trace: Trace, start: int, stop: int) -> Block:
    """Write gate, interpolation gate and read strength of every head, those that were recorded."""
    names = [n for n in ("alpha", "gamma", "beta") if f"gate/{n}" in trace]
    return {n: trace[f"gate/{n}"][start:stop, 0].astype(np.float32) for n in names}


def task_block(trace: Trace, start: int, stop: int) -> Block:
    """Input, output, target, what is scored, what is wrong, and the steps that hold the answers."""
    block: Block = {}
    for name in ("input", "output", "target", "loss"):
        if f"io/{name}" in trace:
            block[name] = trace[f"io/{name}"][start:stop, 0].astype(np.float32)
    if has_answers(trace):
        block["mask"] = scored_steps(trace, start, stop).astype(np.uint8)
        block["wrong"] = wrong_elements(trace, start, stop).astype(np.uint8)
    if "io/source" in trace:
        block["source"] = trace["io/source"][start:stop, 0].astype(np.int32)
    return block


PARTS: tuple[Callable[[Trace, int, int], Block], ...] = (access_block, usage_block, gate_block, task_block)
