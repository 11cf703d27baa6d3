"""Reading a large trace: how long each question takes, and the memory that it needs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from samviz.bench.clock import Times, Watch, figures
from samviz.bench.row import Row
from samviz.bench.trace_questions import QUESTIONS, Asked, Question
from samviz.demo import Demo, generate
from samviz.demo.compile import ensure_compiled
from samviz.errors import ConfigError, TraceError
from samviz.trace import open_trace

FULL_SIZE = 1_000_000  # slots and steps that the bounds are about


@dataclass(frozen=True, kw_only=True)
class TracePlan:
    """Which trace is asked, or how large a demo, and how often."""

    trace: Path | None = None
    steps: int = FULL_SIZE
    slots: int = FULL_SIZE
    repeats: int = 7
    clock: str = "cpu"


def measure(plan: TracePlan, watch: Watch) -> Iterator[Row]:
    """A row for each question, each asked in a process of its own.

    Raises:
        ConfigError: a trace without steps.
        TraceError: no trace, no room for a demo, or a question that is not answered.
    """
    with TemporaryDirectory(prefix="samviz-bench-") as folder, _trace(plan, Path(folder), watch) as path:
        if watch.stop():
            return
        with open_trace(path) as opened:
            steps, slots = len(opened), opened.dimensions.slots
        if not steps:
            raise ConfigError(f"{path}: nothing to measure: the trace holds no steps")
        ensure_compiled()
        for question in QUESTIONS:
            if watch.stop():
                return
            watch.say(f"{steps:,} steps, {slots:,} slots: {question.name}")
            yield _row(plan, question, steps, slots, _asked(plan, question, path, Path(folder) / "indexes"))


@contextmanager
def _trace(plan: TracePlan, folder: Path, watch: Watch) -> Iterator[Path]:
    """The trace asked for, or a demo that is removed afterwards."""
    if plan.trace is not None:
        yield plan.trace
        return
    path = folder / "demo.h5"
    demo = Demo(steps=plan.steps, slots=plan.slots)
    watch.say(f"generating a trace of {plan.steps:,} steps and {plan.slots:,} slots")
    generate(demo, path, stop=watch.stop)
    yield path


def _asked(plan: TracePlan, question: Question, path: Path, indexes: Path) -> tuple[list[Times], int]:
    asked = Asked(str(path), question.name, plan.repeats, str(indexes))
    command = [sys.executable, "-m", "samviz.bench.trace_questions", json.dumps(asdict(asked))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"]
        raise TraceError(
            f"{path}: {question.name}: expected an answer, found none ({said[-1][:200]}); "
            "check the trace, or measure a smaller one"
        )
    found = json.loads(done.stdout)
    return [Times(*sample) for sample in found["samples"]], int(found["bytes"])


def _row(plan: TracePlan, question: Question, steps: int, slots: int, found: tuple[list[Times], int]) -> Row:
    samples, peak = found
    full = steps >= FULL_SIZE and slots >= FULL_SIZE
    return Row(
        bench="trace",
        model="demo" if plan.trace is None else plan.trace.name,
        slots=slots,
        steps=steps,
        phase=question.name,
        index=question.index,
        bytes=peak,
        bound_us=question.bound_s * 1e6 if question.bound_s is not None and full else None,
        **figures(samples, 1, plan.clock),
    )
