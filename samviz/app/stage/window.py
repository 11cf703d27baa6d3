"""The window of steps that the browser holds around the cursor, as one message."""

from typing import Any, NamedTuple

import numpy as np

from samviz.analysis.errors import counted, output_kind
from samviz.analysis.pages import page_starts
from samviz.analysis.scale import Scales
from samviz.analysis.usage import takes_from_queue
from samviz.app.home.rows import text
from samviz.app.stage.blocks import PARTS, Block, memory_block
from samviz.app.stage.pack import pack
from samviz.trace.reader import Trace

BLOCK_STEPS = 128
PADDING_STEPS = 128
KINDS = ("bits", "flag", "value", "words", "image")  # of fields that the stage knows how to draw
NAME_LETTERS, LABEL_LETTERS = 40, 24
MOST_LABELS = 4096
MOST_PIXELS = 256  # of a side of an image


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
        "read_of": d.reads if d.reads > d.read_entries else 0,
        "batch": d.batch,
        "threshold": trace.access_threshold,
        "erases": bool(trace.last_write_erases),
        "queue": takes_from_queue(trace),
        "scale": scale.memory,
        "beta_max": scale.beta,
        "output_kind": output_kind(trace),
        "counted": counted(trace),
        "began_full": "start/slot" in trace,
        "first_episode": trace.episodes[0].number,
        "input_fields": fields(task, "input_fields", d.input_size),
        "output_fields": fields(task, "output_fields", d.output_size),
    }


def fields(task: Any, name: str, size: int) -> list[dict[str, Any]]:
    """The named fields of an input or output vector that fit its size; none where meta names none."""
    listed = task.get(name) if hasattr(task, "get") else None
    found = (checked_field(entry, size) for entry in (listed if isinstance(listed, list | tuple) else []))
    return [field for field in found if field is not None]


def checked_field(entry: Any, size: int) -> dict[str, Any] | None:
    """What a trace says about a field, as far as it can be drawn; None where it does not fit the vector."""
    try:
        start, stop = int(entry["start"]), int(entry["stop"])
        name, kind = str(entry["name"])[:NAME_LETTERS], entry.get("kind", "bits")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    if not 0 <= start < stop <= size:
        return None
    field = {"name": name, "kind": kind if kind in KINDS else "bits", "start": start, "stop": stop}
    if kind == "words" and (labels := checked_labels(entry.get("labels"), stop - start)):
        return {**field, "labels": labels}
    if kind == "image":
        shape = checked_shape(entry.get("shape"), stop - start)
        return {**field, "shape": shape} if shape else {**field, "kind": "bits"}
    return field


def checked_labels(labels: Any, count: int) -> list[str] | None:
    """A label for each channel in characters that can be seen; None unless there are that many strings."""
    if not isinstance(labels, list | tuple) or len(labels) != count or count > MOST_LABELS:
        return None
    if not all(isinstance(label, str) for label in labels):
        return None
    return ["".join(filter(str.isprintable, label)).strip()[:LABEL_LETTERS] for label in labels]


def checked_shape(shape: Any, count: int) -> list[int] | None:
    """[rows, columns] of an image of so many pixels; None where it is no such shape."""
    if not isinstance(shape, list | tuple) or len(shape) != 2 or not all(type(side) is int for side in shape):
        return None
    fits = all(1 <= side <= MOST_PIXELS for side in shape) and shape[0] * shape[1] == count
    return list(shape) if fits else None
