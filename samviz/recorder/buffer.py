"""Steps waiting to be written: windows of any length in, whole chunks out."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from samviz.trace.schema import DATASETS

Array = npt.NDArray[Any]
Arrays = dict[str, Array]

BLOCK_BYTES = 16 * 2**20


class Block(NamedTuple):
    """Steps to be written: the number of the first one, and their values by dataset name."""

    first: int
    arrays: Arrays

    def __len__(self) -> int:
        return len(self.arrays["episode"])

    def step_bytes(self) -> int:
        """Bytes of one step in all datasets."""
        return sum(array.dtype.itemsize * prod(array.shape[1:]) for array in self.arrays.values())

    def cut(self, start: int, stop: int) -> "Block":
        """Its steps from `start` to before `stop`, by their numbers."""
        at = slice(start - self.first, stop - self.first)
        return Block(start, {name: array[at] for name, array in self.arrays.items()})


class _Held(NamedTuple):
    """What the arrays hold: steps [first, stop)."""

    first: int
    stop: int


class BlockBuffer:
    """Holds up to a block of steps for every dataset; what goes in is copied.

    A block is many chunks long, up to `most_steps`, since every append to a dataset costs as much as copying
    some hundred steps; it is one chunk where the chunks are large.

    Ctrl-C may come between any two lines here. So what is held is told by one attribute, set once the arrays
    are right, and a block is held until it is written: at worst it is offered twice, never lost.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], chunk_steps: int, most_steps: int) -> None:
        """shapes: the shape of one step, by dataset name."""
        step_bytes = sum(prod(shape) * _dtype(name).itemsize for name, shape in shapes.items())
        most = min(most_steps, BLOCK_BYTES // max(step_bytes, 1))
        self._chunk_steps = chunk_steps
        self._block_steps = max(most // chunk_steps, 1) * chunk_steps
        self._held = _Held(0, 0)
        self._arrays = {
            name: np.empty((self._block_steps, *shape), _dtype(name)) for name, shape in shapes.items()
        }

    @property
    def stop(self) -> int:
        """The number of steps that ever came in."""
        return self._held.stop

    def add(self, window: Arrays, steps: int) -> Iterator[Block]:
        """Copy a window in; yields each block as it becomes whole (valid until the next one)."""
        taken = 0
        while taken < steps:
            first, stop = self._held
            count = min(steps - taken, self._block_steps - (stop - first))
            at = slice(stop - first, stop - first + count)
            for name, array in self._arrays.items():
                array[at] = window[name][taken : taken + count]
            taken += count
            self._held = _Held(first, stop + count)
            if at.stop == self._block_steps:
                yield self.rest()
                self._held = _Held(stop + count, stop + count)

    def whole_chunks(self) -> Iterator[Block]:
        """The steps that fill whole chunks, if there are any; the rest stays."""
        first, stop = self._held
        middle = stop - (stop - first) % self._chunk_steps
        if middle > first:
            yield self.rest().cut(first, middle)
            for array in self._arrays.values():  # over steps that are written by now
                array[: stop - middle] = array[middle - first : stop - first]
            self._held = _Held(middle, stop)

    def rest(self) -> Block:
        """All steps that are held."""
        first, stop = self._held
        return Block(first, self._arrays).cut(first, stop)


def _dtype(dataset: str) -> np.dtype[Any]:
    return np.dtype(DATASETS[dataset].dtypes[0])
