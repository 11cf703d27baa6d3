"""Compile the kernels of the viewing side ahead of time, by asking a small trace every question once."""

from pathlib import Path
from tempfile import TemporaryDirectory

from samviz.analysis.history import last_writes_at_reads
from samviz.analysis.overview import overview
from samviz.analysis.overview_source import BySlot
from samviz.demo.generate import Demo, generate
from samviz.kernels.compiled import cache_folder
from samviz.terminal import warn
from samviz.trace import open_trace
from samviz.trace.memory.entries import ACCESSES
from samviz.trace.memory.index import Shorter, build


def ensure_compiled() -> None:
    """Compile what this machine does not hold yet, saying so on stderr: nobody should wonder at a wait."""
    ready = cache_folder() / "ready-reading"
    if not ready.exists():
        warn("compiling the kernels that traces are looked at with, once for this machine (ten seconds) …")
        compile_reading()
        ready.touch()


def compile_reading() -> None:
    """Leave the machine code of indexes, overviews and the demo in the cache."""
    with TemporaryDirectory(prefix="samviz-compile-") as folder:
        path = Path(folder) / "demo.h5"
        demo = Demo(steps=8, slots=8)
        generate(demo, path)
        with open_trace(path) as trace:
            last_writes_at_reads(trace, 0, len(trace))
            overview(trace, 0, len(trace), rows=2)
            by_slot = BySlot(trace, 0, len(trace), 0)
            rows = by_slot.touched(trace.access_threshold).astype(int) - 1
            for kind in ACCESSES:
                by_slot.cells(kind, rows, (1, len(trace)), 1)
            for kind in ACCESSES:  # as for a trace that grew
                build(trace, kind, 0, Shorter(len(trace), trace.index(kind)))
            trace.usage(5)  # by now there are indexes, so these go by them
            trace.memory(5)
