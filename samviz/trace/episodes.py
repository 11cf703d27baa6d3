"""Where episodes begin and end: the only column a trace reads when it is opened."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from samviz.trace.column import READ_BYTES, Column
from samviz.trace.safety import DAMAGED, refusal


class Episode(NamedTuple):
    """Steps [start, stop) between which the memory was never made afresh."""

    number: int
    start: int
    stop: int


def find_episodes(path: Path, column: Column) -> tuple[tuple[Episode, ...], ...]:
    """The episodes of each batch element, read a block at a time; numbers must not fall."""
    steps, batch = column.shape
    starts: list[list[tuple[int, int]]] = [[] for _ in range(batch)]  # (number, first step)
    previous = np.full(batch, -1, np.int64)
    block_steps = max(1, READ_BYTES // (8 * batch))
    for start in range(0, steps, block_steps):
        numbers = column[start : start + block_steps].astype(np.int64)
        change = np.diff(numbers, axis=0, prepend=previous[None])
        if (change < 0).any():
            step = start + int(np.argwhere(change < 0)[0, 0])
            found = numbers[tuple(np.argwhere(change < 0)[0])]
            raise refusal(path, f"/episode step {step}", "numbers from 0 that never fall", found, DAMAGED)
        for step, element in np.argwhere(change > 0):
            starts[element].append((int(numbers[step, element]), start + int(step)))
        previous = numbers[-1]
    return tuple(_close(element, steps) for element in starts)


def _close(starts: list[tuple[int, int]], steps: int) -> tuple[Episode, ...]:
    stops = [first for _, first in starts[1:]] + [steps]
    return tuple(Episode(number, first, stop) for (number, first), stop in zip(starts, stops, strict=False))
