"""`samviz export`: a trace as a table for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from samviz.cli.options import RangeType, exit_if_stopped
from samviz.terminal import progress_bar, stop_request

if TYPE_CHECKING:
    from samviz.trace.tables.trace_table import TableName


@click.command(short_help="Write a trace as a table: Parquet or CSV.")
@click.argument("trace", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "path",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The new file; its ending, .parquet or .csv, says which format.",
)
@click.option(
    "--table",
    type=click.Choice(["accesses", "steps"]),
    default="accesses",
    show_default=True,
    help="A row for each slot that a head read, wrote or erased; or for each step, with loss and gates.",
)
@click.option("--steps", type=RangeType(), default=":", help="Steps A to B - 1; also A: or :B.")
@click.option("--min-weight", type=float, help="Accesses of at least that weight only.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def export(
    trace: Path,
    path: Path,
    table: "TableName",
    steps: tuple[int | None, int | None],
    min_weight: float | None,
    overwrite: bool,
) -> None:
    """Write what a trace holds as one tidy table that DuckDB, pandas, R and others read.

    The columns of accesses are step, episode, head, kind (read, write or erase), slot, weight and batch.

    \b
    Examples:
      samviz export traces/recall-….h5 --to recall.parquet
      samviz export traces/recall-….h5 --to first.csv --steps 0:1000
      samviz export traces/recall-….h5 --to loss.parquet --table steps
    """
    from samviz.trace import open_trace
    from samviz.trace.tables.export import export_table
    from samviz.trace.tables.selection import step_range

    with open_trace(trace) as opened:
        start, stop = step_range(opened, steps[0] or 0, steps[1])
        with progress_bar(stop - start, "step") as advance, stop_request() as stopped:
            written = export_table(
                opened,
                path,
                table,
                start=start,
                stop=stop,
                min_weight=min_weight,
                overwrite=overwrite,
                report=advance,
                stopped=stopped,
            )
    exit_if_stopped(written.steps, stop - start, "step", "; nothing was written")
    click.echo(f"exported {written.rows:,} rows ({table} of {written.steps:,} steps) to {path}")
