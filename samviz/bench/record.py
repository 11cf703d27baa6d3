"""What recording costs: the same windows with and without a trace being written."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from samviz.bench.clock import Times, Watch, figures, take_turns, timed
from samviz.bench.row import Row
from samviz.bench.sizes import size_name
from samviz.bench.subjects import SPARSE, Entry, Sizes, live_words, make_model_of, why_missing
from samviz.errors import ConfigError
from samviz.recorder import Recorder
from samviz.recorder.fields import OWN_COLUMNS
from samviz.trace.schema import CHUNK_STEPS

OFF, ON = "not recorded", "recorded"


@dataclass(frozen=True, kw_only=True)
class RecordPlan:
    """What to time.

    Raises:
        ConfigError: a model without a sparse memory.
    """

    model: str = "sam"
    index: str = "auto"
    slots: int = 64 * 1024
    batch: int = 1
    steps: int = 100
    repeats: int = 9
    clock: str = "cpu"

    @property
    def windows(self) -> int:
        """Windows of a repeat: enough for a whole chunk of the trace, so that each repeat writes one."""
        return -(-CHUNK_STEPS // self.steps)

    def __post_init__(self) -> None:
        if self.model not in SPARSE:
            raise ConfigError(f"model must be one of {', '.join(SPARSE)}, found {self.model!r}")


def measure(plan: RecordPlan, watch: Watch) -> Iterator[Row]:
    """A row without and one with recording, and one with their ratio.

    Raises:
        ConfigError: this build has no such model.
    """
    refusal = why_missing(plan.model)
    if refusal:
        raise ConfigError(f"nothing to measure: {refusal}")
    watch.say(f"{size_name(plan.slots)} slots: {plan.model}, recorded and not")
    with TemporaryDirectory(prefix="samviz-bench-") as folder, ExitStack() as stack:
        off = _windows(plan, None)
        on = _windows(plan, stack.enter_context(_recorder(plan, Path(folder) / "trace.h5")))
        off(), on()  # warm
        samples = take_turns([off, on], [plan.repeats] * 2, watch.stop)
    steps = plan.windows * plan.steps
    rows = [
        _row(plan, phase, **figures(times, steps, plan.clock))
        for phase, times in zip((OFF, ON), samples, strict=True)
        if times
    ]
    yield from rows
    if len(rows) == 2:
        yield _ratio(plan, samples)


def _windows(plan: RecordPlan, recorder: Recorder | None) -> Callable[[], Times]:
    """A function that times the windows of a repeat; each window goes on where the last one ended."""
    torch.manual_seed(0)
    sizes = Sizes(plan.slots, plan.batch)
    model: Any = make_model_of(Entry(plan.model, plan.index), sizes)
    state = model.initial_state(plan.batch, memory=live_words(sizes))
    inputs = torch.rand(plan.steps, plan.batch, sizes.io_size)
    first_step = 0

    def window() -> None:
        nonlocal state, first_step
        output, state, events = model(inputs, state, events=recorder is not None)
        output.backward(torch.ones_like(output))
        model.zero_grad(set_to_none=True)
        if recorder is not None:
            recorder.append(events, episode=0, first_step=first_step, input=inputs, output=output)
        first_step += plan.steps

    def windows() -> None:
        for _ in range(plan.windows):
            window()

    def run() -> Times:
        return timed(windows)

    return run


def _recorder(plan: RecordPlan, path: Path) -> Recorder:
    sizes = Sizes(plan.slots, plan.batch)
    config = make_model_of(Entry(plan.model, plan.index), sizes).config
    return Recorder(
        path,
        slots=sizes.slots,
        word_size=sizes.word_size,
        heads=sizes.heads,
        reads=sizes.reads,
        read_entries=config.read_entries,
        write_entries=config.write_entries,
        links=getattr(config, "links", 0),
        batch=sizes.batch,
        input_size=sizes.io_size,
        output_size=sizes.io_size,
        columns=OWN_COLUMNS,
    )


def _row(plan: RecordPlan, phase: str, **measured: Any) -> Row:
    return Row(
        bench="record",
        model=plan.model,
        index=plan.index,
        slots=plan.slots,
        batch=plan.batch,
        steps=plan.steps,
        phase=phase,
        **measured,
    )


def _ratio(plan: RecordPlan, samples: list[list[Times]]) -> Row:
    off, on = (median(each.by(plan.clock) for each in times) for times in samples)
    return _row(plan, ON, against=OFF, ratio=on / off)
