"""Where a new trace is built: beside its place and under another name, until it is whole."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from samviz.errors import TraceError
from samviz.recorder.creation import check_target, clear_part
from samviz.writer_lock import WriterLock


@contextmanager
def new_file(path: Path, sources: Sequence[Path], *, overwrite: bool) -> Iterator[Path]:
    """Yields NAME.part, to be built; it becomes `path` where the block ends well and is removed otherwise.

    Until then nothing that exists is touched. sources: files that `path` must not be.

    Raises:
        TraceError: the place is taken, or cannot be written to.
    """
    _check_name(path, sources)
    with _replacing(path, overwrite=overwrite) as part:
        yield part


@contextmanager
def new_content(path: Path) -> Iterator[Path]:
    """The same for a file that exists and is to be replaced by what is built; links to it stay links to it.

    Raises:
        TraceError: it is being recorded, or its folder cannot be written to.
    """
    path = path.resolve()
    with _replacing(path, overwrite=True) as part:
        yield part
        with suppress(OSError):
            shutil.copymode(path, part)


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    part = path.with_name(path.name + ".part")
    lock = _lock(path)
    try:
        _check_place(path, part, overwrite)
        try:
            yield part
            _rename(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    finally:
        lock.release()


def _lock(path: Path) -> WriterLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return WriterLock(path)
    except BlockingIOError:
        raise TraceError(f"{path}: is being written by another; wait until that has ended") from None
    except OSError as error:
        raise TraceError(
            f"{path}: cannot be created ({error.strerror}); choose a folder you can write to"
        ) from error


def _rename(part: Path, path: Path) -> None:
    try:
        os.replace(part, path)
    except OSError as error:
        raise TraceError(f"{path}: cannot be replaced ({error.strerror}); choose another name") from error
    with suppress(OSError):  # some file systems cannot sync a folder
        sync(path.parent)


def _check_name(path: Path, sources: Sequence[Path]) -> None:
    check_target(path, overwrite=True)
    for source in sources:
        if path.exists() and source.exists() and os.path.samefile(path, source):
            raise TraceError(
                f"{path}: expected a new file, found the trace itself ({source}); choose another name"
            )


def _check_place(path: Path, part: Path, overwrite: bool) -> None:
    check_target(path, overwrite)
    if path.is_symlink() and not overwrite:
        raise TraceError(f"{path}: expected a new file, found a link that leads nowhere; choose another name")
    clear_part(part)
