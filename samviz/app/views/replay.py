"""Replay: the stage over one trace."""

from typing import NamedTuple

import streamlit as st

from samviz.analysis.errors import landing_step
from samviz.app import cache, selection
from samviz.app.address import Limits, Selection, repaired
from samviz.app.folder import File, folder, listed, named
from samviz.app.notices import no_traces, unreadable
from samviz.app.selection import STAGE
from samviz.app.stage.component import feed, stage
from samviz.app.stage.feed import command_message
from samviz.app.stage.window import block_of
from samviz.errors import TraceError
from samviz.trace import Trace


class Parts(NamedTuple):
    """What travels to the stage, packed: the overview, the focused slot's events, the window of steps."""

    picture: bytes
    slot: bytes
    window: bytes


def render() -> None:
    """The page: pick the trace, or say why there is none."""
    directory = folder()
    files = listed(directory)
    selection.sync()
    if not files:
        no_traces(directory)
    else:
        show_stage(files)


@st.fragment
def show_stage(files: tuple[File, ...]) -> None:
    """The stage; reports of the cursor run this alone."""
    chosen = selection.now()
    good = cache.readable(files)
    file = named(files, chosen.trace) or next(iter(good or files))
    if file.name != chosen.trace:
        chosen = Selection(trace=file.name)
    try:
        limits = limits_of(file, cache.opened(file))
        if limits.steps == 0:
            st.info("This trace holds no whole step yet. If it is being recorded, look again in a moment.")
            return
        chosen = repaired(chosen, limits)
        parts = parts_of(file, chosen)
    except TraceError as error:
        unreadable(file, error)
        return
    selection.settle(chosen)
    mount(good, file, chosen, limits, parts)


def limits_of(file: File, trace: Trace) -> Limits:
    """What the trace allows, and where it opens."""
    d = trace.dimensions
    landing = landing_step(cache.episodes(file))
    return Limits(steps=len(trace), slots=d.slots, heads=d.heads, landing=landing)


def parts_of(file: File, chosen: Selection) -> Parts:
    """What the stage draws of the trace. Raises TraceError where the file is damaged."""
    return Parts(
        picture=cache.picture_message(file, chosen.window),
        slot=cache.slot_message(file, chosen.slot),
        window=cache.window_message(file, block_of(chosen.t or 0)),
    )


def mount(files: tuple[File, ...], file: File, chosen: Selection, limits: Limits, parts: Parts) -> None:
    """Send what the stage needs, each part apart, so that only what changed travels."""
    command = {
        "trace": file.name,
        "t": chosen.t or 0,
        "slot": chosen.slot,
        "head": chosen.head,
        "zoom": chosen.window,
        "seq": selection.moves(),
        "steps": limits.steps,
        "slots": limits.slots,
        "heads": limits.heads,
        "traces": [f.name for f in files],
    }
    with st.container(key="samviz-feeds"):
        feed(command_message(command), key="command")
        feed(parts.picture, key="picture")
        feed(parts.slot, key="slot")
    stage(
        parts.window,
        key=STAGE,
        on_cursor=selection.reported,
        on_open=selection.asked_to_open,
    )


render()
