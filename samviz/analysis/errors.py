"""Where the run was right and where it was wrong: wrong bits or answers, episodes, where to look first."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.trace.reader import Trace

CHUNK_STEPS = 32768
NEEDED = ("io/output", "io/target", "io/mask")


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
    known = np.isfinite(trace["io/target"][start:stop, batch]).all(-1)
    return np.asarray(known & (trace["io/mask"][start:stop, batch] > 0), bool)


def wrong_elements(trace: Trace, start: int, stop: int, batch: int = 0) -> NDArray[np.bool_]:
    """[T, O]: the output elements that are wrong on a scored step; False everywhere else.

    Of classes this is the one that was chosen in place of another. An output that is no number is wrong.
    """
    output = trace["io/output"][start:stop, batch]
    target = trace["io/target"][start:stop, batch]
    scored = scored_steps(trace, start, stop, batch)
    if output_kind(trace) == "bits":
        wrong = np.isnan(output) | ((output > 0) != (target > 0.5))
    else:
        chosen = output.argmax(-1)
        wrong = np.zeros(output.shape, bool)
        rows = np.flatnonzero((chosen != target.argmax(-1)) | np.isnan(output).any(-1))
        wrong[rows, chosen[rows]] = True
    return np.asarray(wrong & scored[:, None], bool)


def wrong_counts(trace: Trace, start: int, stop: int, batch: int = 0) -> NDArray[np.int32]:
    """[T]: wrong bits (or answers) of each step, -1 where it is not scored (or nothing was recorded)."""
    if not has_answers(trace):
        return np.full(max(stop - start, 0), -1, np.int32)
    scored = scored_steps(trace, start, stop, batch)
    return np.where(scored, wrong_elements(trace, start, stop, batch).sum(-1), -1).astype(np.int32)


def all_wrong_counts(trace: Trace, batch: int = 0) -> NDArray[np.int32]:
    """`wrong_counts` of the whole trace, read in pieces."""
    stops = range(0, len(trace), CHUNK_STEPS)
    pieces = [wrong_counts(trace, a, min(a + CHUNK_STEPS, len(trace)), batch) for a in stops]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int32)


def episode_table(trace: Trace, batch: int = 0) -> tuple[EpisodeSummary, ...]:
    """Every episode with its loss, answers and errors, in order."""
    wrong = all_wrong_counts(trace, batch)
    loss = trace["io/loss"][:, batch].astype(np.float64) if "io/loss" in trace else None
    known = has_answers(trace)
    return tuple(summary(e.number, e.start, e.stop, wrong, loss, known) for e in trace.episodes)


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
