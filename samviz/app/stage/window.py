"""The window of steps that the browser holds around the cursor, as one message."""

from typing import Any, NamedTuple

import numpy as np

from samviz.analysis.errors import output_kind
from samviz.analysis.pages import page_starts
from samviz.analysis.scale import Scales
from samviz.analysis.usage import takes_from_queue
from samviz.app.home.rows import text
from samviz.app.stage.blocks import PARTS, Block, memory_block
from samviz.app.stage.pack import pack
from samviz.trace.reader import Trace

BLOCK_STEPS = 128
PADDING_STEPS = 128


class Span(NamedTuple):
    """Steps [start, stop) are sent; a cursor in [core_start, core_stop) needs no other window."""

    block: int
    start: int
    stop: int
    core_start: int
    core_stop: int


def block_of(t: int) -> int:
    """The number of the block that step t is in."""
    return t // BLOCK_STEPS


def span(block: int, steps: int) -> Span:
    """The span of a block in a trace of so many steps."""
    core_start, core_stop = block * BLOCK_STEPS, min((block + 1) * BLOCK_STEPS, steps)
    start, stop = max(core_start - PADDING_STEPS, 0), min(core_stop + PADDING_STEPS, steps)
    return Span(block, start, stop, core_start, core_stop)


def window(trace: Trace, block: int, name: str, scale: Scales) -> bytes:
    """Everything the panels draw for one block."""
    s = span(block, len(trace))
    arrays: Block = memory_block(trace, s.start, s.stop, scale.memory)
    for part in PARTS:
        arrays |= part(trace, s.start, s.stop)
    arrays["pages"] = pages_in(trace, s)
    return pack(header(trace, s, name, scale), arrays)


def pages_in(trace: Trace, s: Span) -> np.ndarray[Any, np.dtype[np.int32]]:
    """First steps of the pages that begin in the window, and the end of the trace or window after them."""
    starts = page_starts(trace.episodes)
    return np.append(starts[(starts >= s.start) & (starts < s.stop)], s.stop).astype(np.int32)


def header(trace: Trace, s: Span, name: str, scale: Scales) -> dict[str, Any]:
    """What the browser must know about the trace and the window besides the arrays."""
    d = trace.dimensions
    task = trace.meta.get("task") if isinstance(trace.meta.get("task"), dict) else {}
    return {
        "trace": name,
        "model": text(trace.meta.get("model"), "class", ""),
        "uuid": trace.uuid,
        **s._asdict(),
        "steps": len(trace),
        "slots": d.slots,
        "word_size": d.word_size,
        "heads": d.heads,
        "links": d.links,
        "batch": d.batch,
        "threshold": trace.access_threshold,
        "erases": bool(trace.last_write_erases),
        "queue": takes_from_queue(trace),
        "scale": scale.memory,
        "beta_max": scale.beta,
        "output_kind": output_kind(trace),
        "began_full": "start/slot" in trace,
        "first_episode": trace.episodes[0].number,
        "input_fields": fields(task, "input_fields", d.input_size),
        "output_fields": fields(task, "output_fields", d.output_size),
    }


def fields(task: Any, name: str, size: int) -> list[dict[str, Any]]:
    """The named fields of an input or output vector that fit its size; none where meta names none."""
    listed = task.get(name) if hasattr(task, "get") else None
    found = []
    for field in listed if isinstance(listed, list | tuple) else []:
        try:
            start, stop = int(field["start"]), int(field["stop"])
            if 0 <= start < stop <= size:
                text, kind = str(field["name"])[:40], str(field.get("kind", "bits"))[:20]
                found.append({"name": text, "kind": kind, "start": start, "stop": stop})
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return found
