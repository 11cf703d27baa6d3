"""`samviz repack`: pack a finished trace."""

from pathlib import Path

import click

from samviz.cli.rewriting import overwrite_option, say, trace_argument, working


@click.command(short_help="Pack a finished trace into less space.")
@trace_argument
@click.argument("new", type=click.Path(path_type=Path), required=False)
@overwrite_option
def repack(trace: Path, new: Path | None, overwrite: bool) -> None:
    """Pack a finished trace into less space: the same values, compressed.

    Without NEW the packed copy takes the place of TRACE, but only once it has been written, read back and
    compared value for value; until then TRACE stays as it is.

    \b
    Examples:
      samviz repack traces/run.h5              in its place
      samviz repack traces/run.h5 archive.h5   into another file
    """
    from samviz import rewrite

    with working() as report:
        result = rewrite.repack(trace, new, overwrite=overwrite, report=report)
    say("packed", result)
