"""Children that read files for their parent: one that crashes or hangs takes nothing with it."""

import multiprocessing
import resource
import time
import traceback
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.reading import Answers, Outcome, answers, any_outcome, compared

_CONTEXT = multiprocessing.get_context("spawn")
_STARTUP_S = 60.0
_MOST_BYTES = 2**30  # that a child may grow by over one file


class Job(NamedTuple):
    """A file to read, and the undamaged one it is compared with (None: it may say anything)."""

    name: str
    path: Path
    whole: Path | None = None


class _Child(NamedTuple):
    process: BaseProcess
    pipe: Connection


def read_all(
    jobs: Iterable[Job], *, children: int = 2, limit_s: float = 10.0
) -> Iterator[tuple[Job, Outcome]]:
    """What came of every job, in no order. A file that takes longer than the limit counts as a hang."""
    waiting = iter(jobs)
    team = [_start() for _ in range(children)]
    busy: dict[int, tuple[Job, float]] = {}
    try:
        for index in range(children):
            _hand_out(waiting, team, busy, index)
        while busy:
            ready = wait([team[index].pipe for index in busy], timeout=0.2)
            for index, (job, began) in list(busy.items()):
                outcome = _ended(team[index], ready, time.monotonic() - began > limit_s)
                if outcome is None:
                    continue
                yield job, outcome
                del busy[index]
                if outcome.kind in ("crash", "hang"):
                    _stop(team[index])
                    team[index] = _start()
                _hand_out(waiting, team, busy, index)
    finally:
        for child in team:
            _stop(child)


def _hand_out(
    waiting: Iterator[Job], team: list[_Child], busy: dict[int, tuple[Job, float]], index: int
) -> None:
    job = next(waiting, None)
    if job is not None:
        team[index].pipe.send(job)
        busy[index] = (job, time.monotonic())


def _ended(child: _Child, ready: list[object], too_late: bool) -> Outcome | None:
    if child.pipe in ready:
        try:
            return Outcome(*child.pipe.recv())
        except EOFError:
            child.process.join()
            return Outcome("crash", f"exit code {child.process.exitcode}")
    return Outcome("hang") if too_late else None


def _start() -> _Child:
    mine, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    if not mine.poll(_STARTUP_S):
        raise TimeoutError("a child did not start")
    mine.recv()
    return _Child(process, mine)


def _stop(child: _Child) -> None:
    child.process.kill()
    child.process.join()
    child.pipe.close()


def _serve(pipe: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    known: dict[Path, tuple[Answers, list[int]]] = {}
    pipe.send("ready")
    while True:
        try:
            job: Job = pipe.recv()
        except EOFError:
            return
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = _outcome(job, known)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        if grown > _MOST_BYTES:
            outcome = Outcome("greedy", f"took {grown:,} bytes; {outcome.kind}: {outcome.detail}")
        pipe.send(tuple(outcome))


def _outcome(job: Job, known: dict[Path, tuple[Answers, list[int]]]) -> Outcome:
    try:
        if job.whole is None:
            return any_outcome(job.path)
        if job.whole not in known:
            whole = answers(job.whole)
            asked = [int(name.split()[1]) for name in whole.told if name.startswith("memory ")]
            known[job.whole] = whole, asked
        return compared(job.path, *known[job.whole])
    except Exception:
        return Outcome("traceback", traceback.format_exc())
