"""The link arithmetic of an SDNC's step: advancing all heads' links and following them (supplement D)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from samviz.bench.clock import Watch, figures, take_turns, timed
from samviz.bench.row import FORWARD, Row
from samviz.bench.sizes import size_name
from samviz.bench.subjects import Sizes

Array = np.ndarray[Any, Any]
RECENT = 64  # half of the content reads go to slots taken within so many steps, half anywhere


@dataclass(frozen=True, kw_only=True)
class LinksPlan:
    """What to time. Links are a matter of each element alone, so the batch is 1."""

    slots: tuple[int, ...]
    links: int = 8
    steps: int = 2000
    warm_steps: int = 5000
    repeats: int = 7
    clock: str = "cpu"


class Traffic(NamedTuple):
    """What the controller and the content reads of T steps bring to the links; the rest follows from them."""

    taken: Array  # [T, H] int32, the slots that the heads take, in ring order
    content_slot: Array  # [T, H, K] int32
    content_weight: Array  # [T, H, K], of sum 1
    mode: Array  # [T, H, 3] backward, content, forward, of sum 1
    alpha: Array  # [T, H]
    gamma: Array  # [T, H]


class Loop(NamedTuple):
    """The compiled loop over the link kernel; a test may put another in its place."""

    fresh: Callable[[int, int, int, int], Any]  # (heads, slots, links, reads) -> tables
    run: Callable[[Any, Traffic], None]  # one step after the other, in place


def measure(plan: LinksPlan, watch: Watch) -> Iterator[Row]:
    """A row for each number of slots."""
    loop = compiled_loop()
    for slots in plan.slots:
        if watch.stop():
            return
        watch.say(f"{size_name(slots)} slots: link arithmetic, {plan.warm_steps:,} steps to warm up")
        yield from _measure_one(plan, loop, slots, watch)


def compiled_loop() -> Loop:
    """The loop over the link kernel, compiled when it first runs."""
    from samviz.bench import links_loop

    return Loop(links_loop.fresh, links_loop.run)


def traffic(slots: int, first: int, steps: int, sizes: Sizes) -> Traffic:
    """Realistic steps, the first of them being step `first` of the memory's life."""
    rng = np.random.default_rng([slots, first])
    heads, reads = sizes.heads, sizes.reads
    step = np.arange(first, first + steps)[:, None]
    taken = (step * heads + np.arange(heads)) % slots
    recent = taken[..., None] - rng.integers(heads, RECENT * heads, (steps, heads, reads))
    anywhere = rng.integers(0, slots, (steps, heads, reads))
    content = np.where(rng.random(recent.shape) < 0.5, recent % slots, anywhere)
    return Traffic(
        taken=taken.astype(np.int32),
        content_slot=content.astype(np.int32),
        content_weight=rng.dirichlet(np.ones(reads), (steps, heads)).astype(np.float32),
        mode=rng.dirichlet(np.ones(3), (steps, heads)).astype(np.float32),
        alpha=rng.random((steps, heads), np.float32),
        gamma=rng.random((steps, heads), np.float32),
    )


def _measure_one(plan: LinksPlan, loop: Loop, slots: int, watch: Watch) -> Iterator[Row]:
    sizes = Sizes(slots, 1)
    tables = loop.fresh(sizes.heads, slots, plan.links, sizes.reads)
    loop.run(tables, traffic(slots, 0, plan.warm_steps, sizes))
    first = plan.warm_steps

    def run() -> Any:
        nonlocal first
        steps = traffic(slots, first, plan.steps, sizes)
        first += plan.steps
        return timed(lambda: loop.run(tables, steps))

    (samples,) = take_turns([run], [plan.repeats], watch.stop)
    if samples:
        yield Row(
            bench="links",
            model="sdnc",
            slots=slots,
            steps=plan.steps,
            phase=FORWARD,
            **figures(samples, plan.steps, plan.clock),
        )
