"""True rows out of the live model, stored beside its steps: the datasets of /check.

What a trace gives back can then be compared with what the model had, without the model.

Shape legend: T steps, B batch, H heads, E write entries, N slots, W word size.
"""

from typing import Any

import h5py
import numpy as np

from samviz.errors import ConfigError
from samviz.recorder.buffer import Arrays
from samviz.recorder.given import Array, as_array
from samviz.recorder.layout import create_dataset
from samviz.trace.schema import CHECK, CHECK_SLOTS, CHUNK_BYTES, DATASETS

CHECK_STEPS = 256  # at least so many steps between two checks


def create_check(file: h5py.File, word_size: int) -> None:
    """The empty datasets of /check, a chunk each check."""
    for name in CHECK:
        row = DATASETS[name]
        shape = (0, *row.step_shape({"W": word_size}))
        # what a killed writer did not get to reads as no step and no slot
        create_dataset(file, name, shape, row.dtypes[0], 1, fill=-1)


def check_fits(word_size: int) -> bool:
    """Whether the rows of a check make a chunk that readers take."""
    return CHECK_SLOTS * word_size * 4 <= CHUNK_BYTES


def check_rows(memory: Any, write_slot: Array, step: int, sizes: tuple[int, int, int]) -> Arrays:
    """Rows of the datasets, one for each batch element.

    Args:
        memory: [B, N, W] at the end of the step.
        write_slot: [T, B, H, E], the slots of the steps up to this one: the last ones are looked at first.
        sizes: (B, N, W).

    Raises:
        ConfigError: the memory has another shape.
    """
    batch, slots, word_size = sizes
    memory = memory if hasattr(memory, "shape") else as_array(memory, "check")
    if tuple(np.shape(memory)) != sizes:
        raise ConfigError(f"check: expected shape {list(sizes)}, found {list(np.shape(memory))}")
    named = np.full((batch, CHECK_SLOTS), -1, np.int32)
    row = np.zeros((batch, CHECK_SLOTS, word_size), np.float32)
    for element in range(batch):
        slot = chosen_slots(write_slot[:, element], slots, step)
        named[element, : slot.size] = slot
        row[element, : slot.size] = as_array(memory[element][slot], "check")
    return dict(zip(CHECK, (np.full(batch, step), np.arange(batch), named, row), strict=True))


def chosen_slots(written: Array, slots: int, seed: int) -> Array:
    """Up to CHECK_SLOTS different slots, ascending: half of them those written last, the others by chance."""
    if slots <= CHECK_SLOTS:
        return np.arange(slots)
    newest = written[written >= 0][::-1]
    _, first = np.unique(newest, return_index=True)
    last = newest[np.sort(first)][: CHECK_SLOTS // 2]
    some = np.random.default_rng(seed).integers(0, slots, CHECK_SLOTS - last.size)
    return np.unique(np.concatenate([last, some]))
