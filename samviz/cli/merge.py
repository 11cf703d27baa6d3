"""`samviz merge`: several traces as one."""

from pathlib import Path

import click

from samviz.cli.rewriting import new_argument, overwrite_option, say, working


@click.command(short_help="Put several traces of the same kind into one.")
@new_argument
@click.argument("traces", metavar="TRACE TRACE...", type=click.Path(path_type=Path), nargs=-1, required=True)
@overwrite_option
def merge(new: Path, traces: tuple[Path, ...], overwrite: bool) -> None:
    """Put several traces of the same sizes and datasets into one, NEW, each behind the one before.

    The memory starts afresh with each trace. Episodes get higher numbers where theirs are taken already.

    \b
    Example:
      samviz merge traces/all.h5 traces/monday.h5 traces/tuesday.h5
    """
    from samviz import rewrite

    with working() as report:
        result = rewrite.merge(new, traces, overwrite=overwrite, report=report)
    say(f"put {len(traces)} traces into", result)
