"""Closing an HDF5 file that can no longer be written, without taking the process along."""

import os
from contextlib import suppress

import h5py

FAILURES = (OSError, RuntimeError, ValueError)


def close_whatever_happens(file: h5py.File) -> None:
    """Close the file; where the disk refuses what HDF5 still wants to write, let it write into memory.

    HDF5 keeps a file open that it could not close, tries again when the process ends, and crashes (signal 11)
    when that fails, too. What is in the file by then stays as it is.
    """
    try:
        file.flush()
    except FAILURES:
        with suppress(*FAILURES):
            _detach(file.id.get_vfd_handle())
    with suppress(*FAILURES):
        file.close()


def _detach(handle: int) -> None:
    """Let the handle of the file lead to memory that nobody else sees."""
    if not hasattr(os, "memfd_create"):  # Linux alone has it
        return
    memory = os.memfd_create("samviz")
    try:
        os.ftruncate(memory, os.fstat(handle).st_size)
        os.dup2(memory, handle, inheritable=False)
    finally:
        os.close(memory)
