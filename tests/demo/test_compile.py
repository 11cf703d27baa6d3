"""What is compiled ahead of time is all that looking at a trace needs."""

import subprocess
import sys
from pathlib import Path

from samviz.demo import Demo, generate
from samviz.demo.compile import compile_reading

LOOK = """
import sys
import numba
from numba.core import event
from samviz.analysis import overview_source
from samviz.analysis.history import last_writes_at_reads, slot_events
from samviz.analysis.overview import overview
from samviz.analysis.usage import queue
from samviz.trace.memory import accesses, index, index_cache, replay
from samviz.trace import open_trace
from pathlib import Path

compiled = []
class Listener(event.Listener):
    def on_start(self, found):
        compiled.append(str(found.data["dispatcher"]))
    def on_end(self, found):
        pass
event.register("numba:compile", Listener())
index.KEPT_IN_MEMORY = index_cache.SETTLED_S = 0
accesses.WALKED_ENTRIES = replay.WALKED_ENTRIES = 0
index_cache.cache_folder = lambda: Path(sys.argv[2])
for _ in range(2):
    trace = open_trace(sys.argv[1])
    trace.memory(30), trace.usage(30), trace.history(3)
    last_writes_at_reads(trace, 10, 30), slot_events(trace, 3), queue(trace, 10, 30)
    for most in (2**20, -1):
        overview_source.MOST_BY_STEP = most
        overview(trace, 0, 40, rows=5)
print(compiled)
"""


def test_nothing_is_compiled_when_a_trace_is_looked_at(tmp_path: Path) -> None:
    compile_reading()
    generate(Demo(steps=40, slots=30), tmp_path / "a.h5")
    command = [sys.executable, "-c", LOOK, str(tmp_path / "a.h5"), str(tmp_path / "cache")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.stdout == "[]\n", found.stderr
    assert len(list((tmp_path / "cache").iterdir())) == 2
