"""Long work in a terminal: progress bars, and Ctrl-C that loses nothing."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm


def warn(text: str) -> None:
    """Say something in one line on stderr."""
    print(f"samviz: {' '.join(text.split())}", file=sys.stderr)


@contextmanager
def progress_bar(total: int, unit: str, done: int = 0) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr that gives `advance(count, note)`; silent where stderr is no terminal."""
    with tqdm(total=total, initial=done, unit=unit, disable=None, dynamic_ncols=True) as bar:

        def advance(count: int, note: str = "") -> None:
            bar.set_postfix_str(note, refresh=False)
            bar.update(count)

        yield advance


@contextmanager
def stop_request() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM ask to stop after the current step or episode; a second Ctrl-C stops at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
