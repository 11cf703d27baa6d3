"""What the commands share that make a new trace: their options, progress, and what they say at the end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from samviz.terminal import progress_bar, stop_request, warn

if TYPE_CHECKING:
    from samviz.rewrite import Rewritten

trace_argument = click.argument("trace", type=click.Path(path_type=Path))
new_argument = click.argument("new", type=click.Path(path_type=Path))
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the new trace if it exists.")


@contextmanager
def working() -> Iterator[Callable[[int, int], None]]:
    """A bar that gives the `report` of a rewriting; Ctrl-C ends the work, which then leaves no trace."""
    with progress_bar(100, "%") as advance, stop_request() as stop:
        shown = 0

        def report(done: int, total: int) -> None:
            nonlocal shown
            if stop():
                raise KeyboardInterrupt
            percent = min(100, 100 * done // max(total, 1))
            advance(percent - shown)
            shown = percent

        yield report


def say(done: str, result: "Rewritten") -> None:
    """One line on the new trace, and one on stderr for each thing to know about it."""
    from samviz.trace.summary import size_text

    sizes = f"{size_text(result.bytes_before)} before, {size_text(result.bytes_after)} now"
    click.echo(f"{done} {result.path}: {result.steps:,} steps, {sizes}")
    for note in result.notes:
        warn(note)
