"""`samviz migrate`: a trace of an older major version as one of the present version."""

from pathlib import Path

import click

from samviz.cli.rewriting import new_argument, overwrite_option, say, trace_argument, working


@click.command(short_help="Rewrite a trace of an older format version.")
@trace_argument
@new_argument
@overwrite_option
def migrate(trace: Path, new: Path, overwrite: bool) -> None:
    """Rewrite a trace of an older major version as one of the present version, into a new file.

    TRACE stays as it is. The present major version is 1, the first: there is nothing to migrate from yet.

    \b
    Example:
      samviz migrate traces/old.h5 traces/new.h5
    """
    from samviz import rewrite

    with working() as report:
        result = rewrite.migrate(trace, new, overwrite=overwrite, report=report)
    say("migrated to", result)
