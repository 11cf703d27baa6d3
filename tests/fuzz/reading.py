"""Read everything a trace can tell, and say what came of it."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from samviz.errors import ConfigError, TraceError, TraceWarning
from samviz.trace import Trace, describe, open_trace
from samviz.trace.schema import DATASETS

SMALL_BYTES = 2**26
QUESTIONS = 5


class Outcome(NamedTuple):
    """kind: equal, error, shorter, commit record; never wrong, traceback, crash, hang or greedy."""

    kind: str
    detail: str = ""


class Answers(NamedTuple):
    """What a trace said: its steps, and by question an array, a text or a TraceError."""

    steps: int
    status: str
    warning: str | None
    told: dict[str, Any]


def answers(path: Path, steps: list[int] | None = None) -> Answers:
    """Ask everything; memory and usage at those steps, else at a few of the trace.

    Raises TraceError where it cannot be opened, and what it should never raise.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TraceWarning)
        trace = open_trace(path)
    with trace:
        told = {}
        for name, question in questions(trace, steps):
            try:
                told[name] = question()
            except TraceError as error:
                told[name] = check_message(error)
        return Answers(len(trace), trace.status, trace.warning, told)


def questions(trace: Trace, steps: list[int] | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every question by its name."""
    yield "meta", lambda: repr(dict(trace.meta))
    yield "header", lambda: repr((trace.uuid, trace.created, trace.version, trace.access_threshold))
    yield "dimensions", lambda: repr((trace.dimensions, trace.last_write_erases))
    yield "episodes", lambda: np.array(trace.episodes)
    for name in trace.datasets:
        yield name, lambda name=name: trace[name][:]
    if not len(trace):
        return
    if steps is None:
        steps = np.unique(np.linspace(0, len(trace) - 1, QUESTIONS).astype(int)).tolist()
    sizes = trace.dimensions
    small = sizes.slots * max(sizes.word_size, 4) * 4 < SMALL_BYTES
    slots = None if small else [0, sizes.slots - 1]
    for t in steps:
        if t < len(trace):
            yield f"memory {t}", lambda t=t: trace.memory(t, slots)
            if small:
                yield f"usage {t}", lambda t=t: trace.usage(t)
    yield "summary", lambda: (describe(trace), repr(trace), trace._repr_html_())[:0]


def check_message(error: TraceError) -> TraceError:
    """An error must be one line that says something."""
    text = str(error)
    assert text.isprintable()
    assert "; " in text, text
    return error


def any_outcome(path: Path) -> Outcome:
    """A file that may say anything, as long as it ends in answers or in clear errors."""
    try:
        found = answers(path)
    except TraceError as error:
        check_message(error)
        return Outcome("error", str(error))
    except ConfigError as error:
        return Outcome("error", str(error))
    failed = [said for said in found.told.values() if isinstance(said, TraceError)]
    return Outcome("error", str(failed[0])) if failed else Outcome("equal")


def compared(path: Path, whole: Answers, asked: list[int]) -> Outcome:
    """A damaged file against the undamaged one: what it tells must be right, or an error."""
    try:
        found = answers(path, asked)
    except TraceError as error:
        check_message(error)
        return Outcome("error", str(error))
    wrong = [name for name, said in found.told.items() if differs(name, said, whole, found.steps)]
    failed = [said for said in found.told.values() if isinstance(said, TraceError)]
    if wrong:
        return Outcome("wrong", f"{wrong} of {found.steps} steps")
    if failed:
        return Outcome("error", str(failed[0]))
    if found.warning:
        return Outcome("shorter", found.warning)
    if (found.steps, found.status) != (whole.steps, whole.status):
        return Outcome("commit record", f"{found.steps} of {whole.steps} steps, {found.status}")
    return Outcome("equal")


def differs(name: str, said: Any, whole: Answers, steps: int) -> bool:
    """Whether an answer is neither an error nor what the undamaged trace said of those steps."""
    right = whole.told.get(name)
    if isinstance(said, TraceError):
        return False
    if not isinstance(said, np.ndarray):
        return bool(said != right)
    if name == "episodes" and steps < whole.steps:
        right = np.array([(number, a, min(b, steps)) for number, a, b in right if a < steps])
    elif name in DATASETS and len(right) == whole.steps:
        right = right[:steps]
    if steps > whole.steps:  # a count that is too high shows steps that were never committed
        said = said[: len(right)]
    same = said.shape == right.shape and np.array_equal(said, right, equal_nan=said.dtype.kind == "f")
    return not same
