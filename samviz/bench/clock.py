"""Timing: contestants take turns, so that the noise of a machine hits all of them alike."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple, TypedDict, TypeVar

CLOCKS = ("cpu", "wall")

Sample = TypeVar("Sample")


class Times(NamedTuple):
    """Seconds by both clocks."""

    cpu: float
    wall: float

    def by(self, clock: str) -> float:
        """Seconds by that clock."""
        return self.cpu if clock == "cpu" else self.wall

    def since(self, start: "Times") -> "Times":
        """What has passed since then."""
        return Times(self.cpu - start.cpu, self.wall - start.wall)


class Watch(NamedTuple):
    """Whoever waits for a measurement."""

    say: Callable[[str], None]  # what is being measured
    stop: Callable[[], bool]  # whether to end after the current repeat


class Figures(TypedDict):
    """The fields of a row that hold times."""

    repeats: int
    us_per_step: float
    us_min: float
    us_max: float
    wall_us_per_step: float


def now() -> Times:
    """Both clocks."""
    return Times(process_time(), perf_counter())


def timed(work: Callable[[], Any]) -> Times:
    """How long that took, the collector of garbage held still."""
    gc.collect()
    gc.disable()
    try:
        start = now()
        work()
        return now().since(start)
    finally:
        gc.enable()


def take_turns(
    contestants: Sequence[Callable[[], Sample]], repeats: Sequence[int], stop: Callable[[], bool]
) -> list[list[Sample]]:
    """Each contestant's samples, as many as its repeats: in every round each runs once.

    The order is reversed every round.
    """
    samples: list[list[Sample]] = [[] for _ in contestants]
    with _found_innocent():
        for number in range(max(repeats, default=0)):
            order = [place for place in range(len(contestants)) if number < repeats[place]]
            for place in order if number % 2 == 0 else reversed(order):
                if stop():
                    return samples
                samples[place].append(contestants[place]())
    return samples


@contextmanager
def _found_innocent() -> Iterator[None]:
    """Collect garbage once, and spare `timed` from looking again at what is left: with torch, 0.2 s each."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def figures(samples: Sequence[Times], steps: int, clock: str) -> Figures:
    """Microseconds per step of passes over `steps` steps: median, least and most of the repeats."""
    each = [sample.by(clock) / steps * 1e6 for sample in samples]
    return Figures(
        repeats=len(samples),
        us_per_step=median(each),
        us_min=min(each),
        us_max=max(each),
        wall_us_per_step=median(sample.wall / steps * 1e6 for sample in samples),
    )
