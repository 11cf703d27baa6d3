"""Where episodes begin and end: the only column a trace reads when it is opened."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from samviz.trace.hdf5.column import READ_BYTES, Column
from samviz.trace.hdf5.safety import DAMAGED, refusal


class Episode(NamedTuple):
    """Steps [start, stop) between which the memory was never made afresh."""

    number: int
    start: int
    stop: int


Episodes = tuple[tuple[Episode, ...], ...]  # of each batch element


def find_episodes(path: Path, column: Column, known: Episodes = ()) -> Episodes:
    """The episodes of each batch element, read a block at a time; numbers must not fall.

    known: those of the steps up to where they end, as they were found when the trace was shorter.
    """
    steps, batch = column.shape
    starts = [[(episode.number, episode.start) for episode in element] for element in known or [()] * batch]
    begin = known[0][-1].stop if known and known[0] else 0
    previous = np.array([element[-1][0] if element else -1 for element in starts], np.int64)
    block_steps = max(1, READ_BYTES // (8 * batch))
    for start in range(begin, steps, block_steps):
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
