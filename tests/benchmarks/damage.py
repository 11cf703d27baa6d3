"""Flip bytes of traces, cut them short, and count what the reader makes of it: never a wrong value.

python -m tests.benchmarks.damage --flips 2000 --truncations 300
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from samviz.terminal import progress_bar
from tests.fuzz.pool import Job, read_all
from tests.fuzz.traces import make_traces

KINDS = ("equal", "error", "shorter", "commit record", "wrong", "crash", "hang", "greedy", "traceback")
BAD = ("wrong", "crash", "hang", "greedy", "traceback")
METADATA_SHARE, COMMIT_SHARE = 0.45, 0.05


def data_ranges(path: Path) -> list[tuple[int, int]]:
    """Where the raw data of a trace lie; the rest of the file is metadata."""
    ranges: list[tuple[int, int]] = []

    def look(_: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and item.chunks:
            item.id.chunk_iter(lambda info: ranges.append((info.byte_offset, info.byte_offset + info.size)))
        elif isinstance(item, h5py.Dataset):
            ranges.append((item.id.get_offset(), item.id.get_offset() + item.nbytes))

    try:
        file = h5py.File(path)
    except OSError:
        file = h5py.File(path, swmr=True)
    with file:
        file.visititems(look)
    return ranges


def metadata_bytes(path: Path) -> np.ndarray:
    """The positions of all bytes that are not data."""
    free = np.ones(path.stat().st_size, bool)
    for start, stop in data_ranges(path):
        free[start:stop] = False
    return np.flatnonzero(free)


def commit_bytes(path: Path) -> np.ndarray:
    """The positions of /n_steps and /status, which carry no checksum."""
    return np.concatenate([np.arange(start, stop) for start, stop in data_ranges(path) if stop - start <= 8])


def damaged_files(
    folder: Path, traces: dict[str, Path], flips: int, truncations: int, seed: int
) -> Iterator[Job]:
    """Every damaged file in its turn; its name says kind, seed and what was done."""
    metadata = {kind: metadata_bytes(path) for kind, path in traces.items()}
    commit = {kind: commit_bytes(path) for kind, path in traces.items()}
    kinds = list(traces)
    for number in range(flips + truncations):
        rng = np.random.default_rng((seed, number))
        kind = kinds[number % len(kinds)]
        data = bytearray(traces[kind].read_bytes())
        if number < flips:
            draw = rng.random()
            where = np.arange(len(data))
            if draw < METADATA_SHARE + COMMIT_SHARE:
                where = metadata[kind] if draw < METADATA_SHARE else commit[kind]
            at = int(rng.choice(where))
            bit = int(rng.integers(8))
            data[at] ^= 1 << bit
            name = f"flip {kind} seed {seed},{number} byte {at} bit {bit}"
        else:
            size = int(rng.integers(1, len(data)))
            del data[size:]
            name = f"truncation {kind} seed {seed},{number} to {size} bytes"
        path = folder / f"{number}.h5"
        path.write_bytes(data)
        yield Job(name, path, traces[kind])


def table(counts: Counter[tuple[str, str]], rows: list[str]) -> str:
    """Counts by damage and trace (rows) and outcome (columns)."""
    head = f"{'':<20}" + "".join(f"{kind:>14}" for kind in KINDS)
    lines = [f"{row:<20}" + "".join(f"{counts[row, kind]:>14}" for kind in KINDS) for row in rows]
    return "\n".join([head, *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=2000)
    parser.add_argument("--truncations", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("build/damaged"), help="where files go that fail")
    options = parser.parse_args()
    began, counts, rows = time.monotonic(), Counter[tuple[str, str]](), dict[str, None]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        traces = make_traces(folder / "whole")
        total = options.flips + options.truncations
        jobs = damaged_files(folder, traces, options.flips, options.truncations, options.seed)
        with progress_bar(total, "file") as advance:
            for job, outcome in read_all(jobs):
                row = " ".join(job.name.split()[:2])
                rows[row] = None
                counts[row, outcome.kind] += 1
                advance(1)
                if outcome.kind in (*BAD, "commit record"):
                    print(f"{outcome.kind}: {job.name}: {outcome.detail}", flush=True)
                if outcome.kind in BAD:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    shutil.copy(job.path, options.keep / f"{options.seed}-{job.path.name}")
                job.path.unlink()
    print(table(counts, sorted(rows)))
    print(f"{total} files in {time.monotonic() - began:.0f} s")
    return int(any(counts[row, kind] for row in rows for kind in BAD))


if __name__ == "__main__":
    sys.exit(main())
