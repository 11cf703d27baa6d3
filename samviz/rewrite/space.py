"""Room for what is about to be written: HDF5 must never meet a full disk.

A file that cannot be closed kills the interpreter when it ends, so the room is looked for before each block.
"""

import shutil
from pathlib import Path

from samviz.errors import TraceError
from samviz.recorder.space import process_limit

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
    limit = process_limit()
    if limit is None:
        return 2**63
    return max(0, limit - (part.stat().st_size if part.exists() else 0))
