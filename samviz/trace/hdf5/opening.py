"""Open the HDF5 file itself: plainly, or as one whose writer is at work or was killed."""

import ctypes
import os
import re
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
from h5py._objects import phil

from samviz.errors import TraceError
from samviz.trace.hdf5.lock import LOCK
from samviz.wording import first_line, printable

# each failed read waits twice as long as the one before, from 1 ns: 24 give up after some 20 ms
_METADATA_ATTEMPTS = 24
_IDENTITY_BYTES = 2**20
_FLAGS_AT, _BEING_WRITTEN = 11, 1  # in a superblock of version 3, the only one that knows SWMR
_TRUNCATED = re.compile(r"truncated file: eof = (\d+), sblock->base_addr = \d+, stored_eof = (\d+)")

_opened: list[weakref.ref["OpenFile"]] = []


class OpenFile(h5py.File):  # type: ignore[misc]
    """An HDF5 file that notices when other content takes its place while it is open (`cp new.h5 open.h5`).

    HDF5 keeps what it knows of a file for as long as anybody in the process has it open, and mixes it with
    what it reads later.
    """

    def __init__(self, file: Any, cut_short: str = "") -> None:
        super().__init__(file) if isinstance(file, h5py.h5f.FileID) else super().__init__(file, "r")
        self.cut_short = cut_short  # what to tell if something cannot be read
        self._handle = self.id.get_vfd_handle()
        self._stamp = self._now()
        self._name_at: tuple[int, bytes] | None = None
        _opened.append(weakref.ref(self))

    @property
    def is_open(self) -> bool:
        """Whether nobody closed it."""
        return bool(self.id.valid)

    def remember(self, uuid: str) -> None:
        """From now on the file must have this name (the trace's uuid) where it has it now."""
        name = uuid.encode()
        start = os.pread(self._handle, _IDENTITY_BYTES, 0)
        if name in start:
            self._name_at = (start.index(name), name)

    def was_replaced(self) -> bool:
        """Whether the bytes under an open file are no longer those of the trace that was opened.

        A finished trace keeps its size and time; of one that is written only the name is looked at.
        """
        now = self._now()
        if not self.swmr_mode and now == self._stamp:
            return False
        if self._name_at is not None:
            at, name = self._name_at
            if os.pread(self._handle, len(name), at) != name:
                return True
        return not self.swmr_mode and now[2] != self._stamp[2]

    @property
    def stamp(self) -> tuple[int, int, int, int]:
        """Inode, size in bytes, and times of change of content and inode (ns), when it was opened."""
        return self._stamp[1:]

    def is_at(self, path: Path) -> bool:
        """Whether that path names this very file now."""
        status = os.stat(path)
        return (status.st_dev, status.st_ino) == self._stamp[:2]

    def _now(self) -> tuple[int, int, int, int, int]:
        status = os.fstat(self._handle)
        return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def open_file(path: Path) -> OpenFile:
    """A plain open, then SWMR, the only way into a file that is still written or whose writer was killed.

    Raises:
        TraceError: HDF5 cannot open it, or it was closed and then cut short.
    """
    with LOCK:
        _close_replaced(path)
        try:
            return OpenFile(path)
        except OSError as error:
            plain = error
        cut_short = _cut_short(str(plain))
        if cut_short and not _is_being_written(path):
            raise _truncated(path, cut_short) from plain
        try:
            access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
            _give_up_early(access)
            flags = h5py.h5f.ACC_RDONLY | h5py.h5f.ACC_SWMR_READ
            return OpenFile(h5py.h5f.open(os.fsencode(path), flags, fapl=access), cut_short)
        except (OSError, RuntimeError, ValueError):
            raise _truncated(path, cut_short) if cut_short else damaged(path, plain) from plain


def damaged(path: Path, error: Exception, file: h5py.File | None = None) -> TraceError:
    """HDF5's own complaint as one line, or that the file was cut short."""
    cut_short = file.cut_short if isinstance(file, OpenFile) else ""
    if cut_short:
        return _truncated(path, cut_short)
    why = first_line(error)
    if inner := re.search(r"\(([^()]+)\)'?$", why):  # the cause, without the call that met it
        why = inner[1]
    return TraceError(
        printable(
            f"{path}: cannot be read as a trace ({why[:200]}); it is damaged: restore it or record it again"
        )
    )


def _truncated(path: Path, cut_short: str) -> TraceError:
    return TraceError(printable(f"{path}: {cut_short}: it was cut short; restore it or record it again"))


def _cut_short(complaint: str) -> str:
    """What HDF5 says of a file that ends before it should, in plain words; "" if it says something else."""
    found = _TRUNCATED.search(complaint)
    return f"expected a file of {int(found[2]):,} bytes, found {int(found[1]):,}" if found else ""


def _is_being_written(path: Path) -> bool:
    """Whether the file says that a writer has it open, or had when it was killed."""
    with path.open("rb") as file:
        start = file.read(_FLAGS_AT + 1)
    return len(start) > _FLAGS_AT and bool(start[_FLAGS_AT] & _BEING_WRITTEN)


def _close_replaced(path: Path) -> None:
    """Close this process's handles of what the file held before; HDF5 then looks at it afresh."""
    with suppress(OSError):
        for reference in list(_opened):
            file = reference()
            if file is None or not file.is_open:
                _opened.remove(reference)
            elif file.is_at(path) and file.was_replaced():
                file.close()


def _give_up_early(access: h5py.h5p.PropFAID) -> None:
    """A SWMR reader tries 100 times by default: in a damaged file that takes longer than anyone lives."""
    with suppress(OSError, AttributeError):  # an h5py that hides its HDF5 still reads sound files
        library = ctypes.CDLL(h5py.h5p.__file__)
        with phil:  # HDF5 does one thing at a time, and h5py sees to that
            library.H5Pset_metadata_read_attempts(
                ctypes.c_int64(access.id), ctypes.c_uint(_METADATA_ATTEMPTS)
            )
