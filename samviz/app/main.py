"""The app: page set-up and routing. Run with `streamlit run samviz/app/main.py -- --traces DIR`."""

from pathlib import Path

import streamlit as st

from samviz.app import cache

HERE = Path(__file__).parent

st.set_page_config(page_title="samviz", layout="wide", initial_sidebar_state="collapsed")
cache.quiet_garbage()
st.html(HERE / "page.css")
page = st.navigation(
    [
        st.Page("views/home.py", title="Home", url_path="home", default=True),
        st.Page("views/replay.py", title="Replay", url_path="replay"),
    ],
    position="top",
)
page.run()
