"""The folder of traces: which one it is, what is in it. Nothing outside it can be opened."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class File(NamedTuple):
    """One listed file as it was when it was listed; a file that changed is another one."""

    name: str
    path: str
    changed: int
    size: int


def folder(arguments: Sequence[str] | None = None) -> Path:
    """`--traces DIR` after `--`, else SAMVIZ_TRACES, else ./traces."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for at, argument in enumerate(arguments):
        if argument == "--traces" and at + 1 < len(arguments):
            return Path(arguments[at + 1])
        if argument.startswith("--traces="):
            return Path(argument.removeprefix("--traces="))
    return Path(os.environ.get("SAMVIZ_TRACES") or "traces")


def listed(directory: Path) -> tuple[File, ...]:
    """The *.h5 files that really lie in the folder, by name; a link that leads out of it is none."""
    root = directory.resolve()
    if not root.is_dir():
        return ()
    found = []
    for path in sorted(root.glob("*.h5")):
        target = path.resolve()
        if target.is_relative_to(root) and target.is_file():
            status = target.stat()
            found.append(File(path.name, str(target), status.st_mtime_ns, status.st_size))
    return tuple(found)


def named(files: Sequence[File], name: str | None) -> File | None:
    """The listed file of that name; a name that is not on the list is no file."""
    return next((file for file in files if file.name == name), None)
