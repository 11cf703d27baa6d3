"""`samviz info`: say what a trace holds."""

from pathlib import Path

import click


@click.command(short_help="Say what a trace holds.")
@click.argument("trace", type=click.Path(path_type=Path))
def info(trace: Path) -> None:
    """Say what a trace holds.

    \b
    Example:
      samviz info traces/recall-….h5
    """
    from samviz.trace import describe, open_trace

    with open_trace(trace) as opened:
        click.echo(describe(opened))
