"""What the benchmark commands share: the types of their options, how they measure, and how they print."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any, NamedTuple

import click

from samviz.bench.clock import CLOCKS, Watch
from samviz.bench.machine import Machine, keep_freed_pages, pin_threads, this_machine
from samviz.bench.row import Report, Row, require_replaceable, rows_json, write_report
from samviz.bench.sizes import parse_size
from samviz.bench.table import left_out, tables
from samviz.errors import ConfigError
from samviz.terminal import stop_request

AT_LEAST_1 = click.IntRange(min=1)
STOPPED = 130


class SizeType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A size such as 64k, or several with commas between."""

    name = "size"

    def __init__(self, *, several: bool = False) -> None:
        self.several = several

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            sizes = tuple(parse_size(part) for part in value.split(","))
        except ConfigError as error:
            self.fail(str(error), param, ctx)
        if not self.several and len(sizes) > 1:
            self.fail(f"expected one size, found {value!r}", param, ctx)
        return sizes if self.several else sizes[0]


class NamesType(click.ParamType):  # type: ignore[type-arg]
    """Names with commas between; the benchmark knows which there are."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value


SIZE, SIZES, NAMES = SizeType(), SizeType(several=True), NamesType()


class Run(NamedTuple):
    """How a benchmark is run and what becomes of its rows."""

    threads: int
    clock: str
    pages: str
    as_json: bool
    out: Path | None

    def prepare(self) -> Machine:
        """Pin threads and pages, compile the kernels, and say where this runs.

        Raises:
            ConfigError: `out` is a file that is no benchmark.
        """
        from samviz.model.compile import ensure_compiled

        if self.out is not None:
            require_replaceable(self.out)
        pages = self.pages
        if pages == "reused" and not keep_freed_pages():
            pages = "fresh"
        pin_threads(self.threads)
        ensure_compiled()
        return this_machine(self.threads, self.clock, pages)

    def keep(self, machine: Machine, rows: list[Row]) -> None:
        """Write what there is to `out`."""
        if self.out is not None and rows:
            write_report(self.out, Report(machine, rows))

    def show(self, machine: Machine, rows: list[Row]) -> None:
        """Print the rows, and keep them in `out`."""
        self.keep(machine, rows)
        if self.as_json:
            click.echo(rows_json(rows))
            return
        click.echo("\n".join(machine.lines()))
        for table in tables(rows):
            click.echo(f"\n{table.text()}")
        for place, reason in enumerate(left_out(rows)):
            click.echo(f"{'' if place else chr(10)}left out: {reason}")


def run_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every measuring command; they arrive as one `run`."""

    @wraps(command)
    def with_run(threads: int, clock: str, pages: str, as_json: bool, out: Path | None, **rest: Any) -> None:
        command(run=Run(threads, clock, pages, as_json, out), **rest)

    decorated: Callable[..., None] = with_run
    for option in (
        click.option("--out", type=click.Path(path_type=Path), help="Also write the rows to this file."),
        click.option("--json", "as_json", is_flag=True, help="Print a JSON list of rows, nothing else."),
        click.option(
            "--pages",
            type=click.Choice(["reused", "fresh"]),
            default="reused",
            show_default=True,
            help="Whether freed memory stays with the process; fresh is what torch does by itself.",
        ),
        click.option(
            "--clock",
            type=click.Choice(CLOCKS),
            default="cpu",
            show_default=True,
            help="CPU time of the process, or wall time.",
        ),
        click.option(
            "--threads", type=AT_LEAST_1, default=1, show_default=True, help="Of torch, numba and faiss."
        ),
    ):
        decorated = option(decorated)
    return decorated


def collect(
    measured: Callable[[Watch], Iterable[Row]], keep: Callable[[list[Row]], None] = lambda _: None
) -> tuple[list[Row], bool]:
    """The rows of a benchmark, and whether Ctrl-C ended it early; its progress goes to stderr.

    Args:
        keep: called with all rows so far, so that no accident loses them.

    Raises:
        ConfigError: all that was asked for was left out.
    """
    rows: list[Row] = []
    with watching() as watch:
        try:
            for row in measured(watch):
                rows.append(row)
                keep(rows)
        except KeyboardInterrupt:  # the second one
            return rows, True
        stopped = watch.stop()
    if not stopped:
        require_measured(rows)
    return rows, stopped


def require_measured(rows: list[Row]) -> None:
    """Raise ConfigError with the first reason if no row holds a figure."""
    reasons = left_out(rows)
    if reasons and all(row.left_out for row in rows):
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        raise ConfigError(f"nothing to measure: {reasons[0]}{more}")


@contextmanager
def watching() -> Iterator[Watch]:
    """Progress on stderr, where that is a terminal; Ctrl-C ends after the current repeat."""
    with stop_request() as stop:
        yield Watch(_say, stop)


def run_and_show(
    run: Run,
    measured: Callable[[Watch], Iterable[Row]],
    publish: Callable[[Machine, list[Row]], None] | None = None,
) -> None:
    """Measure, print and publish, and exit with 130 if that was ended early."""
    machine = run.prepare()
    rows, stopped = collect(measured, partial(run.keep, machine))
    run.show(machine, rows)
    if publish is not None and not stopped:
        publish(machine, rows)
    if stopped:
        click.echo("samviz: stopped; this is what was measured so far", err=True)
        sys.exit(STOPPED)


def _say(note: str) -> None:
    if sys.stderr.isatty():
        click.echo(f"samviz: {note}", err=True)
