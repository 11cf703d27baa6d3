"""`samviz bench`: one command per benchmark, one that draws the figures, and one that does it all."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from samviz.bench.options import AT_LEAST_1, NAMES, SIZE, SIZES, Run, run_and_show, run_options

ALL_MODELS = "sam,sdnc,dam,ntm,dnc,lstm"
MEMORY = "Bytes that may be used, such as 8G; default: a quarter of what is free."


@click.group("bench", short_help="Measure speed, memory, indexes, links and recording.")
def bench() -> None:
    """Measure samviz on this machine, against dense models and the package dnc in the same run.

    Rows are printed as tables, with --json as a JSON list; --out keeps them in a file. Ctrl-C prints what was
    measured so far. For steady figures leave the machine alone meanwhile.

    \b
    Examples:
      samviz bench speed --slots 1k,64k
      samviz bench memory --json > memory.json
      samviz bench all --quick
    """


@bench.command(short_help="Time one step, forward and backward.")
@run_options
@click.option("--models", type=NAMES, help=f"Default {ALL_MODELS}, and the package dnc if it is installed.")
@click.option("--slots", type=SIZES, default="1k,64k,1M", show_default=True, help="Memory sizes N.")
@click.option("--batch", "batches", type=SIZES, default="1,8", show_default=True, help="Batch sizes.")
@click.option("--index", "indexes", type=NAMES, default="auto", show_default=True, help="Of sparse models.")
@click.option("--steps", type=AT_LEAST_1, default=100, show_default=True, help="Steps of a window, at most.")
@click.option("--repeats", type=AT_LEAST_1, default=5, show_default=True, help="Windows; the median counts.")
@click.option(
    "--window-s",
    type=click.FloatRange(min=0, min_open=True),
    default=4.0,
    show_default=True,
    help="Seconds after which a window is long enough; slow models run fewer steps.",
)
@click.option("--max-memory", type=SIZE, help=MEMORY)
def speed(run: Run, models: tuple[str, ...] | None, max_memory: int | None, **plan: Any) -> None:
    """Time one step, forward and backward, with all slots live.

    Models take turns in every repeat. Sizes besides N and B are those of the paper's figure 1. Dense models
    keep their memory at every step, so their windows are as long as fits.

    \b
    Examples:
      samviz bench speed
      samviz bench speed --models sam,dam --slots 1k,4k,16k --batch 1 --repeats 9
      samviz bench speed --models sam --index exact,auto --slots 64k --out speed.json
    """
    from samviz.bench.speed import SpeedPlan, measure

    found = SpeedPlan(
        models=models or _all_models(), max_bytes=_max_bytes(max_memory), clock=run.clock, **plan
    )
    run_and_show(run, lambda watch: measure(found, watch))


@bench.command(short_help="Count the bytes that a window needs.")
@run_options
@click.option("--models", type=NAMES, help=f"Default {ALL_MODELS}, and the package dnc if it is installed.")
@click.option("--slots", type=SIZES, default="1k,64k,1M", show_default=True, help="Memory sizes N.")
@click.option("--index", "indexes", type=NAMES, default="auto", show_default=True, help="Of sparse models.")
@click.option("--steps", type=AT_LEAST_1, default=100, show_default=True, help="Steps of the window.")
@click.option("--max-memory", type=SIZE, help=MEMORY)
def memory(run: Run, models: tuple[str, ...] | None, max_memory: int | None, **plan: Any) -> None:
    """Count the bytes of a window, forward and backward, above what exists once per slot; batch 1.

    What exists once per slot (memory, ring, norms, index, links) is listed apart. Where both are among the
    models, SDNC and DNC are also compared over 10 steps at 2k slots, as in the paper's figure 7b.

    \b
    Examples:
      samviz bench memory
      samviz bench memory --models sdnc,dnc --slots 256,1k,2k --steps 10
    """
    from samviz.bench.memory import MemoryPlan, figure_7b, measure
    from samviz.bench.row import Row

    found = MemoryPlan(models=models or _all_models(), max_bytes=_max_bytes(max_memory), **plan)

    def measured(watch: Any) -> Iterator[Row]:
        yield from measure(found, watch)
        if {"sdnc", "dnc"} <= set(found.models) and found.steps != 10:
            yield from measure(figure_7b((2048,), found.max_bytes), watch)

    run_and_show(run, measured)


@bench.command(short_help="Compare indexes with the exact scan.")
@run_options
@click.option("--slots", type=SIZES, default="64k", show_default=True, help="Memory sizes N.")
@click.option(
    "--index", "indexes", type=NAMES, help="Default: all; faiss-hnsw, slow to build, only up to 64k slots."
)
@click.option(
    "--words",
    type=NAMES,
    default="random,copies,drifted,clustered,duplicates",
    show_default=True,
    help="What the memory holds, and what is asked.",
)
@click.option("--queries", type=AT_LEAST_1, default=64, show_default=True, help="Searches of 4 queries.")
@click.option("--repeats", type=AT_LEAST_1, default=5, show_default=True, help="The median counts.")
def index(run: Run, indexes: tuple[str, ...] | None, **plan: Any) -> None:
    """Compare indexes with the exact scan: time of 4 queries and of 17 updates, and what is found.

    recall@4: share of the true four nearest that was found; hit@1: how often the nearest was among them;
    scanned: words that a query was compared with.

    Random words are asked for other random words (random), for noisy copies of themselves (copies), and, when
    half of them have moved into a tight cone and the index was not built anew, for words of the cone
    (drifted). Words in clusters and in near duplicates are asked for noisy copies of themselves.

    faiss-flat and faiss-hnsw are not updated. faiss is IVFFlat with 16 probes; faiss-64 and faiss-128 probe
    more of the same lists, to compare at equal recall.

    \b
    Examples:
      samviz bench index --slots 64k,1M
      samviz bench index --index pages,faiss-64 --words random --queries 256
    """
    from samviz.bench.index import IndexPlan, measure

    found = IndexPlan(indexes=indexes or (), clock=run.clock, **plan)
    run_and_show(run, lambda watch: measure(found, watch))


@bench.command(short_help="Time the link arithmetic of an SDNC.")
@run_options
@click.option("--slots", type=SIZES, default="1k,64k,1M", show_default=True, help="Memory sizes N.")
@click.option("--links", type=AT_LEAST_1, default=8, show_default=True, help="L, links kept per slot.")
@click.option("--steps", type=AT_LEAST_1, default=2000, show_default=True, help="Steps of a repeat.")
@click.option("--warm-steps", type=AT_LEAST_1, default=5000, show_default=True, help="Until it is timed.")
@click.option("--repeats", type=AT_LEAST_1, default=7, show_default=True, help="The median counts.")
def links(run: Run, **plan: Any) -> None:
    """Time all link arithmetic of an SDNC's step, forward: 4 heads, 12 read entries each.

    \b
    Example:
      samviz bench links --slots 1k,1M
    """
    from samviz.bench.links import LinksPlan, measure

    found = LinksPlan(clock=run.clock, **plan)
    run_and_show(run, lambda watch: measure(found, watch))


@bench.command(short_help="Time recording.")
@run_options
@click.option("--model", default="sam", show_default=True, help="sam or sdnc.")
@click.option("--index", default="auto", show_default=True, help="Kind of index.")
@click.option("--slots", type=SIZE, default="64k", show_default=True, help="Memory size N.")
@click.option("--batch", type=AT_LEAST_1, default=1, show_default=True, help="Batch size.")
@click.option("--steps", type=AT_LEAST_1, default=100, show_default=True, help="Steps of a window.")
@click.option("--repeats", type=AT_LEAST_1, default=9, show_default=True, help="The median counts.")
def record(run: Run, **plan: Any) -> None:
    """Time windows, forward and backward, with and without a trace being written, in turns.

    A repeat is as many windows as fill a chunk of the trace, so that each repeat also writes one to disk.

    \b
    Example:
      samviz bench record --slots 64k
    """
    from samviz.bench.record import RecordPlan, measure

    found = RecordPlan(clock=run.clock, **plan)
    run_and_show(run, lambda watch: measure(found, watch))


@bench.command(short_help="Time the questions that a trace is asked.")
@run_options
@click.option("--trace", type=click.Path(path_type=Path), help="A trace to ask; default: a demo is made.")
@click.option("--steps", type=SIZE, default="1000000", show_default=True, help="Of the demo.")
@click.option("--slots", type=SIZE, default="1000000", show_default=True, help="Of the demo.")
@click.option("--repeats", type=AT_LEAST_1, default=7, show_default=True, help="The median counts.")
def trace(run: Run, **plan: Any) -> None:
    """Time what a trace is asked: opening, rows, histories, pictures; and the memory that each needs.

    Each question has a process of its own. Its index is built along (cold), loaded along (cached), there by
    then (warm), or not needed. Bounds are those of a million steps and slots; memory is what the process held
    at most above what it began with, mapped pages included. A demo of a million steps takes 5 GB and a
    minute; `samviz demo` makes one to keep.

    \b
    Examples:
      samviz bench trace
      samviz bench trace --steps 100k --slots 64k --repeats 3
      samviz bench trace --trace traces/large.h5
    """
    from samviz.bench.trace import TracePlan, measure

    found = TracePlan(clock=run.clock, **plan)
    run_and_show(run, lambda watch: measure(found, watch))


@bench.command(short_help="Draw the figures from measured rows.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), default="docs", show_default=True, help="Folder of the figures."
)
def plot(files: tuple[Path, ...], out: Path) -> None:
    """Draw the paper's figures 1a, 1b and 7 as SVG from files that --out or --json wrote.

    \b
    Examples:
      samviz bench plot docs/bench.json
      samviz bench plot speed.json memory.json --out figures
    """
    from samviz.bench.figures import draw
    from samviz.bench.row import read_report

    reports = [read_report(path) for path in files]
    machine = next((report.machine for report in reports if report.machine), None)
    for path in draw([row for report in reports for row in report.rows], machine, out):
        click.echo(f"drew {path}")


@bench.command("all", short_help="Measure everything; renew the page and the figures.")
@run_options
@click.option("--quick", is_flag=True, help="Small sizes and few repeats, a minute: to see that it works.")
@click.option("--max-memory", type=SIZE, help=MEMORY)
@click.option(
    "--markdown",
    type=click.Path(path_type=Path),
    help="A page whose marked sections are to be filled in, such as docs/benchmarks.md.",
)
@click.option("--plot", "figures", type=click.Path(path_type=Path), help="A folder for the figures.")
def all_benchmarks(
    run: Run, quick: bool, max_memory: int | None, markdown: Path | None, figures: Path | None
) -> None:
    """Measure everything that the page of benchmarks shows, in about twenty minutes.

    \b
    Examples:
      samviz bench all --quick
      samviz bench all --out docs/bench.json --markdown docs/benchmarks.md --plot docs
    """
    from samviz.bench.page import require_page
    from samviz.bench.suite import everything, publish

    if markdown is not None:
        require_page(markdown)
    run_and_show(
        run,
        lambda watch: everything(_all_models(), _max_bytes(max_memory), run.clock, watch, quick=quick),
        lambda machine, rows: publish(machine, rows, markdown, figures),
    )


def _all_models() -> tuple[str, ...]:
    """All models of samviz, and those of the package dnc where it is installed."""
    from samviz.bench import rivals

    names = tuple(ALL_MODELS.split(","))
    if rivals.installed():
        return names + rivals.NAMES
    click.echo("samviz: the package dnc is not installed, so it is not measured", err=True)
    return names


def _max_bytes(asked: int | None) -> float:
    from samviz.bench.budget import DEFAULT_SHARE
    from samviz.bench.machine import available_bytes

    return float(asked) if asked is not None else DEFAULT_SHARE * available_bytes()
