"""What a command did that made a new trace."""

from pathlib import Path
from typing import NamedTuple


class Rewritten(NamedTuple):
    """The new trace: its path and steps, the bytes of all sources and its own, the steps that were lost.

    notes: lines on what somebody who has the new trace only could miss.
    """

    path: Path
    steps: int
    bytes_before: int
    bytes_after: int
    lost: int = 0
    notes: tuple[str, ...] = ()
