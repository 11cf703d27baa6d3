"""The one owner of what is selected: it alone reads and writes the URL and the session state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from samviz.app.address import FIELDS, Selection, pair, parse, to_params, whole

STAGE = "stage"
HOME = "home"


@dataclass
class State:
    """What a session remembers: the selection, the URL last agreed on, how often Python moved the cursor."""

    selection: Selection
    url: dict[str, str] | None = None
    moves: int = 0


def now() -> Selection:
    """What is selected."""
    return _state().selection


def moves() -> int:
    """How often Python moved the cursor; the browser obeys each number once."""
    return _state().moves


def sync() -> Selection:
    """At the top of a run: a URL other than the one last agreed on (a link, Back) is what is selected."""
    state, url = _state(), _url()
    if url != state.url:
        if url or state.url is None:
            state.selection, state.moves = parse(url), state.moves + 1
        state.url = url
    return state.selection


def settle(selection: Selection) -> None:
    """Keep the selection as it was repaired, and show it in the URL where that said something else."""
    state = _state()
    state.selection = selection
    asked = {name: value for name, value in _url().items() if name in FIELDS}
    good = to_params(selection)
    if any(good.get(name) != value for name, value in asked.items()):
        _write(selection)


def open_trace(name: str, t: int | None = None) -> None:
    """Select another trace, at a step or where it opens."""
    state = _state()
    state.selection, state.moves = Selection(trace=name, t=t), state.moves + 1
    _write(state.selection)


def reported() -> None:
    """Callback: where the cursor of the browser is; a report from before Python's last move is ignored."""
    state, report = _state(), _component(STAGE, "cursor")
    if not isinstance(report, Mapping) or report.get("trace") != state.selection.trace:
        return
    if report.get("seq") != state.moves:
        return
    state.selection = Selection(
        trace=state.selection.trace,
        t=whole(report.get("t")),
        slot=whole(report.get("slot")),
        head=whole(report.get("head")),
        window=pair(report.get("zoom")),
    )
    if report.get("rest"):
        _write(state.selection)


def asked_to_open() -> None:
    """Callback: another trace was chosen on the stage."""
    name = _component(STAGE, "open")
    if isinstance(name, str):
        open_trace(name)


def picked() -> None:
    """Callback: a trace was picked on the Home page."""
    name = _component(HOME, "pick")
    if isinstance(name, str):
        open_trace(name)


def link(asked: Any) -> dict[str, str]:
    """The URL parameters of {trace, t} as the Home page asks for them."""
    asked = asked if isinstance(asked, Mapping) else {}
    return to_params(Selection(trace=str(asked.get("trace", "")) or None, t=whole(asked.get("t"))))


def _component(key: str, name: str) -> Any:
    return getattr(st.session_state.get(key), name, None)


def _state() -> State:
    if "samviz" not in st.session_state:
        st.session_state["samviz"] = State(Selection())
    state: State = st.session_state["samviz"]
    return state


def _url() -> dict[str, str]:
    return {name: st.query_params[name] for name in FIELDS if name in st.query_params}


def _write(selection: Selection) -> None:
    """Put the selection into the URL: one entry of the browser's history."""
    params = to_params(selection)
    _state().url = params
    if params != st.query_params.to_dict():
        st.query_params.from_dict(params)
