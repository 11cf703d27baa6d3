"""The two browser components: the stage, and the feed that hands it messages that travel apart."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

HERE = Path(__file__).parent
SCRIPTS = (
    "bus",
    "decode",
    "dom",
    "theme",
    "marks",
    "format",
    "window",
    "cursor",
    "sentences",
    "panel",
    "heat",
    "overview",
    "memory",
    "weights",
    "usage",
    "gates",
    "task_fields",
    "task_rows",
    "task_cells",
    "task_words",
    "task_lettering",
    "task_text",
    "task_image",
    "task_frames",
    "task_sentences",
    "task",
    "header",
    "transport",
    "keys",
    "tooltip",
    "pointer",
    "actions",
    "stage",
)


def script(*names: str) -> str:
    """The named files of js/ as one module."""
    return "\n".join((HERE / "js" / f"{name}.js").read_text("utf-8") for name in names)


def style() -> str:
    """The stage's style sheet."""
    return (HERE / "stage.css").read_text("utf-8")


_stage = st.components.v2.component("samviz_stage", css=style(), js=script(*SCRIPTS))
_feed = st.components.v2.component("samviz_feed", js=script("bus", "decode", "feed"))


def feed(message: bytes, *, key: str) -> None:
    """Hand a packed message to the stage on the same page."""
    _feed(data=message, key=key)


def stage(message: bytes, *, key: str, on_cursor: Callable[[], None], on_open: Callable[[], None]) -> None:
    """Mount the stage with a window; the callbacks hear of reports, and of another trace being asked for."""
    _stage(data=message, key=key, on_cursor_change=on_cursor, on_open_change=on_open)
