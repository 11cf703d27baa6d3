"""Everything that the page of benchmarks shows, one benchmark after the other."""

from collections.abc import Iterator
from pathlib import Path

import click

from samviz.bench import index, links, memory, record, speed
from samviz.bench.clock import Watch
from samviz.bench.figures import draw
from samviz.bench.machine import Machine
from samviz.bench.page import fill_page
from samviz.bench.row import Row
from samviz.bench.subjects import KNOWN, why_missing
from samviz.errors import ConfigError

K, M = 2**10, 2**20


def everything(
    models: tuple[str, ...], max_bytes: float, clock: str, watch: Watch, *, quick: bool
) -> Iterator[Row]:
    """The rows of all benchmarks; about twenty minutes, or a minute if quick."""
    yield from _speed(models, max_bytes, clock, watch, quick=quick)
    yield from _memory(models, max_bytes, watch, quick=quick)
    sizes = (K,) if quick else (64 * K, M)
    yield from index.measure(
        index.IndexPlan(slots=sizes, queries=8 if quick else 64, repeats=3, clock=clock), watch
    )
    yield from _links(clock, watch, quick=quick)
    for model in ("sam", "sdnc"):
        if not why_missing(model) and not watch.stop():
            plan = record.RecordPlan(
                model=model, slots=K if quick else 64 * K, repeats=3 if quick else 9, clock=clock
            )
            yield from record.measure(plan, watch)


def publish(machine: Machine, rows: list[Row], page: Path | None, figures: Path | None) -> None:
    """Fill in the page and draw the figures, where asked for."""
    if page is not None:
        fill_page(page, machine, rows)
        click.echo(f"filled in {page}", err=True)
    if figures is not None:
        for path in draw(rows, machine, figures):
            click.echo(f"drew {path}", err=True)


def _speed(
    models: tuple[str, ...], max_bytes: float, clock: str, watch: Watch, *, quick: bool
) -> Iterator[Row]:
    """Figure 1a, batch 1 at fewer sizes than batch 8; then SDNC and DNC for figure 7a."""
    many = (K, 4 * K) if quick else (K, 4 * K, 16 * K, 64 * K, 256 * K, M)
    few = (K,) if quick else (K, 64 * K, M)
    for batch, slots in ((8, many), (1, few)):
        plan = speed.SpeedPlan(
            models=models,
            slots=slots,
            batches=(batch,),
            repeats=3 if quick or batch == 8 else 5,
            steps=20 if quick else 100,
            window_s=0.2 if quick else 1.5,
            max_bytes=max_bytes,
            clock=clock,
        )
        yield from speed.measure(plan, watch)
    plan = speed.SpeedPlan(
        models=("sdnc", "dnc"),
        slots=(256, 512) if quick else (256, 512, K, 2 * K),
        batches=(1,),
        indexes=("exact",),
        repeats=3,
        steps=10 if quick else 100,
        window_s=0.2 if quick else 3.0,
        max_bytes=max_bytes,
        clock=clock,
    )
    yield from speed.measure(plan, watch)


def _memory(models: tuple[str, ...], max_bytes: float, watch: Watch, *, quick: bool) -> Iterator[Row]:
    """Figure 1b; then SDNC and DNC for figure 7b."""
    many = (256, K) if quick else (K, 4 * K, 16 * K, 64 * K, M)
    own = tuple(model for model in models if model in KNOWN)  # 100 steps of the package would take hours
    plan = memory.MemoryPlan(models=own, slots=many, steps=10 if quick else 100, max_bytes=max_bytes)
    yield from memory.measure(plan, watch)
    few = (256, 512) if quick else (256, 512, K, 2 * K)
    yield from memory.measure(memory.figure_7b(few, max_bytes), watch)


def _links(clock: str, watch: Watch, *, quick: bool) -> Iterator[Row]:
    plan = links.LinksPlan(
        slots=(K,) if quick else (K, 64 * K, M),
        steps=200 if quick else 2000,
        warm_steps=200 if quick else 5000,
        repeats=3 if quick else 7,
        clock=clock,
    )
    try:
        yield from links.measure(plan, watch)
    except ConfigError as error:
        yield Row(bench="links", model="sdnc", slots=K, left_out=str(error))
