"""The browser component of the Home page: two tables that can be read and used with the keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from samviz.app.selection import HOME
from samviz.app.stage.component import script

HERE = Path(__file__).parent

_home = st.components.v2.component(
    "samviz_home",
    css=(HERE / "home.css").read_text("utf-8"),
    js=script("dom") + (HERE / "home.js").read_text("utf-8"),
)


def home(data: dict[str, Any], *, on_pick: Callable[[], None]) -> Any:
    """Mount the tables; `replay` of the result is {trace, t} when an episode was chosen."""
    return _home(data=data, key=HOME, on_pick_change=on_pick, on_replay_change=lambda: None)
