"""Whether a recording goes on: its trace does not know when its writer was killed."""

from pathlib import Path

from samviz.writer_lock import was_left_behind

KILLED = "killed while recording"


def state_of(status: str, path: Path) -> str:
    """The status of a trace as it is now, where the process that recorded it may be gone."""
    return KILLED if status == "recording" and was_left_behind(path) else status
