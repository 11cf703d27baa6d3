"""Read traces with another h5py: closed, and live while this environment records.

python -m tests.benchmarks.other_hdf5 /path/to/other/bin/python
The other Python needs h5py, numpy, numba and platformdirs, not samviz.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np

from tests.builders import random_events, write_trace
from tests.recorder.writer import SIZES

ROOT = Path(__file__).parents[2]
BARE = """
import sys, h5py
path, swmr = sys.argv[1], sys.argv[2] == "live"
with h5py.File(path, "r", swmr=swmr) as file:
    n = int(file["n_steps"][0])
    total = sum(float(file[name][:n].astype("f8").sum()) for name in ("read/weight", "write/row"))
    print(f"bare h5py {h5py.__version__} (HDF5 {h5py.version.hdf5_version}): {n} steps, sum {total:.6f}")
"""
READER = """
import sys, time, h5py, samviz
path, live = sys.argv[1], sys.argv[2] == "live"
seen = []
for _ in range(4 if live else 1):
    with samviz.open(path) as trace:
        n = len(trace)
        seen.append(n)
        total = sum(float(trace[name][:].astype("f8").sum()) for name in ("read/weight", "write/row"))
        for name in trace.datasets:
            trace[name][:]
        trace.memory(n - 1), trace.usage(n - 1)
        print(f"samviz.open, h5py {h5py.__version__}: {n} steps, {trace.status}, sum {total:.6f}")
    if live:
        time.sleep(0.3)
if live:
    assert seen == sorted(seen) and seen[-1] > seen[0], seen
"""


def ask(python: str, code: str, path: Path, state: str) -> None:
    """Run the code there and show what it says."""
    subprocess.run(
        [python, "-W", "error", "-c", code, path, state],
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def wait_for_steps(path: Path) -> None:
    """Until a live trace holds some."""
    while True:
        try:
            with h5py.File(path, "r", swmr=True) as file:
                if file["n_steps"][0]:
                    return
        except OSError:  # not there yet
            continue


def main() -> None:
    other = sys.argv[1]
    with tempfile.TemporaryDirectory() as name:
        closed, live = Path(name) / "closed.h5", Path(name) / "live.h5"
        write_trace(closed, random_events(np.random.default_rng(0), 3000, SIZES), SIZES, [1000, 1000])
        for python in (sys.executable, other):
            print(f"closed, read by {python}", flush=True)
            ask(python, BARE, closed, "closed")
            ask(python, READER, closed, "closed")
        with subprocess.Popen([sys.executable, "-m", "tests.recorder.writer", live], cwd=ROOT) as writer:
            try:
                wait_for_steps(live)
                print(f"live, read by {other}", flush=True)
                ask(other, BARE, live, "live")
                ask(other, READER, live, "live")
            finally:
                writer.kill()
        print(f"its writer killed, read by {other}", flush=True)
        ask(other, READER, live, "killed")


if __name__ == "__main__":
    main()
