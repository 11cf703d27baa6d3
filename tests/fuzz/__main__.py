"""Give the reader odd files for a while: each must end in answers or in one clear error.

python -m tests.fuzz --seconds 60
"""

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.making import Maker
from tests.fuzz.pool import Job, read_all
from tests.fuzz.traces import make_traces

KEEP = Path("build/fuzz-failures")
BAD = ("crash", "hang", "greedy", "traceback")


def odd_files(folder: Path, traces: dict[str, Path], seed: int, until: float, most: int) -> Iterator[Job]:
    """Odd files until the time is over."""
    kinds = list(traces)
    with Maker() as maker:
        for number in range(most):
            if time.monotonic() >= until:
                return
            kind, path = kinds[number % len(kinds)], folder / f"{number}.h5"
            done = maker.make(path, traces[kind], seed, number)
            yield Job(f"{kind} seed {seed} number {number} ({done})", path)


def fuzz(seconds: float, seed: int, keep: Path, *, most: int = 10**9) -> Counter[str]:
    """Counts of outcomes; files that fail are kept in the folder `keep` and told on stderr."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        traces = make_traces(folder / "whole")
        for job, outcome in read_all(
            odd_files(folder, traces, seed, time.monotonic() + seconds, most), children=2
        ):
            counts[outcome.kind] += 1
            if outcome.kind in BAD:
                keep.mkdir(parents=True, exist_ok=True)
                kept = shutil.copy(job.path, keep / f"{seed}-{job.path.name}")
                print(f"{outcome.kind}: {job.name}; kept as {kept}\n{outcome.detail}", file=sys.stderr)
            job.path.unlink()
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="as printed, to see the same files again")
    parser.add_argument("--keep", type=Path, default=KEEP, help="where files go that fail")
    options = parser.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    counts = fuzz(options.seconds, seed, options.keep)
    print(f"{counts.total()} odd files: " + ", ".join(f"{kind} {n}" for kind, n in counts.most_common()))
    return int(counts.total() == 0 or any(counts[kind] for kind in BAD))


if __name__ == "__main__":
    sys.exit(main())
