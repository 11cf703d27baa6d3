"""A trace being written: built aside, renamed when it can be opened, committed block by block."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py

from samviz.errors import TraceError
from samviz.recorder.buffer import Arrays, Block
from samviz.recorder.closing import FAILURES, close_whatever_happens
from samviz.recorder.creation import Datasets, create
from samviz.wording import first_line

COMMIT_STEPS = 1024
COMMIT_SECONDS = 1.0
CHUNK_OVERHEAD = 64  # bytes that a chunk takes besides its data: a checksum, a place in the index

RECORDING, COMPLETE, STOPPED = 0, 1, 2


class TraceFile:
    """Appends blocks to a trace and commits them: data first, then the number of whole steps.

    A step counts only once /n_steps says so; what is committed is never written again. Whatever ends the
    recording early (no room, no disk) becomes one TraceError, after which the file is closed.
    """

    def __init__(
        self,
        path: Path,
        build: Callable[[h5py.File], Datasets],
        *,
        overwrite: bool,
        fsync_s: float,
        size_limit: int | None = None,
        first_bytes: int = 0,
    ) -> None:
        """first_bytes: what `build` writes at once. Raises TraceError where the file cannot be made."""
        self.path = path
        self.written = 0
        self.committed = 0
        self._true_rows = 0
        self._fsync_s = fsync_s
        made = create(path, build, overwrite=overwrite, size_limit=size_limit, first_bytes=first_bytes)
        self._file, self._datasets, self._space, self._place = made
        self._chunk_steps = int(self._file.attrs["chunk_steps"])
        self._n_steps = self._file["n_steps"]
        self._status = self._file["status"]
        self._committed_at = self._synced_at = time.monotonic()

    @property
    def overdue(self) -> bool:
        """Whether readers have waited for the next commit long enough."""
        return time.monotonic() - self._committed_at >= COMMIT_SECONDS

    def write(self, block: Block) -> None:
        """Append a block of steps [n, B, ...] to every dataset, and commit when it is time to."""
        try:
            self._append_what_fits(block)
            if self.overdue or self.written - self.committed >= COMMIT_STEPS:
                self._commit()
        except FAILURES as error:
            raise self._failed(first_line(error)) from error

    def commit(self) -> None:
        """Let readers see all that was appended."""
        try:
            self._commit()
        except FAILURES as error:
            raise self._failed(first_line(error)) from error

    def append_rows(self, rows: Arrays) -> None:
        """Append to the datasets of /check what belongs to a step that is yet to be written."""
        try:
            if self._space.data_left(self._size()) < sum(array.nbytes for array in rows.values()):
                return  # the last room is for steps
            stop = self._true_rows + len(rows["check/step"])
            for name, array in rows.items():
                dataset = self._file[name]
                dataset.resize(stop, axis=0)
                dataset[self._true_rows : stop] = array
            self._true_rows = stop
        except FAILURES as error:
            raise self._failed(first_line(error)) from error

    def close(self, rest: Block, *, complete: bool) -> None:
        """Append what is left (the one partial chunk), commit, set the status and close."""
        try:
            self._append_what_fits(rest)
            self._commit()
            self._set_status(COMPLETE if complete else STOPPED)
            self._sync()
            self._file.close()
        except FAILURES as error:
            raise self._failed(first_line(error)) from error
        self._let_go()

    def _append_what_fits(self, block: Block) -> None:
        """Append the block; where there is no room for all of it, the steps that fit, and fail then."""
        fitting = min(len(block), self._room(block.step_bytes()))
        self._append(block.cut(block.first, block.first + fitting))
        if fitting < len(block):
            self._commit()
            raise OSError(self._space.shortage(self._size()))

    def _room(self, step_bytes: int) -> int:
        """Steps of that size that can be appended: whole chunks, as a chunk takes its room at once."""
        chunk_bytes = step_bytes * self._chunk_steps + CHUNK_OVERHEAD * len(self._datasets)
        return self._space.data_left(self._size()) // chunk_bytes * self._chunk_steps

    def _size(self) -> int:
        return os.fstat(self._file.id.get_vfd_handle()).st_size

    def _append(self, block: Block) -> None:
        """Append what is not in the file yet: a block that was interrupted is offered again."""
        stop = block.first + len(block)
        if stop <= self.written:
            return
        new = block.cut(self.written, stop)
        for name, dataset in self._datasets.items():
            dataset.resize(stop, axis=0)
            dataset[new.first : stop] = new.arrays[name]
        self.written = stop

    def _commit(self) -> None:
        self._file.flush()
        self._n_steps[0] = self.written
        self._n_steps.flush()
        self.committed = self.written
        self._committed_at = time.monotonic()
        if self._committed_at - self._synced_at >= self._fsync_s:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self._file.id.get_vfd_handle())
        self._synced_at = time.monotonic()

    def _set_status(self, status: int) -> None:
        self._status[0] = status
        self._status.flush()

    def _failed(self, why: str) -> TraceError:
        """End the recording with what is whole; the error that says so."""
        self._space.close()
        if self._file:
            for salvage in (self._commit, lambda: self._set_status(STOPPED), self._sync):
                with suppress(*FAILURES):
                    salvage()
            close_whatever_happens(self._file)
        self._let_go()
        return TraceError(
            f"{self.path}: recording stopped ({why}); its first {self.committed:,} steps are safe: "
            "make room or raise the limit, and record into a new file"
        )

    def _let_go(self) -> None:
        self._space.close()
        self._place.release()
