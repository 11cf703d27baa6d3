"""Kill recordings at random moments and look at what is left.

    python -m tests.benchmarks.kills --kills 300

A recording is a process of its own, killed with SIGKILL while it makes its file, appends, commits or closes.
What it says of a commit on a pipe is committed. Then another process opens the file under its real name: it
holds at least the steps that were committed, and every column equals what was given. Exit code 1 if not.
"""

import argparse
import os
import random
import select
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from samviz.trace import open_trace
from samviz.trace.schema import EVENTS
from samviz.verify.rows import row_check
from tests.builders import make_dimensions, random_arrays, recorder_for

SIZES = make_dimensions(word_size=8)
WINDOW, WINDOWS = 100, 60
CLOSE_S = 0.004  # about what a close takes
ARRAYS = random_arrays(np.random.default_rng(0), WINDOW * WINDOWS, SIZES)
LOST, WRONG, UNREADABLE = "committed steps lost", "wrong values", "does not open"


def forked(work: Callable[[], int]) -> int:
    """The id of a child that does this and nothing else. This process itself never opens a trace."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = work()
        finally:
            os._exit(code)
    return child


def record(path: Path, told: int) -> int:
    """Record all windows, saying how many steps are committed; -1 before the close, -2 after it."""
    memory = np.zeros((1, SIZES.slots, SIZES.word_size), np.float32)
    recorder = recorder_for(path, SIZES, fsync_s=0.02, checks=True)
    for start in range(0, WINDOW * WINDOWS, WINDOW):
        cut = {name: array[start : start + WINDOW] for name, array in ARRAYS.items()}
        used = cut["write_slot"][:, 0] >= 0
        memory[0, cut["write_slot"][:, 0][used]] = cut["write_row"][:, 0][used]
        recorder.append(SimpleNamespace(**cut), episode=0, first_step=start, check=memory)
        if start % (7 * WINDOW) == 0:
            recorder.commit()
        os.write(told, recorder._file.committed.to_bytes(8, "little", signed=True))
    os.write(told, (-1).to_bytes(8, "little", signed=True))
    recorder.close()
    os.write(told, (-2).to_bytes(8, "little", signed=True))
    return 0


def kill_one(path: Path, moment: Callable[[float], float], whole_s: float, at_close: bool) -> tuple[int, str]:
    """(steps that were committed, what it was doing) when it was killed."""
    hear, tell = os.pipe()
    child = forked(lambda: record(path, tell))
    os.close(tell)
    said = b""
    limit = time.monotonic() + (60 if at_close else moment(whole_s))
    while (left := limit - time.monotonic()) > 0:
        if not select.select([hear], [], [], left)[0]:
            break
        more = os.read(hear, 1 << 16)
        said += more
        if not more:
            break
        if at_close and said[-8:] == (-1).to_bytes(8, "little", signed=True):
            at_close = False
            limit = time.monotonic() + moment(CLOSE_S)
    os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (-signal.SIGKILL, 0):
        raise SystemExit(f"the recording ended by itself, with exit code {status}")
    while more := os.read(hear, 1 << 16):
        said += more
    os.close(hear)
    numbers = np.frombuffer(said, "<i8")
    if -2 in numbers:
        return WINDOW * WINDOWS, "ended"
    doing = "closing" if -1 in numbers else "appending" if numbers.size else "creating"
    return int(numbers.max(initial=0)), doing


def look(path: Path, committed: int) -> str:
    """What is wrong with the trace, or its state."""
    try:
        trace = open_trace(path)
    except Exception as error:
        print(f"{path}: {error}", file=sys.stderr)
        return UNREADABLE
    with trace:
        if len(trace) < committed:
            return LOST
        for field, name in EVENTS.items():
            if name.startswith("usage/"):
                continue
            if not np.array_equal(trace[name][:], ARRAYS[field][: len(trace)]):
                return WRONG
        if row_check(trace).outcome == "failed":
            return WRONG
        if trace.status == "complete" and len(trace) < WINDOW * WINDOWS:
            return LOST
        return trace.status


def looked_at(path: Path, committed: int) -> str:
    """The same, out of another process: one that had this file open sees what it remembers."""
    hear, tell = os.pipe()
    child = forked(lambda: os.write(tell, look(path, committed).encode()) * 0)
    os.close(tell)
    with os.fdopen(hear, "rb") as pipe:
        found = pipe.read().decode()
    os.waitpid(child, 0)
    return found or "the reader crashed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    outcomes: Counter[tuple[str, str]] = Counter()
    with tempfile.TemporaryDirectory(prefix="samviz-kills-") as folder:
        nobody = os.open(os.devnull, os.O_WRONLY)
        for name in ("first.h5", "second.h5"):  # the first takes longer
            began = time.monotonic()
            whole = os.waitpid(forked(partial(record, Path(folder) / name, nobody)), 0)
            if whole[1]:
                raise SystemExit("a recording that nobody kills did not end well")
            whole_s = time.monotonic() - began
        number = killed = 0
        while killed < options.kills:
            path = Path(folder) / f"{number}.h5"
            at_close = number % 3 == 0
            committed, doing = kill_one(path, lambda s: chance.uniform(0, s), whole_s, at_close)
            killed += doing != "ended"  # the others were too late
            missing = "no file yet" if committed == 0 else LOST
            outcomes[doing, looked_at(path, committed) if path.exists() else missing] += 1
            for left in Path(folder).glob(f"{number}.h5*"):
                left.unlink()
            number += 1
    for (doing, outcome), count in sorted(outcomes.items()):
        when = "ended before it was killed" if doing == "ended" else f"killed while {doing}"
        print(f"{count:5}  {when:<26}  {outcome}")
    bad = sum(count for (_, outcome), count in outcomes.items() if outcome not in GOOD)
    print(f"{options.kills} kills, {bad} with something lost, wrong or unreadable (seed {options.seed})")
    return int(bad > 0)


GOOD = ("no file yet", "recording", "complete")

if __name__ == "__main__":
    sys.exit(main())
