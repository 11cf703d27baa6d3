"""The memory of a window, above what exists once per slot (the paper's figures 1b and 7b)."""

import gc
from collections.abc import Iterator
from dataclasses import dataclass

from samviz.bench import budget
from samviz.bench.clock import Watch
from samviz.bench.ratios import memory_ratios
from samviz.bench.row import BOTH, Row
from samviz.bench.sizes import size_name
from samviz.bench.standing import bytes_once
from samviz.bench.subjects import (
    Entry,
    Sizes,
    Subject,
    entries,
    make_subject,
    require_known,
    why_missing,
)
from samviz.bench.tracker import peak_bytes
from samviz.errors import ConfigError

SHORTEST = 4  # steps from which the bytes of more can be told


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """What to measure: every model at every size, over the same number of steps.

    Raises:
        ConfigError: a model that nobody knows.
    """

    models: tuple[str, ...]
    slots: tuple[int, ...]
    indexes: tuple[str, ...] = ("auto",)
    steps: int = 100
    batch: int = 1
    max_bytes: float

    def __post_init__(self) -> None:
        require_known(self.models)


def measure(plan: MemoryPlan, watch: Watch) -> Iterator[Row]:
    """A row for each subject and size, or one that says why it was left out; then the ratios of that size."""
    for slots in plan.slots:
        rows = []
        for entry in entries(plan.models, plan.indexes):
            if watch.stop():
                break
            watch.say(f"{size_name(slots)} slots, {plan.steps} steps: {entry}")
            rows.append(_measure_one(plan, entry, Sizes(slots, plan.batch)))
            yield rows[-1]
        yield from memory_ratios(rows)


def figure_7b(slots: tuple[int, ...], max_bytes: float) -> MemoryPlan:
    """The paper's comparison of SDNC and DNC: all memory of 10 steps, with an exact index."""
    return MemoryPlan(models=("sdnc", "dnc"), slots=slots, indexes=("exact",), steps=10, max_bytes=max_bytes)


def _measure_one(plan: MemoryPlan, entry: Entry, sizes: Sizes) -> Row:
    refusal = why_missing(entry.model)
    if not refusal:
        window = budget.fitting(entry, sizes, plan.steps, plan.max_bytes)
        refusal = window.refusal or _too_short(entry, sizes, window.steps, plan.steps)
    if refusal:
        return _row(plan, entry, sizes, left_out=refusal)
    try:
        subject = make_subject(entry, sizes, plan.steps)
    except ConfigError as error:  # sizes or an index that this model has not
        return _row(plan, entry, sizes, left_out=str(error))
    budget.run_window(subject, min(plan.steps, 2))  # whatever is made at the first use exists now
    counted = min(window.steps, plan.steps)
    peak = _peak(subject, counted)
    if counted < plan.steps:
        each = (peak - _peak(subject, counted // 2)) / (counted - counted // 2)
        peak += round(each * (plan.steps - counted))
    once = bytes_once(subject.state(), sizes.slots)
    found = Entry(entry.model, subject.index)
    return _row(plan, found, sizes, peak=peak, once=once, counted=counted if counted < plan.steps else 0)


def _peak(subject: Subject, steps: int) -> int:
    subject.forget_gradients()
    gc.collect()
    return peak_bytes(lambda: subject.backward(subject.forward(steps)))


def _too_short(entry: Entry, sizes: Sizes, steps: int, asked: int) -> str:
    if steps >= min(asked, SHORTEST):
        return ""
    return (
        f"{entry} at {size_name(sizes.slots)} slots: the memory is enough for {steps} steps, "
        f"expected at least {SHORTEST}"
    )


def _row(
    plan: MemoryPlan,
    entry: Entry,
    sizes: Sizes,
    *,
    peak: int | None = None,
    once: dict[str, int] | None = None,
    counted: int = 0,
    left_out: str = "",
) -> Row:
    return Row(
        bench="memory",
        model=entry.model,
        index=entry.index,
        slots=sizes.slots,
        batch=sizes.batch,
        steps=plan.steps,
        phase=BOTH,
        bytes=peak,
        once=once,
        counted_steps=counted,
        left_out=left_out,
    )
