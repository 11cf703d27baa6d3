"""`samviz repair`: save what a killed recording or a damaged file still holds."""

from pathlib import Path

import click

from samviz.cli.rewriting import new_argument, overwrite_option, say, trace_argument, working


@click.command(short_help="Save what a killed recording or a damaged trace still holds.")
@trace_argument
@new_argument
@overwrite_option
def repair(trace: Path, new: Path, overwrite: bool) -> None:
    """Save what a killed recording or a damaged trace still holds, into a new file.

    Keeps all steps that were committed, or those before the first damaged one, and says how many were lost.

    \b
    Example:
      samviz repair traces/run.h5 traces/saved.h5
    """
    from samviz import rewrite

    with working() as report:
        result = rewrite.repair(trace, new, overwrite=overwrite, report=report)
    say(f"kept {result.steps:,} steps and lost {result.lost:,}:", result)
