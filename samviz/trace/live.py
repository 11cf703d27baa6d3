"""Follow a trace while it is written."""

import time
from collections.abc import Iterator
from pathlib import Path

from samviz.errors import ConfigError, TraceError
from samviz.trace.reader import Trace
from samviz.writer_lock import was_left_behind


def follow(
    path: str | Path, *, start: int = 0, poll_s: float = 0.02, wait_s: float = 0.0
) -> Iterator[tuple[Trace, range]]:
    """New steps of a recording as they are committed: (trace, range of its new steps), until it ends.

    The first range holds what is there already. The iteration ends with the recording, also if its process
    was killed; one that another program writes, which tells of no end, goes on for ever.

        for trace, steps in samviz.follow("traces/run.h5"):
            loss = trace["io/loss"][steps.start : steps.stop]

    Args:
        start: the first step wanted.
        poll_s: seconds between looks at the file.
        wait_s: seconds to wait for a file that is not there yet.

    Raises:
        ConfigError: a negative start, or a pause that is not positive.
        TraceError: it is no trace, is damaged, or another one took its place.
    """
    if start < 0 or poll_s <= 0:
        raise ConfigError(f"expected start >= 0 and poll_s > 0, found start {start} and poll_s {poll_s}")
    trace = _opened(Path(path), wait_s, poll_s)
    done = start
    try:
        while True:
            ended = trace.status != "recording" or was_left_behind(trace.path)
            if ended:  # what was committed before it ended
                trace = _newer(trace)
            if len(trace) > done:
                yield trace, range(done, len(trace))
                done = len(trace)
            if ended:
                return
            time.sleep(poll_s)
            trace = _newer(trace)
    finally:
        trace.close()


def _newer(trace: Trace) -> Trace:
    found = trace.refresh()
    if found is not trace:
        trace.close()
    return found


def _opened(path: Path, wait_s: float, poll_s: float) -> Trace:
    limit = time.monotonic() + wait_s
    while True:
        try:
            return Trace(path)
        except TraceError:
            if path.exists() or time.monotonic() >= limit:
                raise
        time.sleep(poll_s)
