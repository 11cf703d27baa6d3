"""The only cached functions. Open traces and messages are kept as they are: nothing is pickled."""

import gc
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from samviz.analysis.errors import EpisodeSummary, episode_table
from samviz.analysis.scale import Scales, scales
from samviz.app.folder import File
from samviz.app.home.rows import Facts
from samviz.app.home.rows import facts as home_facts
from samviz.app.notices import one_line
from samviz.app.stage.feed import events_message, overview_message
from samviz.app.stage.window import window
from samviz.errors import TraceError
from samviz.trace import Trace, open_trace


@st.cache_resource(show_spinner=False, max_entries=16)
def opened(file: File) -> Trace:
    """The trace in a listed file; it holds a lock of its own, so sessions may share it. Raises TraceError."""
    return open_trace(Path(file.path))


@st.cache_resource(show_spinner=False, max_entries=256)
def facts(file: File) -> Facts | str:
    """What the trace is, or the one-line reason why the file cannot be read."""
    try:
        return home_facts(opened(file))
    except TraceError as error:
        return one_line(file, error)


def readable(files: Sequence[File]) -> tuple[File, ...]:
    """The listed files that are traces."""
    return tuple(file for file in files if not isinstance(facts(file), str))


@st.cache_resource(show_spinner=False, max_entries=64)
def episodes(file: File) -> tuple[EpisodeSummary, ...]:
    """The episodes of a trace with their losses and errors."""
    return episode_table(opened(file))


@st.cache_resource(show_spinner=False, max_entries=64)
def fixed_scales(file: File) -> Scales:
    """The fixed scales of a trace."""
    return scales(opened(file))


@st.cache_resource(show_spinner=False, max_entries=24)
def window_message(file: File, block: int) -> bytes:
    """The window around a block of steps."""
    return window(opened(file), block, file.name, fixed_scales(file))


@st.cache_resource(show_spinner=False, max_entries=16)
def picture_message(file: File, zoom: tuple[int, int] | None) -> bytes:
    """The overview of the whole run, or of the zoomed steps."""
    return overview_message(opened(file), file.name, zoom, episodes(file))


@st.cache_resource(show_spinner=False, max_entries=64)
def slot_message(file: File, slot: int | None) -> bytes:
    """The events of a slot."""
    return events_message(opened(file), file.name, slot)


@st.cache_resource(show_spinner=False)
def quiet_garbage() -> None:
    """Streamlit collects garbage after every run; what exists by now need not be looked at again."""
    gc.collect()
    gc.freeze()
