"""`samviz export`: a trace as a table for other tools."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from samviz.cli.options import exit_if_stopped
from samviz.terminal import progress_bar, stop_request

if TYPE_CHECKING:
    from samviz.trace.tables import TableName


class StepsType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A range of steps as in numpy: A:B is step A to step B - 1."""

    name = "A:B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"(\d{0,18}):(\d{0,18})", value.strip(), re.ASCII)
        if found is None:
            self.fail(f"expected steps such as 0:1000, 500: or :500, found {value!r}", param, ctx)
        first, last = found.groups()
        return int(first or 0), int(last) if last else None


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
@click.option("--steps", type=StepsType(), default=":", help="Steps A to B - 1; also A: or :B.")
@click.option("--min-weight", type=float, help="Accesses of at least that weight only.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def export(
    trace: Path,
    path: Path,
    table: "TableName",
    steps: tuple[int, int | None],
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
    from samviz.trace.export import export_table
    from samviz.trace.selection import step_range

    with open_trace(trace) as opened:
        start, stop = step_range(opened, *steps)
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
