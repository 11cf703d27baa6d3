"""What the pages say when there is nothing to show: what is the case, and what to do."""

from pathlib import Path
from shlex import quote

import streamlit as st

from samviz.app.folder import File
from samviz.errors import TraceError

WIDTH = 640
RECORD = "samviz record --task recall"
SHOW = "streamlit run samviz/app/main.py -- --traces DIR"


def no_traces(directory: Path) -> None:
    """The folder is missing, or no trace is in it."""
    missing = not directory.is_dir()
    with st.container(width=WIDTH):
        st.markdown("##### No traces yet")
        st.text("This folder does not exist:" if missing else "There is no .h5 file in this folder:")
        st.code(str(directory.resolve()), language=None, wrap_lines=True)
        st.text("Record a run of the recall task, then reload this page:")
        st.code(record_command(directory), language=None, wrap_lines=True)
        st.text("Are the traces somewhere else? Name their folder:")
        st.code(SHOW, language=None, wrap_lines=True)


def record_command(directory: Path) -> str:
    """What records a trace into that folder."""
    default = directory.resolve() == Path("traces").resolve()
    return RECORD if default else f"{RECORD} --out {quote(str(directory.resolve() / 'recall-sam.h5'))}"


def unreadable(file: File, error: TraceError) -> None:
    """The file cannot be read as a trace."""
    with st.container(width=WIDTH):
        st.markdown("##### This file cannot be shown")
        st.text(file.name)
        st.code(one_line(file, error), language=None, wrap_lines=True)
        st.text("Choose another trace on the Home page.")


def one_line(file: File, error: Exception) -> str:
    """The error without the folder, on one line."""
    return " ".join(str(error).replace(f"{file.path}: ", "").split())
