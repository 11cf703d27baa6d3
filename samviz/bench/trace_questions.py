"""What a trace is asked by the benchmark of traces, one question in a process of its own.

Run as a module with the question as JSON, it prints times and memory as JSON.
"""

import gc
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from samviz.analysis.errors import all_wrong_counts, episode_table
from samviz.analysis.history import last_writes_at_reads
from samviz.analysis.overview import overview
from samviz.analysis.scale import scales
from samviz.analysis.usage import queue
from samviz.bench.clock import Times, timed
from samviz.demo.compile import compile_reading
from samviz.errors import SamvizError
from samviz.trace import Trace, open_trace
from samviz.trace.memory import index_cache
from samviz.trace.memory.entries import ACCESSES

ROWS = 512
WINDOW = 384  # steps that the app shows at once

Work = Callable[[Trace, np.random.Generator], Any]


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, how long it may take at a million slots and steps, and of what index."""

    name: str
    ask: Work
    bound_s: float | None = None
    index: str = ""  # "": not needed; "warm": it is there; "cold": it is built along; "cached": loaded along


@dataclass(frozen=True)
class Asked:
    """What a process is told."""

    path: str
    name: str
    repeats: int
    indexes: str  # the folder of the indexes


def _rows(trace: Trace, random: np.random.Generator) -> Any:
    t = int(random.integers(len(trace)))
    return trace.memory(t, random.integers(0, trace.dimensions.slots, ROWS))


def _both(trace: Trace, _: np.random.Generator) -> Any:
    return [trace.index(kind) for kind in ACCESSES]


def _history(trace: Trace, random: np.random.Generator) -> Any:
    return trace.history(int(random.integers(trace.dimensions.slots)))


def _overview(share: float) -> Work:
    def ask(trace: Trace, random: np.random.Generator) -> Any:
        length = max(1, int(len(trace) * share))
        start = int(random.integers(len(trace) - length + 1))
        return overview(trace, start, start + length, columns=512, rows=256)

    return ask


def _late(trace: Trace) -> int:
    return int(0.9 * (len(trace) - 1))


def _memory(trace: Trace, _: np.random.Generator) -> Any:
    return trace.memory(_late(trace))


def _usage(trace: Trace, _: np.random.Generator) -> Any:
    return trace.usage(_late(trace))


def _window(part: Callable[[Trace, int, int], Any]) -> Work:
    def ask(trace: Trace, random: np.random.Generator) -> Any:
        start = int(random.integers(max(len(trace) - WINDOW, 0) + 1))
        return part(trace, start, min(start + WINDOW, len(trace)))

    return ask


def _open(trace: Trace, _: np.random.Generator) -> Any:
    return open_trace(trace.path)


def _episodes(trace: Trace, _: np.random.Generator) -> Any:
    return all_wrong_counts(trace), episode_table(trace)


QUESTIONS: tuple[Question, ...] = (
    Question(name="open", ask=_open, bound_s=1.0),
    Question(name="build both indexes", ask=_both, bound_s=3.0, index="cold"),
    Question(name="load both indexes", ask=_both, index="cached"),
    Question(name="512 scattered rows, any step", ask=_rows, bound_s=0.06, index="warm"),
    Question(name="512 scattered rows, the first time", ask=_rows, index="cold"),
    Question(name="history of a slot", ask=_history, bound_s=0.005, index="warm"),
    Question(name="overview 512x256, whole", ask=_overview(1), bound_s=0.15, index="warm"),
    Question(name="overview 512x256, a third", ask=_overview(1 / 3), bound_s=0.15, index="warm"),
    Question(name="overview 512x256, a 20th", ask=_overview(0.05), bound_s=0.15, index="warm"),
    Question(name="overview 512x256, a 1000th", ask=_overview(0.001), bound_s=0.15, index="warm"),
    Question(name="whole memory, 9/10 in", ask=_memory, bound_s=3.0, index="warm"),
    Question(name="whole memory, the first time", ask=_memory, index="cold"),
    Question(name="usage of all slots, 9/10 in", ask=_usage, index="warm"),
    Question(name="usage, the first time", ask=_usage, index="cold"),
    Question(name="384 steps: who wrote what was read", ask=_window(last_writes_at_reads), index="warm"),
    Question(name="384 steps: the queue", ask=_window(queue), index="warm"),
    Question(name="fixed scales", ask=lambda trace, _: scales(trace)),
    Question(name="episodes and wrong answers", ask=_episodes),
)


def answer(asked: Asked) -> dict[str, Any]:
    """Ask `repeats` times: CPU and wall seconds of each, and the most memory held above what stood before.

    Memory counts all pages of the process, those of mapped files included.
    """
    question = next(question for question in QUESTIONS if question.name == asked.name)
    compile_reading()  # loads all machine code
    index_cache.use_folder(Path(asked.indexes))
    random = np.random.default_rng(0)
    samples: list[Times] = []
    if question.index in ("warm", "cached"):
        with open_trace(asked.path) as trace:
            _both(trace, random)  # now they are in their folder
    trace = open_trace(asked.path)
    before = forget_peak()
    if question.index == "warm":
        _both(trace, random)
        question.ask(trace, random)
    for _ in range(asked.repeats):
        if question.index != "warm":
            trace = _afresh(trace, question, asked)
        samples.append(timed(partial(question.ask, trace, random)))
    return {"samples": samples, "bytes": max(0, peak_bytes() - before)}


def _afresh(trace: Trace, question: Question, asked: Asked) -> Trace:
    """The trace as nobody asked it anything; closed where opening it is the question."""
    trace.close()
    if question.index == "cold":
        shutil.rmtree(asked.indexes, ignore_errors=True)
    return trace if question.ask is _open else open_trace(asked.path)


def forget_peak() -> int:
    """Bytes resident now, from which `peak_bytes` counts from now on."""
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return peak_bytes()


def peak_bytes() -> int:
    """The most bytes that this process had resident; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    try:
        print(json.dumps(answer(Asked(**json.loads(sys.argv[1])))))
    except SamvizError as error:
        sys.exit(str(error))
