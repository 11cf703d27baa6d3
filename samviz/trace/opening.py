"""Open the HDF5 file itself: plainly, or as one whose writer is at work or was killed."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

import h5py

from samviz.errors import TraceError

# each failed read waits twice as long as the one before, from 1 ns: 24 give up after some 20 ms
_METADATA_ATTEMPTS = 24


def open_file(path: Path) -> h5py.File:
    """A plain open, then SWMR, the only way into a file that is still written or whose writer was killed."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        plain = error
    try:
        access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
        _give_up_early(access)
        flags = h5py.h5f.ACC_RDONLY | h5py.h5f.ACC_SWMR_READ
        return h5py.File(h5py.h5f.open(os.fsencode(path), flags, fapl=access))
    except (OSError, RuntimeError, ValueError):
        raise damaged(path, plain) from plain


def damaged(path: Path, error: Exception) -> TraceError:
    """HDF5's own complaint as one line."""
    why = "".join(letter if letter.isprintable() else " " for letter in str(error) or type(error).__name__)
    return TraceError(
        f"{path}: cannot be read as a trace ({why[:200]}); it is damaged: restore it or record it again"
    )


def _give_up_early(access: h5py.h5p.PropFAID) -> None:
    """A SWMR reader tries 100 times by default: in a damaged file that takes longer than anyone lives."""
    with suppress(OSError, AttributeError):  # an h5py that hides its HDF5 still reads sound files
        library = ctypes.CDLL(h5py.h5p.__file__)
        library.H5Pset_metadata_read_attempts(ctypes.c_int64(access.id), ctypes.c_uint(_METADATA_ATTEMPTS))
