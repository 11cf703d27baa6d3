"""One dataset of a trace: numpy-style reading of its committed part."""

import math
import time
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from samviz.errors import ConfigError, TraceError
from samviz.trace.hdf5.chunks import Chunks
from samviz.trace.hdf5.indexing import expand, narrow, narrow_array
from samviz.trace.hdf5.lock import LOCK
from samviz.trace.schema import DATASETS
from samviz.wording import first_line, printable

if TYPE_CHECKING:
    from samviz.trace.hdf5.opening import OpenFile

READ_BYTES = 16 * 2**20
MOST_BYTES = 8 * 2**30  # that one question may ask for

FAILURES = (
    OSError,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    OverflowError,
)  # what h5py makes of a damaged file

Array = npt.NDArray[Any]

_PAUSE = 0.01  # seconds that a live file gets before the second attempt


class Column:
    """A lazy, read-only array: `trace["read/slot"][10:20, 0]` reads just that from the file.

    Indexing follows numpy (ints, slices, Ellipsis, integer and boolean arrays); per-step columns end at the
    last committed step. Raises IndexError as numpy does, ConfigError for more than 8 GiB at once, TraceError
    where the file cannot be read, naming the first steps that cannot.
    """

    def __init__(self, file: "OpenFile", dataset: h5py.Dataset, name: str, path: Path, length: int) -> None:
        self._file = file
        self._kept = None if file.swmr_mode else dataset
        self._path = path
        self._chunk = dataset.chunks[0] if dataset.chunks else 64
        self._chunks = Chunks(dataset)
        self.name = name
        self.shape: tuple[int, ...] = (length, *dataset.shape[1:])
        self.dtype: np.dtype[Any] = dataset.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<Column {self.name} {self.dtype.name} {list(self.shape)}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError(f"{self.name} is read from a file: it cannot be viewed without a copy")
        return self[...].astype(dtype or self.dtype, copy=False)

    def __getitem__(self, key: Any) -> Array:
        """Read the box of the file that `key` touches, then let numpy finish the selection inside it."""
        keys = expand(key, len(self.shape))
        if isinstance(keys[0], np.ndarray) and keys[0].ndim > 0:
            wanted, first = narrow_array(keys[0], len(self))
        else:
            wanted, first = narrow(keys[0], len(self))
        rest = [narrow(part, size) for part, size in zip(keys[1:], self.shape[1:], strict=True)]
        box = tuple(part[0] for part in rest)
        self._refuse_too_much(wanted, box)
        block = self._read(wanted, box) if isinstance(wanted, slice) else self.gather(wanted, box)
        return block[(first, *(part[1] for part in rest))]  # type: ignore[no-any-return]

    def gather(self, steps: Array, box: tuple[slice, ...]) -> Array:
        """The given rows of the first axis (sorted, unique), cut to `box` on the others: [len(steps), ...].

        Neighbouring chunks are read together, each chunk once, at most 16 MiB at a time.
        """
        sizes = [len(range(*cut.indices(size))) for cut, size in zip(box, self.shape[1:], strict=True)]
        out = np.empty((len(steps), *sizes), self.dtype)
        row_bytes = max(1, int(np.prod(sizes)) * self.dtype.itemsize)
        span = max(1, READ_BYTES // (row_bytes * self._chunk)) * self._chunk
        chunk = steps // self._chunk
        breaks = np.flatnonzero(np.diff(chunk) > 1) + 1
        for first, last in zip([0, *breaks], [*breaks, len(steps)], strict=True):
            at = first
            while at < last:
                limit = chunk[at] * self._chunk + span
                end = min(last, int(np.searchsorted(steps, limit)))
                block = self._read(slice(int(steps[at]), int(steps[end - 1]) + 1, 1), box)
                out[at:end] = block[steps[at:end] - steps[at]]
                at = end
        return out

    def first(self, length: int) -> "Column":
        """The same column, ending after `length` steps."""
        shorter = copy(self)
        shorter.shape = (length, *self.shape[1:])
        return shorter

    @property
    def chunk_steps(self) -> int:
        """Steps that are stored together, and lost together."""
        return self._chunk

    def _refuse_too_much(self, steps: slice | Array, box: tuple[slice, ...]) -> None:
        first = len(range(steps.start, steps.stop, steps.step)) if isinstance(steps, slice) else len(steps)
        counts = [len(range(cut.start, cut.stop, cut.step or 1)) for cut in box]
        size = math.prod([first, *counts]) * self.dtype.itemsize
        if size > MOST_BYTES:
            raise ConfigError(
                f"{self._path}: /{self.name}: expected a question for at most {MOST_BYTES:,} bytes, "
                f"found one for {size:,}; read it in pieces"
            )

    def _read(self, steps: slice, box: tuple[slice, ...]) -> Array:
        """A box of the dataset, from a live file at the second attempt if need be."""
        with LOCK:
            found = self._attempt((steps, *box))
            if isinstance(found, str) and self._kept is None:
                time.sleep(_PAUSE)
                found = self._attempt((steps, *box))
            if isinstance(found, str):
                raise self._unreadable(steps, box, found)
            return found

    def _attempt(self, box: tuple[slice, ...]) -> Array | str:
        """What the box holds, or why it cannot be read; no exception, which would keep the dataset open."""
        if not self._file.is_open:
            raise TraceError(printable(f"{self._path}: /{self.name}: the trace was closed; open it again"))
        if self._file.was_replaced():
            raise TraceError(
                printable(f"{self._path}: other content took the place of this trace; open it again")
            )
        try:
            dataset = self._open()
            self._chunks.check(dataset, box)
            return dataset[box]  # type: ignore[no-any-return]
        except FAILURES as error:
            return _in_words(error)

    def _unreadable(self, steps: slice, box: tuple[slice, ...], why: str) -> TraceError:
        """The error that names the first chunk of the steps that cannot be read."""
        first, stop = steps.start, steps.stop
        for start in range(first - first % self._chunk, stop, self._chunk):
            piece = slice(max(start, first), min(start + self._chunk, stop), 1)
            found = self._attempt((piece, *box))
            if isinstance(found, str):
                first, stop, why = start, min(start + self._chunk, len(self)), found
                break
        unit = "steps" if DATASETS[self.name].per_step else "rows"
        return TraceError(
            printable(
                f"{self._path}: /{self.name}: {unit} {first} to {stop - 1} cannot be read ({why}); "
                "the file is damaged there: restore it from a copy or record it again"
            )
        )

    def _open(self) -> h5py.Dataset:
        """The dataset; of a live file an up-to-date handle, used once.

        HDF5 shares what it knows of a file within a process, and can only bring a dataset up to date while
        nobody else there has it open.
        """
        if self._kept is not None:
            return self._kept
        dataset = self._file[self.name]
        dataset.refresh()
        return dataset


def _in_words(error: Exception) -> str:
    text = first_line(error)
    if "metadata" in text:
        return "the file's own index of it is damaged"
    return "a checksum does not match" if "filter" in text or "letcher" in text else text[:120]
