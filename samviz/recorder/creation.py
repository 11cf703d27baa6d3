"""Make the file of a trace: alone on its path, with room for it, under its name once it can be opened."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py

from samviz.errors import TraceError
from samviz.recorder.closing import close_whatever_happens
from samviz.recorder.hdf5 import new_hdf5
from samviz.recorder.space import OVERHEAD_BYTES, Space
from samviz.trace.schema import SIGNATURE
from samviz.writer_lock import WriterLock

Datasets = dict[str, h5py.Dataset]


class Created(NamedTuple):
    """An open file in SWMR mode, its per-step datasets, its room and the lock on its path."""

    file: h5py.File
    datasets: Datasets
    space: Space
    lock: WriterLock


def create(
    path: Path,
    build: Callable[[h5py.File], Datasets],
    *,
    overwrite: bool,
    size_limit: int | None,
    first_bytes: int,
) -> Created:
    """Make the file. `build` fills in what exists before the first step, `first_bytes` of data.

    Raises:
        TraceError: it exists, is being recorded, or there is no room or no right to make it.
    """
    part = path.parent / (path.name + ".part")
    check_target(path, overwrite)
    lock = _lock(path)
    space = None
    try:
        check_target(path, overwrite)  # nobody else can make it now
        clear_part(part)
        space = Space(path.parent, size_limit)
        if space.data_left(0) < first_bytes + OVERHEAD_BYTES:
            raise OSError(space.shortage(0))
        file, datasets = _build(path, part, build)
    except BaseException as error:
        if space is not None:
            space.release()
        lock.release()
        if isinstance(error, OSError | RuntimeError):
            raise _cannot_be_created(path, error) from error
        raise
    return Created(file, datasets, space, lock)


def first_line(error: Exception) -> str:
    """What an operating system or HDF5 error says, in one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]


def _build(path: Path, part: Path, build: Callable[[h5py.File], Datasets]) -> tuple[h5py.File, Datasets]:
    file = new_hdf5(part)
    try:
        datasets = build(file)
        file.swmr_mode = True
        os.rename(part, path)
    except BaseException:
        close_whatever_happens(file)
        part.unlink(missing_ok=True)
        raise
    return file, datasets


def _lock(path: Path) -> WriterLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return WriterLock(path)
    except BlockingIOError:
        raise TraceError(
            f"{path}: expected a file that nobody writes, found one that is being recorded; "
            "choose another name"
        ) from None
    except (OSError, ValueError) as error:
        raise _cannot_be_created(path, error) from error


def _cannot_be_created(path: Path, error: Exception) -> TraceError:
    return TraceError(
        f"{path}: cannot be created ({first_line(error)}); "
        "choose a folder that has room and that you can write to"
    )


def check_target(path: Path, overwrite: bool) -> None:
    """Raises TraceError where a trace of that name cannot be begun."""
    if not path.name or path.is_dir():
        raise TraceError(f"{path}: expected the name of a file, found a folder; add a file name")
    if path.exists() and not path.is_file():
        raise TraceError(f"{path}: expected the name of a file, found a device or FIFO; choose another name")
    if path.exists() and not overwrite:
        raise TraceError(
            f"{path}: expected a new file, found one that exists; "
            "choose another name or add --overwrite (overwrite=True)"
        )


def clear_part(part: Path) -> None:
    """Remove what a writer left that died before its file had a name; by the lock none is at work."""
    if not os.path.lexists(part):
        return
    if part.is_symlink() or not part.is_file() or not _is_ours(part):
        raise TraceError(
            f"{part}: expected no such file or what a dead recording left, found another; move it away"
        )
    part.unlink()


def _is_ours(part: Path) -> bool:
    with part.open("rb") as file:
        return file.read(len(SIGNATURE)) in (b"", SIGNATURE)
