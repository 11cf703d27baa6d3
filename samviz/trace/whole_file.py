"""A file that is there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from samviz.errors import ConfigError, TraceError
from samviz.writer_lock import WriterLock


@contextmanager
def whole_file(path: Path, *, overwrite: bool = False) -> Iterator[BinaryIO]:
    """Write it under NAME.part; it gets its name when the block has ended well, and else is removed.

    Raises ConfigError where the name is taken (unless `overwrite`) or is no file's, or where another process
    writes there; TraceError where it cannot be written.
    """
    _check_target(path, overwrite)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = WriterLock(path)
    except BlockingIOError:
        raise ConfigError(
            f"{path}: expected a file that nobody writes, found another process at work; wait for it, or "
            "choose another name"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        part.unlink(missing_ok=True)  # of a process that was killed: the lock says that none is at work
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        if os.path.isfile(part):
            part.unlink()
        if isinstance(error, OSError):
            raise _unwritable(path, error) from error
        raise
    finally:
        lock.release()


def _check_target(path: Path, overwrite: bool) -> None:
    taken = os.path.exists(path)  # unlike Path.exists, without an error for a name that cannot be
    if os.path.isdir(path):
        raise ConfigError(f"{path}: expected the name of a file, found a folder; add a file name")
    if taken and not os.path.isfile(path):
        raise ConfigError(f"{path}: expected the name of a file, found a device or FIFO; choose another name")
    if taken and not overwrite:
        raise ConfigError(
            f"{path}: expected a new file, found one that exists; choose another name or add --overwrite "
            "(overwrite=True)"
        )


def _unwritable(path: Path, error: OSError) -> TraceError:
    why = (error.strerror or str(error) or type(error).__name__).splitlines()[0]
    return TraceError(f"{path}: cannot be written ({why}); make room there or choose another place")
