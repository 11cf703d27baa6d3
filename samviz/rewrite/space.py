"""Room for what is about to be written: HDF5 must never meet a full disk.

A file that cannot be closed kills the interpreter when it ends, so the room is looked for before each block.
"""

import shutil
from pathlib import Path

from samviz.errors import TraceError

try:
    import resource
except ImportError:  # no POSIX: files have no limit
    resource = None  # type: ignore[assignment]

MARGIN_BYTES = 2**20  # for what HDF5 writes besides the data


def require_room(part: Path, size: int, path: Path) -> None:
    """Refuse to add `size` bytes to the file `part`, which will be `path`, where they do not fit.

    Raises:
        TraceError: the disk, or what this process may write into one file, is too small.
    """
    needed = size + MARGIN_BYTES
    room = min(shutil.disk_usage(part.parent).free, _below_limit(part))
    if needed > room:
        raise TraceError(
            f"{path}: cannot be written: expected room for {needed:,} more bytes, found {room:,}; "
            "free some space or choose another disk"
        )


def _below_limit(part: Path) -> int:
    """Bytes by which the file may still grow."""
    if resource is None:
        return 2**63
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit == resource.RLIM_INFINITY:
        return 2**63
    return max(0, limit - (part.stat().st_size if part.exists() else 0))
