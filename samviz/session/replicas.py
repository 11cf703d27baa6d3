"""Several training runs at once, each in a process of its own."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from queue import Empty
from time import monotonic
from typing import Any, NamedTuple

from samviz.errors import SamvizError, TrainingError
from samviz.session.training_run import TrainingRun

MESSAGE_SECONDS = 0.2  # between the messages of one run


class Progress(NamedTuple):
    """How far a run is."""

    run: int  # its place in the list
    step: int
    note: str


class Failure(NamedTuple):
    """Why a run ended early."""

    run: int
    reason: str


def run_together(
    runs: Sequence[TrainingRun],
    processes: int,
    *,
    report: Callable[[Progress], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> list[int]:
    """Train all runs, so many at a time; the steps that each has done.

    Where `stop()` says so, every run writes a checkpoint and ends. A run that fails does not end the others.

    Raises:
        TrainingError: runs failed, each with its reason.
    """
    context = multiprocessing.get_context("spawn")  # torch and numba do not survive a fork
    messages, asked = context.Queue(), context.Event()
    waiting, working = list(range(len(runs))), dict[int, BaseProcess]()
    steps, failures = [0] * len(runs), dict[int, str]()
    while waiting or working:
        if stop():
            asked.set()
            waiting.clear()
        while waiting and len(working) < processes:
            number = waiting.pop(0)
            work = (runs[number], number, messages, asked, os.getpid())
            working[number] = context.Process(target=_work, args=work, daemon=True)
            working[number].start()
        ended = [number for number, process in working.items() if not process.is_alive()]
        for message in _drain(messages):
            match message:
                case Progress():
                    steps[message.run] = message.step
                    report(message)
                case Failure():
                    failures[message.run] = message.reason
                case str():
                    say(message)
        for number in ended:
            code = working.pop(number).exitcode
            if code:
                failures.setdefault(number, f"its process ended with exit code {code}; go on with --resume")
    if failures:
        told = "; ".join(f"{runs[number].out}: {reason}" for number, reason in sorted(failures.items()))
        raise TrainingError(f"{len(failures)} of {len(runs)} runs failed: {told}")
    return steps


def _drain(messages: Any) -> list[Any]:
    """All messages there are, after waiting a moment for the first."""
    found = []
    try:
        found.append(messages.get(timeout=MESSAGE_SECONDS))
        while True:
            found.append(messages.get_nowait())
    except Empty:
        return found


def _work(run: TrainingRun, number: int, messages: Any, asked: Any, parent: int) -> None:
    """Train one run in this process, until it is done, asked to stop, or alone in the world."""
    from samviz.model.compile import prepare_torch
    from samviz.training import RecentMeans

    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, signal.SIG_IGN)  # the parent is told as well, and asks
    recent, told = RecentMeans(), 0.0

    def report(measured: Any) -> None:
        nonlocal told
        recent.add(measured)
        if monotonic() - told > MESSAGE_SECONDS:
            told = monotonic()
            messages.put(Progress(number, measured.step, str(recent)))

    try:
        prepare_torch()
        trainer = run.open()
        messages.put(Progress(number, trainer.step, ""))
        run.train(trainer, report, lambda: asked.is_set() or os.getppid() != parent, messages.put)
        messages.put(Progress(number, trainer.step, str(recent)))
    except SamvizError as error:
        messages.put(Failure(number, str(error)))
