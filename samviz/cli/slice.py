"""`samviz slice`: some steps or episodes of a trace as a new one."""

from pathlib import Path

import click

from samviz.cli.options import RangeType
from samviz.cli.rewriting import new_argument, overwrite_option, say, trace_argument, working


@click.command("slice", short_help="Copy some steps or episodes of a trace into a new one.")
@trace_argument
@new_argument
@click.option("--steps", type=RangeType(), help="Which steps, such as 1000:2000; the end is not part of it.")
@click.option(
    "--episodes",
    type=RangeType(),
    help="Which episodes of the first batch element, by their numbers, such as 3:5.",
)
@overwrite_option
def slice_steps(
    trace: Path,
    new: Path,
    steps: tuple[int | None, int | None] | None,
    episodes: tuple[int | None, int | None] | None,
    overwrite: bool,
) -> None:
    """Copy some steps or episodes of a trace into a new one.

    What the memory held before the first step goes with it, so every step shows the memory it had. Steps are
    counted from 0 again, episodes keep their numbers.

    \b
    Examples:
      samviz slice traces/run.h5 traces/part.h5 --episodes 10:20
      samviz slice traces/run.h5 traces/end.h5 --steps 90000:
    """
    from samviz import rewrite

    with working() as report:
        result = rewrite.slice_trace(
            trace, new, steps=steps, episodes=episodes, overwrite=overwrite, report=report
        )
    say("made", result)
