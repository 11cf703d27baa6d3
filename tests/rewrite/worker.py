"""Run a command line that stops after so many blocks of a copy, says so, and goes on when it is told to.

Usage: python -m tests.rewrite.worker BLOCKS FILE_SIZE_LIMIT ARGUMENTS...; 0 means no stop, no limit.
"""

import resource
import sys

from samviz.cli import main
from samviz.rewrite import copying
from samviz.rewrite.progress import Progress

copying.READ_BYTES = 2**17
blocks, limit, arguments = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
advance = Progress.advance


def stop_and_go(self: Progress, size: int) -> None:
    """Tell of the block; at the last one to be told of, wait for a line."""
    global blocks  # noqa: PLW0603
    blocks -= 1
    if blocks == 0:
        print("here", flush=True)
        sys.stdin.readline()
    advance(self, size)


if blocks:
    Progress.advance = stop_and_go  # type: ignore[method-assign]
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main(arguments)
