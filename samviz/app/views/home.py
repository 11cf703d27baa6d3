"""Home: the traces of the folder, the episodes of one of them, and the way into Replay."""

import streamlit as st

from samviz.app import cache, selection
from samviz.app.folder import File, folder, listed, named
from samviz.app.home.component import home
from samviz.app.home.rows import episode_rows, trace_row
from samviz.app.notices import no_traces
from samviz.errors import TraceError

STAGE_PAGE = "views/replay.py"


def render() -> None:
    """The page."""
    directory = folder()
    files = listed(directory)
    chosen = selection.sync()
    if not files:
        no_traces(directory)
        return
    good = cache.readable(files)
    rows = [trace_row(file, cache.facts(file)) for file in sorted(files, key=lambda file: file not in good)]
    shown = named(good, chosen.trace) or next(iter(good), None)
    data = {
        "folder": str(directory),
        "traces": rows,
        "shown": shown.name if shown else None,
        **(episodes_of(shown) if shown else {"episodes": [], "problem": None}),
    }
    result = home(data, on_pick=selection.picked)
    if result.replay:
        st.switch_page(STAGE_PAGE, query_params=selection.link(result.replay))


def episodes_of(file: File) -> dict[str, object]:
    """The episode table of a trace, or the one-line reason why there is none."""
    try:
        return {"episodes": episode_rows(cache.episodes(file)), "problem": None}
    except TraceError as error:
        return {"episodes": [], "problem": " ".join(str(error).split())}


render()
