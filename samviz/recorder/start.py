"""What a memory held before the first recorded step: the datasets of /start.

Shape legend: B batch, N slots, W word size, S0 slots that held something.
"""

from typing import Any

import h5py
import numpy as np

from samviz.errors import ConfigError
from samviz.recorder.buffer import Arrays
from samviz.recorder.given import as_array, require_kind
from samviz.trace.schema import DATASETS

CHUNK_BYTES = 2**20
UNKNOWN = -1


def start_rows(memory: Any, batch: int, slots: int, word_size: int) -> Arrays:
    """The datasets of /start for a memory [B, N, W], or [N, W] where B is 1: its rows that are not zero.

    When these were last accessed is not known. No datasets for a memory that is all zero.

    Raises:
        ConfigError: the memory has another shape, or is not of numbers.
    """
    rows = as_array(memory, "start_memory")
    require_kind(rows, "start_memory", np.dtype("f4"))
    if rows.ndim == 2 and batch == 1:
        rows = rows[None]
    if rows.shape != (batch, slots, word_size):
        expected = [batch, slots, word_size]
        raise ConfigError(f"start_memory: expected shape {expected}, found {list(rows.shape)}")
    element, slot = np.nonzero((rows != 0).any(-1))
    if slot.size == 0:
        return {}
    return {
        "start/slot": slot,
        "start/batch": element,
        "start/row": rows[element, slot].astype("f4"),
        "start/last_access": np.full(slot.size, UNKNOWN),
    }


def write_start(file: h5py.File, start: Arrays) -> None:
    """Store the datasets of /start, which never change."""
    for name, data in start.items():
        data = data.astype(DATASETS[name].dtypes[0])
        rows = max(1, CHUNK_BYTES // (data.itemsize * int(np.prod(data.shape[1:]))))
        chunks = (min(rows, len(data)), *data.shape[1:])
        file.create_dataset(name, data=data, chunks=chunks, fletcher32=True)
