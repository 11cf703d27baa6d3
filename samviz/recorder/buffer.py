"""Steps waiting to be written: windows of any length in, whole chunks out."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from samviz.errors import ConfigError
from samviz.trace.schema import DATASETS

Array = npt.NDArray[Any]
Block = dict[str, Array]


BLOCK_BYTES = 16 * 2**20


class BlockBuffer:
    """Holds up to a block of steps for every dataset; what goes in is copied.

    A block is many chunks long, up to `most_steps`, since every append to a dataset costs as much as copying
    some hundred steps; it is one chunk where the chunks are large.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], chunk_steps: int, most_steps: int) -> None:
        """shapes: the shape of one step, by dataset name."""
        step_bytes = sum(prod(shape) * _dtype(name).itemsize for name, shape in shapes.items())
        most = min(most_steps, BLOCK_BYTES // max(step_bytes, 1))
        self._chunk_steps = chunk_steps
        self._block_steps = max(most // chunk_steps, 1) * chunk_steps
        self._held = 0
        self._arrays = {
            name: np.empty((self._block_steps, *shape), _dtype(name)) for name, shape in shapes.items()
        }

    def __len__(self) -> int:
        """Steps held."""
        return self._held

    def add(self, window: Block, steps: int) -> Iterator[Block]:
        """Copy a window in; yields each block as it becomes whole (valid until the next one)."""
        taken = 0
        while taken < steps:
            count = min(steps - taken, self._block_steps - self._held)
            for name, array in self._arrays.items():
                array[self._held : self._held + count] = window[name][taken : taken + count]
            self._held += count
            taken += count
            if self._held == self._block_steps:
                self._held = 0
                yield self._arrays

    def whole_chunks(self) -> Iterator[Block]:
        """The steps that fill whole chunks, if there are any; the rest stays."""
        ready = self._held - self._held % self._chunk_steps
        if ready == 0:
            return
        yield {name: array[:ready] for name, array in self._arrays.items()}
        for array in self._arrays.values():
            array[: self._held - ready] = array[ready : self._held].copy()
        self._held -= ready

    def rest(self) -> Block:
        """All steps that are held, and an empty buffer."""
        held, self._held = self._held, 0
        return {name: array[:held] for name, array in self._arrays.items()}


def to_array(value: Any, name: str, shape: tuple[int, ...], dataset: str) -> Array:
    """A tensor or array as numpy, not copied. Raises ConfigError if it is not what the dataset holds."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.shape != shape:
        raise ConfigError(f"{name}: expected shape {list(shape)}, found {list(array.shape)}")
    dtype = _dtype(dataset)
    if dtype == np.uint8:
        array = array != 0
    elif not np.can_cast(array.dtype, dtype, "same_kind"):
        raise ConfigError(f"{name}: expected {dtype.name} or alike, found {array.dtype.name}")
    return array


def _dtype(dataset: str) -> np.dtype[Any]:
    return np.dtype(DATASETS[dataset].dtypes[0])
