"""Who writes a trace: an advisory lock in a file beside it, which dies with its process."""

import os
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # no POSIX: recordings are not told apart from what a killed process left
    fcntl = None  # type: ignore[assignment]


class WriterLock:
    """Held by the one recorder of a path; the system releases it when the process ends, however it ends.

    The lock is on NAME.lock, not on the trace, which HDF5 locks itself. On a file system without locks it is
    never refused.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises BlockingIOError where another holds it, OSError where it cannot be made."""
        self._path = lock_path(path)
        while True:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                _lock(self._handle)
            except BaseException:
                os.close(self._handle)
                raise
            if _is_at(self._handle, self._path):
                return
            os.close(self._handle)  # its holder had just removed it: nobody else would see this lock

    def release(self) -> None:
        """Remove the file and let go of the lock; a second call does nothing."""
        if self._handle < 0:
            return
        with suppress(OSError):
            if _is_at(self._handle, self._path):
                self._path.unlink()
        os.close(self._handle)
        self._handle = -1


def is_being_written(path: Path) -> bool:
    """Whether a recorder that is alive holds the lock of that trace."""
    try:
        handle = os.open(lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        _lock(handle, shared=True)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def was_left_behind(path: Path) -> bool:
    """Whether its recorder is known to have died: its lock lies there, and nobody holds it."""
    return lock_path(path).exists() and not is_being_written(path)


def lock_path(path: Path) -> Path:
    """Where the lock of a trace lies."""
    real = path.resolve()
    return real.with_name(real.name + ".lock")


def _lock(handle: int, *, shared: bool = False) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # this file system knows no locks
        return


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file is the one that bears the name now."""
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), named)
