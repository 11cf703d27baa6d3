"""A trace being written: built aside, renamed when it can be opened, committed block by block."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h5py

from samviz.errors import TraceError
from samviz.recorder.buffer import Block

COMMIT_STEPS = 1024
COMMIT_SECONDS = 1.0

RECORDING, COMPLETE, STOPPED = 0, 1, 2

Datasets = dict[str, h5py.Dataset]


class TraceFile:
    """Appends blocks to a trace and commits them: data first, then the number of whole steps.

    A step counts only once /n_steps says so; what is committed is never written again. Any failure to write
    becomes one TraceError, after which the file takes no more.
    """

    def __init__(
        self, path: Path, build: Callable[[h5py.File], Datasets], *, overwrite: bool, fsync_s: float
    ) -> None:
        self.path = path
        self.written = 0
        self._committed = 0
        self._fsync_s = fsync_s
        self._file, self._datasets = _create(path, build, overwrite)
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
            self._append(block)
            if self.overdue or self.written - self._committed >= COMMIT_STEPS:
                self._commit()
        except (OSError, RuntimeError) as error:
            raise self._failed(error) from error

    def commit(self) -> None:
        """Let readers see all that was appended."""
        try:
            self._commit()
        except (OSError, RuntimeError) as error:
            raise self._failed(error) from error

    def close(self, rest: Block, *, complete: bool) -> None:
        """Append what is left (the one partial chunk), commit, set the status and close."""
        try:
            self._append(rest)
            self._commit()
            self._set_status(COMPLETE if complete else STOPPED)
            self._sync()
            self._file.close()
        except (OSError, RuntimeError) as error:
            raise self._failed(error) from error

    def _append(self, block: Block) -> None:
        steps = len(block["episode"])
        if steps == 0:
            return
        for name, dataset in self._datasets.items():
            dataset.resize(self.written + steps, axis=0)
            dataset[self.written : self.written + steps] = block[name]
        self.written += steps

    def _commit(self) -> None:
        self._file.flush()
        self._n_steps[0] = self.written
        self._n_steps.flush()
        self._committed = self.written
        self._committed_at = time.monotonic()
        if self._committed_at - self._synced_at >= self._fsync_s:
            self._sync()

    def _sync(self) -> None:
        os.fsync(self._file.id.get_vfd_handle())
        self._synced_at = time.monotonic()

    def _set_status(self, status: int) -> None:
        self._status[0] = status
        self._status.flush()

    def _failed(self, error: Exception) -> TraceError:
        for salvage in (lambda: self._set_status(STOPPED), self._file.close):
            with suppress(OSError, RuntimeError):
                salvage()
        return TraceError(
            f"{self.path}: recording stopped, the file cannot be written ({first_line(error)}); "
            f"its first {self._committed} steps are safe: free some space and record into a new file"
        )


def first_line(error: Exception) -> str:
    """What an operating system or HDF5 error says, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]


def _create(
    path: Path, build: Callable[[h5py.File], Datasets], overwrite: bool
) -> tuple[h5py.File, Datasets]:
    part = path.parent / (path.name + ".part")
    _check_target(path, part, overwrite)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # exclusive: of two recorders that start at once, one is refused
        file = h5py.File(part, "x", libver=("v110", "v110"))
    except (OSError, ValueError) as error:
        raise TraceError(
            f"{path}: cannot be created ({first_line(error)}); choose a folder you can write to"
        ) from error
    try:
        datasets = build(file)
        file.swmr_mode = True
        os.rename(part, path)
    except BaseException as error:
        file.close()
        part.unlink(missing_ok=True)
        if isinstance(error, OSError | RuntimeError):
            raise TraceError(
                f"{path}: cannot be created ({first_line(error)}); choose another place"
            ) from error
        raise
    return file, datasets


def _check_target(path: Path, part: Path, overwrite: bool) -> None:
    if not path.name or path.is_dir():
        raise TraceError(f"{path}: expected the name of a file, found a folder; add a file name")
    if path.exists() and not path.is_file():
        raise TraceError(f"{path}: expected the name of a file, found a device or FIFO; choose another name")
    if path.exists() and not overwrite:
        raise TraceError(
            f"{path}: expected a new file, found one that exists; "
            "choose another name or add --overwrite (overwrite=True)"
        )
    if os.path.lexists(part):
        raise TraceError(
            f"{part}: another recording is starting there or died while it did; if none is, delete it"
        )
