"""How long a committed step takes to reach a reader that follows.

    python -m tests.benchmarks.live --commits 300

A recorder in a process of its own commits a chunk now and then and says when. Measured: from that moment
until `samviz.follow` hands out the steps. Two looks are a poll apart, so the mean lies half a poll
above what the look itself takes.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import samviz
from tests.builders import make_dimensions, random_arrays, recorder_for

SIZES = make_dimensions(slots=64, word_size=32, heads=4, reads=4)
CHUNK = 16
PAUSE_S = 0.05


def events(steps: int) -> SimpleNamespace:
    return SimpleNamespace(**random_arrays(np.random.default_rng(0), steps, SIZES))


def write(path: Path, commits: int, before: int) -> None:
    """About `before` steps at once, then a chunk at a time, printing the clock after every commit."""
    few, many = events(CHUNK), events(64 * CHUNK)
    with recorder_for(path, SIZES, chunk_steps=CHUNK) as recorder:
        while recorder.n_steps < before:
            recorder.append(many, episode=0)
        print(recorder.n_steps, flush=True)
        for _ in range(commits):
            time.sleep(PAUSE_S)
            recorder.append(few, episode=0)
            recorder.commit()
            print(time.monotonic_ns(), flush=True)


def measure(commits: int, before: int, poll_s: float) -> list[float]:
    """Seconds from each commit to the look that showed its steps."""
    with tempfile.TemporaryDirectory(prefix="samviz-live-") as folder:
        path = Path(folder) / "run.h5"
        command = [sys.executable, "-m", "tests.benchmarks.live", "--write", str(path)]
        command += ["--commits", str(commits), "--before", str(before)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            seen = [
                (steps.stop, time.monotonic_ns())
                for _, steps in samviz.follow(path, wait_s=60, poll_s=poll_s)
            ]
            first, *committed = (int(line) for line in writer.stdout)
    delays, shown = [], 0
    for stop, now in seen:  # a look may show several commits
        upto = max(0, min((stop - first) // CHUNK, len(committed)))
        delays += [(now - moment) / 1e9 for moment in committed[shown:upto]]
        shown = max(shown, upto)
    return delays


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--commits", type=int, default=300)
    parser.add_argument("--before", type=int, default=0, help="steps that are there already")
    parser.add_argument("--poll", type=float, default=0.005, help="seconds between looks")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        write(options.write, options.commits, options.before)
        return
    delays = sorted(measure(options.commits, options.before, options.poll))
    tenth = statistics.quantiles(delays, n=10)
    print(
        f"{len(delays)} commits seen, {options.before:,} steps before them: median "
        f"{1e3 * statistics.median(delays):.1f} ms, 90 % within {1e3 * tenth[-1]:.1f} ms, "
        f"at most {1e3 * delays[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
