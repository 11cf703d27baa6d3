"""What travels apart from the window: the overview, and where Python wants the cursor."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.errors import EpisodeSummary, all_wrong_counts
from samviz.analysis.history import slot_events
from samviz.analysis.overview import overview
from samviz.app.stage.pack import pack
from samviz.trace.reader import Trace

VERDICTS = ("no answer", "right", "wrong")
EVENTS = 65_536


def overview_message(
    trace: Trace, name: str, zoom: tuple[int, int] | None, episodes: Sequence[EpisodeSummary]
) -> bytes:
    """The picture of the whole run (or of the zoomed steps), its errors and its episodes."""
    start, stop = zoom or (0, len(trace))
    picture = overview(trace, start, stop)
    header = {
        "kind": "overview",
        "trace": name,
        "start": picture.start,
        "stop": picture.stop,
        "steps": len(trace),
        "zoomed": zoom is not None,
        "label": picture.label,
        "erases": trace.last_write_erases,
    }
    wrong = all_wrong_counts(trace)[picture.start : picture.stop]
    starts = (picture.edges[:-1] - picture.start).astype(np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "cells": picture.cells,
        "edges": picture.edges.astype(np.int32),
        "low": picture.low.astype(np.int32),
        "high": picture.high.astype(np.int32),
        "wrong": np.maximum.reduceat(wrong, starts) if starts.size else wrong,
        "episode_number": np.array([e.number for e in episodes], np.int32),
        "episode_start": np.array([e.start for e in episodes], np.int32),
        "episode_stop": np.array([e.stop for e in episodes], np.int32),
        "episode_verdict": np.array([VERDICTS.index(e.verdict) for e in episodes], np.uint8),
    }
    return pack(header, arrays)


def events_message(trace: Trace, name: str, slot: int | None) -> bytes:
    """Every event of the focused slot, the latest 65,536 of them."""
    if slot is None:
        return pack({"kind": "events", "trace": name, "slot": None}, {})
    step, kind = slot_events(trace, slot)
    return pack(
        {"kind": "events", "trace": name, "slot": slot, "all": step.size},
        {"step": step[-EVENTS:], "what": kind[-EVENTS:]},
    )


def command_message(command: dict[str, Any]) -> bytes:
    """Where Python wants the cursor: {trace, t, slot, head, seq}; obeyed once per seq."""
    return pack({"kind": "command", **command}, {})
