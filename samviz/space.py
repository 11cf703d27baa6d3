"""Room on the disk: looked for before it is needed, and kept back for the end of a file that grows."""

import os
import sys
from contextlib import suppress
from pathlib import Path

RESERVE_BYTES = 4 * 2**20
# what HDF5 adds to the data: checksums, chunk indexes, headers, what it allocates ahead
OVERHEAD_BYTES = 64 * 2**10
OVERHEAD_SHARE = 0.05


class Space:
    """The room that a growing file has: on its disk, under the process's limit, under the caller's own.

    HDF5 cannot close a file that it cannot write, and takes the process with it when that ends. So room is
    looked for before anything is written, and a reserve is kept for the last flush and the close, should the
    disk fill up unseen (a quota, another program). The reserve has no name: it goes when the process goes.
    """

    def __init__(self, folder: Path, size_limit: int | None = None) -> None:
        """Take the reserve. Raises OSError where the folder takes no file."""
        self._folder = Path(os.path.abspath(folder))  # wherever the program goes
        self._size_limit = size_limit
        self._reserve: int | None = None
        self._reserve = _reserve(folder, min(RESERVE_BYTES, self.left(0) // 8))

    def left(self, size: int) -> int:
        """Bytes by which a file of `size` bytes may grow."""
        return max(0, min(self._rooms(size))[0])

    def data_left(self, size: int) -> int:
        """Bytes of data that can be added to a file of `size` bytes, whatever HDF5 adds to them."""
        return max(0, int((self.left(size) - OVERHEAD_BYTES) / (1 + OVERHEAD_SHARE)))

    def shortage(self, size: int) -> str:
        """What a file of `size` bytes runs into first, in words."""
        left, reason = min(self._rooms(size))
        return reason.format(left=max(0, left))

    def close(self) -> None:
        """Give the reserve back to the disk; a second call does nothing."""
        if self._reserve is not None:
            with suppress(OSError):
                os.close(self._reserve)
            self._reserve = None

    def _rooms(self, size: int) -> list[tuple[int, str]]:
        disk = os.statvfs(self._folder)
        rooms = [(disk.f_bavail * disk.f_frsize, "the disk is full, {left:,} bytes are left")]
        limit = process_limit()
        if limit is not None:
            rooms.append((limit - size, f"a process may write files of {limit:,} bytes here (ulimit -f)"))
        if self._size_limit is not None:
            rooms.append((self._size_limit - size, f"its size limit is {self._size_limit:,} bytes"))
        return rooms


def process_limit() -> int | None:
    """The size of the largest file that this process may write; None where there is no limit."""
    if sys.platform == "win32":
        return None
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _reserve(folder: Path, size: int) -> int | None:
    """A nameless file of that size, or none where the disk does not give it."""
    name = folder / f".samviz-reserve-{os.getpid()}-{os.urandom(4).hex()}"
    handle = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    os.unlink(name)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, max(size, 1))
        else:
            os.write(handle, os.urandom(size))
    except OSError:
        os.close(handle)
        return None
    return handle
