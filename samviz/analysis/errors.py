"""Where the run was right and where it was wrong: wrong bits or answers, episodes, where to look first."""

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from samviz.trace.reader import Trace

CHUNK_STEPS = 32768
NEEDED = ("io/output", "io/target", "io/mask")

_COUNTED: WeakKeyDictionary[Trace, dict[int, NDArray[np.int32]]] = WeakKeyDictionary()


class EpisodeSummary(NamedTuple):
    """One episode in one line. `loss` is None where no loss is known, the rest where no answers were.

    `wrong` counts what `counted` says.
    """

    number: int
    start: int
    stop: int
    loss: float | None
    answers: int | None
    wrong: int | None
    first_answer: int | None
    first_wrong: int | None

    @property
    def verdict(self) -> str:
        if self.answers is None or self.answers == 0:
            return "no answer"
        return "wrong" if self.wrong else "right"

    @property
    def landing(self) -> int:
        """The first wrong answer, else the first answer, else the first step."""
        for step in (self.first_wrong, self.first_answer):
            if step is not None:
                return step
        return self.start


def output_kind(trace: Trace) -> str:
    """'bits' or 'classes'; bits where the trace does not say."""
    return "classes" if trace.meta.get("output_kind") == "classes" else "bits"


def counted(trace: Trace) -> str:
    """What is counted as wrong, in the singular: a bit, or an answer where it is one of several classes."""
    return "answer" if output_kind(trace) == "classes" else "bit"


def has_answers(trace: Trace) -> bool:
    """True where outputs, targets and the mask of scored steps were all recorded."""
    return all(name in trace for name in NEEDED)


def scored_steps(trace: Trace, start: int, stop: int, batch: int = 0) -> NDArray[np.bool_]:
    """[T]: the steps whose answer can be judged: the mask counts them and their target is known (no NaN)."""
    return _scored(trace["io/target"][start:stop, batch], trace["io/mask"][start:stop, batch])


def wrong_elements(trace: Trace, start: int, stop: int, batch: int = 0) -> NDArray[np.bool_]:
    """[T, O]: the output elements that are wrong on a scored step; False everywhere else.

    Of classes this is the one that was chosen in place of another. An output that is no number is wrong.
    """
    output, target, mask = (trace[name][start:stop, batch] for name in NEEDED)
    return _wrong(output, target, output_kind(trace)) & _scored(target, mask)[:, None]


def wrong_counts(trace: Trace, start: int, stop: int, batch: int = 0) -> NDArray[np.int32]:
    """[T]: wrong bits (or answers) of each step, -1 where it is not scored (or nothing was recorded)."""
    if not has_answers(trace):
        return np.full(max(stop - start, 0), -1, np.int32)
    output, target, mask = (trace[name][start:stop, batch] for name in NEEDED)
    scored = np.flatnonzero(_scored(target, mask))
    counts = np.full(len(mask), -1, np.int32)
    counts[scored] = _wrong(output[scored], target[scored], output_kind(trace)).sum(-1)
    return counts


def all_wrong_counts(trace: Trace, batch: int = 0) -> NDArray[np.int32]:
    """`wrong_counts` of the whole trace, read in pieces; kept for as long as the trace is, and read-only."""
    known = _COUNTED.setdefault(trace, {})
    if batch not in known:
        stops = range(0, len(trace), CHUNK_STEPS)
        pieces = [wrong_counts(trace, a, min(a + CHUNK_STEPS, len(trace)), batch) for a in stops]
        known[batch] = np.concatenate(pieces) if pieces else np.zeros(0, np.int32)
        known[batch].flags.writeable = False
    return known[batch]


def _scored(target: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(target).all(-1) & (mask > 0), bool)


def _wrong(output: NDArray[Any], target: NDArray[Any], kind: str) -> NDArray[np.bool_]:
    """[n, O]: the wrong elements of answers that are all scored."""
    if kind == "bits":
        return np.asarray(np.isnan(output) | ((output > 0) != (target > 0.5)), bool)
    wrong = np.zeros(output.shape, bool)
    chosen = output.argmax(-1)
    rows = np.flatnonzero((chosen != target.argmax(-1)) | np.isnan(output).any(-1))
    wrong[rows, chosen[rows]] = True
    return wrong


def episode_table(trace: Trace, batch: int = 0) -> tuple[EpisodeSummary, ...]:
    """Every episode of a batch element with its loss, answers and errors, in order."""
    wrong = all_wrong_counts(trace, batch)
    loss = trace["io/loss"][:, batch].astype(np.float64) if "io/loss" in trace else None
    known = has_answers(trace)
    return tuple(summary(e.number, e.start, e.stop, wrong, loss, known) for e in trace.episodes_of(batch))


def summary(
    number: int,
    start: int,
    stop: int,
    wrong: NDArray[np.int32],
    loss: NDArray[np.float64] | None,
    known: bool,
) -> EpisodeSummary:
    """One episode's line out of the columns of the whole trace."""
    told = np.zeros(0) if loss is None else loss[start:stop][np.isfinite(loss[start:stop])]
    total = float(told.sum()) if told.size else None
    if not known:
        return EpisodeSummary(number, start, stop, total, None, None, None, None)
    here = wrong[start:stop]
    return EpisodeSummary(
        number,
        start,
        stop,
        total,
        answers=int((here >= 0).sum()),
        wrong=int(here[here > 0].sum()),
        first_answer=first(here >= 0, start),
        first_wrong=first(here > 0, start),
    )


def first(flags: NDArray[np.bool_], start: int) -> int | None:
    """The step of the first True, None without one."""
    return start + int(flags.argmax()) if flags.any() else None


def landing_step(episodes: tuple[EpisodeSummary, ...]) -> int:
    """Where a trace opens: the first wrong answer, else the first answer, else the first step."""
    for step in (first_of("first_wrong", episodes), first_of("first_answer", episodes)):
        if step is not None:
            return step
    return 0


def first_of(field: str, episodes: tuple[EpisodeSummary, ...]) -> int | None:
    """The first episode's value of `field` that is not None."""
    return next((v for e in episodes if (v := getattr(e, field)) is not None), None)
