"""What the Home page says about a trace and its episodes: plain values for its tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samviz.analysis.errors import EpisodeSummary, counted
from samviz.app.folder import File
from samviz.trace import Trace
from samviz.trace.state import state_of

UNITS = ("B", "kB", "MB", "GB", "TB")


class Facts(NamedTuple):
    """What opening a trace tells about it."""

    model: str
    task: str
    description: str
    steps: int
    episodes: int
    slots: int
    word_size: int
    heads: int
    status: str
    counted: str


def facts(trace: Trace) -> Facts:
    """The facts of an open trace."""
    d = trace.dimensions
    task = trace.meta.get("task")
    return Facts(
        model=text(trace.meta.get("model"), "class", "unnamed model"),
        task=text(task, "name", "unnamed task"),
        description=text(task, "description", ""),
        steps=len(trace),
        episodes=len(trace.episodes),
        slots=d.slots,
        word_size=d.word_size,
        heads=d.heads,
        status=trace.status,
        counted=counted(trace),
    )


def text(part: Any, name: str, otherwise: str) -> str:
    """A string out of a part of meta, which anybody may have written."""
    value = part.get(name) if isinstance(part, Mapping) else part
    return str(value)[:200] if isinstance(value, str | int | float) and str(value) else otherwise


def trace_row(file: File, known: Facts | str) -> dict[str, Any]:
    """One line of the table of traces: its facts, or its one-line error."""
    row = {"name": file.name, "size": size_text(file.size)}
    if isinstance(known, str):
        return {**row, "error": known}
    # facts are kept for as long as the file stays as it is, which a killed recording's does
    return {**row, "error": None, **known._asdict(), "status": state_of(known.status, Path(file.path))}


def episode_rows(episodes: Sequence[EpisodeSummary]) -> list[dict[str, Any]]:
    """The lines of the table of episodes."""
    return [
        {
            "number": e.number,
            "start": e.start,
            "steps": e.stop - e.start,
            "loss": None if e.loss is None else round(e.loss, 9),
            "wrong": e.wrong if e.answers else None,
            "verdict": e.verdict,
            "landing": e.landing,
        }
        for e in episodes
    ]


def size_text(size: float) -> str:
    """A file size for people."""
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
