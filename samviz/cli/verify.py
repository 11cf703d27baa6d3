"""`samviz verify`: say whether a trace can be trusted."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from samviz.cli.options import SizeType

if TYPE_CHECKING:
    from samviz.verify.verification import Stage


@click.command(short_help="Say whether a trace can be trusted.")
@click.argument("trace", type=click.Path(path_type=Path))
@click.option(
    "--no-equations",
    "equations",
    flag_value=False,
    default=True,
    help="Only structure, checksums, values and rows of the live model.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option(
    "--memory-limit", type=SizeType(), default="8GB", show_default=True, help="Memory that it may take."
)
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=3600.0,
    show_default=True,
    help="Seconds that it may take.",
)
def verify(trace: Path, equations: bool, as_json: bool, memory_limit: int, time_limit: float) -> None:
    """Say whether a trace can be trusted.

    Reads every value and checksum, compares the memory that the trace gives back with rows of the live model,
    and computes the model's equations once more. It runs in a process of its own: no file can crash or
    hang yours.

    Exit code 0: sound; 1: something in it is wrong; 2: it cannot be verified (no trace, over a limit).

    \b
    Examples:
      samviz verify traces/recall-….h5
      samviz verify --json downloads/run.h5 | jq .verdict
      samviz verify --no-equations --memory-limit 2GB traces/large.h5
    """
    from samviz.verify.child import Limits, verify_apart

    limits = Limits(memory=memory_limit, time_s=time_limit)
    with tqdm(total=100, disable=None, bar_format="{desc:<10} {percentage:3.0f}%|{bar}|", leave=False) as bar:
        report = verify_apart(trace, equations=equations, limits=limits, report=_progress(bar))
    click.echo(report.json() if as_json else "\n".join(report.lines()))
    if not report.sound:
        sys.exit(1)


def _progress(bar: "tqdm[None]") -> "Stage":
    def show(stage: str, done: int, total: int) -> None:
        bar.set_description_str(stage, refresh=False)
        bar.n = 100 * done // max(total, 1)
        bar.refresh()

    return show
