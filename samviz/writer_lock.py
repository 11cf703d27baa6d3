"""Who writes a trace: an advisory lock in a file beside it, which dies with its process."""

import os
import time
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # no POSIX: recordings are not told apart from what a killed process left
    fcntl = None  # type: ignore[assignment]

_PATIENCE_S = 0.1  # a look at the lock takes microseconds; who holds it longer is a writer
_PAUSE_S = 0.002


class WriterLock:
    """Held by the one recorder of a path; the system releases it when the process ends, however it ends.

    A child that was forked meanwhile and lives on holds it, too. The lock is on NAME.lock, not on the trace,
    which HDF5 locks itself. On a file system without locks it is never refused.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            BlockingIOError: another holds it.
            OSError: it cannot be made.
        """
        self._path = lock_path(path)
        limit = time.monotonic() + _PATIENCE_S
        while True:
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                _lock_within(self._handle, limit)
                if _is_at(self._handle, self._path):
                    return
            except BaseException:
                os.close(self._handle)
                raise
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
    """Whether a recorder that is alive is known to hold the lock of that trace."""
    return _look(path) == "held"


def was_left_behind(path: Path) -> bool:
    """Whether its recorder is known to have died: its lock lies there, and nobody holds it."""
    return _look(path) == "free"


def lock_path(path: Path) -> Path:
    """Where the lock of a trace lies. Raises ValueError for a name that no file can have."""
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + ".lock")


def _look(path: Path) -> str:
    """What is known of the lock: "held", "free" (it lies there), "none", or "unknown"."""
    try:
        place = lock_path(path)
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    except (OSError, ValueError):  # none, or a name that no file can have
        return "none"
    try:
        if not _lock(handle, shared=True):
            return "unknown"
        return "free" if _is_at(handle, place) else "none"
    except BlockingIOError:
        return "held"
    finally:
        os.close(handle)


def _lock_within(handle: int, limit: float) -> None:
    """Wait for those who only look."""
    while True:
        try:
            _lock(handle)
            return
        except BlockingIOError:
            if time.monotonic() >= limit:
                raise
        time.sleep(_PAUSE_S)


def _lock(handle: int, *, shared: bool = False) -> bool:
    """Take the lock; False where this system or file system knows none. Raises BlockingIOError."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:
        return False
    return True


def _is_at(handle: int, path: Path) -> bool:
    """Whether the open file is the one that bears the name now."""
    try:
        named = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(handle), named)
