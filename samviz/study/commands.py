"""`samviz study`: one command for each figure and table of docs/learning.md."""

import os
import sys
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from samviz.terminal import progress_bar, stop_request, warn

if TYPE_CHECKING:
    from samviz.study.members import Member

AT_LEAST_1 = click.IntRange(min=1)


class Options(NamedTuple):
    """Where a study lives, and what becomes of it."""

    runs: Path
    seeds: int
    processes: int
    as_is: bool
    docs: Path


class Page(NamedTuple):
    """What becomes of a study's rows: a file of results, a figure, and sections of learning.md."""

    name: str  # of the results and the figure
    command: str
    figure: Callable[[Sequence[Any], str], Any] | None
    sections: Callable[[Sequence[Any]], dict[str, str]]


def study_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every study; they arrive as one `options`."""

    @wraps(command)
    def with_options(
        runs: Path, seeds: int, processes: int | None, as_is: bool, docs: Path, **rest: Any
    ) -> None:
        command(options=Options(runs, seeds, processes or os.cpu_count() or 1, as_is, docs), **rest)

    decorated: Callable[..., None] = with_options
    for option in (
        click.option(
            "--docs",
            type=click.Path(path_type=Path),
            default="docs",
            show_default=True,
            help="Folder of learning.md, the figures and results.",
        ),
        click.option("--as-is", is_flag=True, help="Train nothing: show the runs that are finished."),
        click.option("--processes", type=AT_LEAST_1, help="Runs at a time; default: one a core."),
        click.option("--seeds", type=AT_LEAST_1, default=3, show_default=True, help="Runs of each model."),
        click.option(
            "--runs",
            type=click.Path(path_type=Path),
            default="runs/study",
            show_default=True,
            help="Folder of the runs; what is there is not trained again.",
        ),
    ):
        decorated = option(decorated)
    return decorated


@click.group("study", short_help="Train, measure and draw what docs/learning.md shows.")
def study() -> None:
    """Train, measure and draw what docs/learning.md shows: one command a figure.

    Ctrl-C keeps what was trained; the same command goes on with it.

    \b
    Examples:
      samviz study learning --seeds 3           the paper's figure 2
      samviz study learning --as-is             the same from the runs that are finished
    """


@study.command(short_help="Figure 2: learning curves of copy, recall and sort.")
@study_options
def learning(options: Options) -> None:
    """Train SAM, SDNC, DAM, NTM and an LSTM on copy, recall and sort with the same episodes each.

    About four hours on two cores, most of it for the dense models.

    \b
    Example:
      samviz study learning --seeds 3
    """
    from samviz.study import learning as found

    members = found.members(options.runs / "figure-2", options.seeds)
    conduct(members, found.results, Page("figure-2", "learning", found.figure, found.sections), options)


@study.command(short_help="Figure 3: how far a curriculum of recall goes.")
@study_options
def curriculum(options: Options) -> None:
    """Train SAM, SDNC, DAM, NTM and an LSTM on recall under a curriculum that doubles.

    \b
    Example:
      samviz study curriculum --seeds 1
    """
    from samviz.study import curriculum as found

    members = found.members(options.runs / "figure-3", options.seeds)
    conduct(members, found.results, Page("figure-3", "curriculum", found.figure, found.sections), options)


@study.command(short_help="Figure 8: trained short, asked long.")
@study_options
def lengths(options: Options) -> None:
    """Ask models at up to 1,000 times the length they were trained with: shipped ones and `curriculum`'s.

    \b
    Example:
      samviz study lengths
    """
    from samviz.model.compile import prepare_torch
    from samviz.study import lengths as found

    prepare_torch()
    rows = found.results(found.checkpoints(options.runs / "figure-3", options.seeds))
    publish(rows, Page("figure-8", "lengths", found.figure, found.sections), options)


@study.command(short_help="bAbI: wrong answers task by task.")
@study_options
@click.option("--data", required=True, help="Folder of the published files, such as babi/en.")
def babi(options: Options, data: str) -> None:
    """Train SAM, SDNC and an LSTM jointly on the 20 bAbI tasks and ask them the published test questions.

    \b
    Example:
      samviz study babi --data babi/en --seeds 1
    """
    from samviz.study import babi as found

    members = found.members(options.runs / "babi", options.seeds, data)
    conduct(members, found.results, Page("babi", "babi --data PATH", None, found.sections), options)


@study.command(short_help="Figure 4: Omniglot errors against the number of characters.")
@study_options
@click.option("--data", required=True, help="Folder of the published zip files or of their PNG files.")
def omniglot(options: Options, data: str) -> None:
    """Train SAM, SDNC and an LSTM on Omniglot episodes and let them name characters never seen before.

    \b
    Example:
      samviz study omniglot --data omniglot --seeds 1
    """
    from samviz.study import omniglot as found

    members = found.members(options.runs / "omniglot", options.seeds, data)
    page = Page("figure-4", "omniglot --data PATH", found.figure, found.sections)
    conduct(members, found.results, page, options)


@study.command(short_help="The errors of the models that come with samviz.")
@study_options
def shipped(options: Options) -> None:
    """Measure the models that come with samviz on 1,000 fresh episodes each.

    \b
    Example:
      samviz study shipped
    """
    from samviz.model.compile import prepare_torch
    from samviz.study import ship as found

    prepare_torch()
    publish(found.measure(), Page("shipped", "shipped", None, found.sections), options)


@study.command(short_help="Put a finished run among the models that come with samviz.")
@click.argument("run", type=click.Path(path_type=Path))
def ship(run: Path) -> None:
    """Put a finished run among the models that come with samviz, with its recipe and measured error.

    \b
    Example:
      samviz study ship runs/sort-sdnc
    """
    from samviz.model.compile import prepare_torch
    from samviz.study import ship as found

    prepare_torch()
    click.echo(f"wrote {found.ship(run)}")


def conduct(
    members: "Sequence[Member]",
    results: "Callable[[Sequence[Member]], Sequence[Any]]",
    page: Page,
    options: Options,
) -> None:
    """Train what is missing, measure, and publish."""
    from samviz.model.compile import prepare_torch
    from samviz.study.members import finished, train_members

    prepare_torch()
    if not options.as_is:
        missing = sum(max(one.run.steps - one.steps_done, 0) for one in members)
        with progress_bar(missing, "step") as advance, stop_request() as stop:
            train_members(members, options.processes, report=advance, stop=stop, warn=warn)
        if stop():
            warn("stopped; the same command goes on")
            sys.exit(130)
    publish(results(finished(members, warn)), page, options)


def publish(rows: Sequence[Any], page: Page, options: Options) -> None:
    """Write the results, draw the figure, fill in the sections and print them."""
    from samviz.drawing import canvas, save
    from samviz.sections import fill_sections
    from samviz.study.made import make, write_made

    made = make(f"samviz study {page.command} --seeds {options.seeds}", rows)
    write_made(options.docs / f"{page.name}.json", made)
    if page.figure is not None:
        with canvas():
            save(page.figure(rows, made.machine), options.docs / f"{page.name}.svg")
    sections = page.sections(rows)
    if (options.docs / "learning.md").is_file():
        fill_sections(options.docs / "learning.md", "study", sections)
    for text in sections.values():
        click.echo(text)
