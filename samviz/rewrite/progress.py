"""How far a copy is."""

from collections.abc import Callable

Report = Callable[[int, int], None]  # bytes done, bytes in all


def silent(done: int, total: int) -> None:
    """A report to nobody."""


class Progress:
    """Tells `report` how many of all bytes are done. Whatever that raises ends the work."""

    def __init__(self, report: Report, total: int) -> None:
        self._report, self._total, self._done = report, total, 0

    def advance(self, size: int) -> None:
        """So many bytes more are done."""
        self._done += size
        self._report(self._done, self._total)
