"""Where an overview's entries come from.

Those of a short window are read in the order of its steps, those of a long one taken in the order of their
slots from the trace's inverted index.
"""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from samviz.analysis.entries import merged_of
from samviz.trace.memory.entries import ACCESSES, Access
from samviz.trace.memory.taken import taken_in_use
from samviz.trace.reader import Trace

MOST_BY_STEP = 2**21  # entries of a window: to read more takes longer than to go through a whole index

Shape = tuple[int, int]
Cells = tuple[NDArray[np.float32], NDArray[np.bool_]]


class Source(Protocol):
    """The entries of one window."""

    def touched(self, threshold: float) -> NDArray[np.bool_]:
        """[N]: the slots accessed with a weight above the threshold, or erased while in use."""
        ...

    def cells(self, kind: Access, row_of: NDArray[np.int64], shape: Shape, column: int) -> Cells:
        """[rows, columns] the largest weight of reads or writes, and what was erased while in use.

        row_of: [N] the row of a slot, -1 none; column: steps in a column.
        """
        ...


def entries_of(trace: Trace, start: int, stop: int, batch: int) -> Source:
    """The entries of steps [start, stop). Raises TraceError where the trace is damaged."""
    d = trace.dimensions
    if (stop - start) * d.heads * (d.read_entries + d.write_entries) <= MOST_BY_STEP:
        return ByStep(trace, start, stop, batch)
    return BySlot(trace, start, stop, batch)


class ByStep:
    """The columns of the window, read once."""

    def __init__(self, trace: Trace, start: int, stop: int, batch: int) -> None:
        self._slots = trace.dimensions.slots
        self._of = {kind: merged_of(trace, kind, start, stop, batch) for kind in ACCESSES}
        taken = taken_in_use(trace, start, stop, batch)
        self._used = {"read": taken[:0], "write": taken}

    def touched(self, threshold: float) -> NDArray[np.bool_]:
        from samviz.kernels.raster import touch_by_step

        touched = np.zeros(self._slots, bool)
        for kind in ACCESSES:
            touch_by_step(*self._of[kind], self._used[kind], np.float32(threshold), touched)
        return touched

    def cells(self, kind: Access, row_of: NDArray[np.int64], shape: Shape, column: int) -> Cells:
        from samviz.kernels.raster import Cells, paint_by_step

        cells = Cells(np.zeros(shape, np.float32), np.zeros(shape, bool))
        paint_by_step(*self._of[kind], self._used[kind], column, row_of, cells)
        return cells


class BySlot:
    """The indexes of the whole trace, of which each slot's part of the window is taken."""

    def __init__(self, trace: Trace, start: int, stop: int, batch: int) -> None:
        from samviz.kernels.raster import Ordered

        d = trace.dimensions
        self._slots, self._heads, self._steps, self._span = d.slots, d.heads, len(trace), (start, stop)
        self._of = {kind: Ordered(*trace.index(kind, batch)) for kind in ACCESSES}
        self._entries = {"read": d.read_entries, "write": d.write_entries}

    def touched(self, threshold: float) -> NDArray[np.bool_]:
        from samviz.kernels.raster import touch_by_slot

        touched = np.zeros(self._slots, bool)
        for kind in ACCESSES:
            touch_by_slot(self._of[kind], self._positions(kind, 1), np.float32(threshold), touched)
        return touched

    def cells(self, kind: Access, row_of: NDArray[np.int64], shape: Shape, column: int) -> Cells:
        from samviz.kernels.raster import Cells, paint_by_slot

        cells = Cells(np.zeros(shape, np.float32), np.zeros(shape, bool))
        paint_by_slot(self._of[kind], self._positions(kind, column), row_of, cells)
        return cells

    def _positions(self, kind: Access, column: int) -> Any:
        from samviz.kernels.raster import Span, divisor

        entries = self._entries[kind]
        per_step = self._heads * entries
        most = self._steps * per_step
        low, high = (step * per_step for step in self._span)
        return Span(low, high, divisor(entries, most), divisor(column * per_step, most))
