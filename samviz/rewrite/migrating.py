"""Traces of an older major version as traces of the present one, in a new file."""

from collections.abc import Callable
from pathlib import Path

import h5py

from samviz.errors import TraceError
from samviz.new_file import new_file
from samviz.rewrite.plan import Plan
from samviz.rewrite.progress import Progress, Report, silent
from samviz.rewrite.result import Rewritten
from samviz.rewrite.source import refuse_live
from samviz.rewrite.writing import PASSES, write_verified
from samviz.trace.hdf5.opening import damaged, open_file
from samviz.trace.hdf5.safety import NOT_OURS, check_file, refusal
from samviz.trace.schema import FORMAT, VERSION

Migration = Callable[[h5py.File, Path], Plan]

# By the major version that it reads: what a trace of the present version holds instead. Version 1 is the
# first, so there is none yet. Version 2 will need one for 1: plan_of(...) with the pieces of the old columns,
# each found with find_dataset and checked with check_storage (samviz/trace/hdf5/safety.py).
MIGRATIONS: dict[int, Migration] = {}


def migrate(
    path: str | Path, new: str | Path, *, overwrite: bool = False, report: Report = silent
) -> Rewritten:
    """Write a trace of an older major version as one of the present version; the old file stays as it is.

    Raises:
        TraceError: it is of the present version or a newer one, no migration from its version is known, it
            is being recorded or damaged, or the new one cannot be written.
    """
    path, new = Path(path), Path(new)
    refuse_live(path)
    check_file(path)
    with open_file(path) as file:
        major = _old_major(file, path)
        with new_file(new, sources=[path], overwrite=overwrite) as made:
            try:
                plan = MIGRATIONS[major](file, path)
            except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
                raise damaged(path, error) from error
            write_verified(plan, made.part, new, Progress(report, PASSES * plan.size))
        return Rewritten(new, plan.steps, path.stat().st_size, new.stat().st_size)


def _old_major(file: h5py.File, path: Path) -> int:
    """The major version of a file that can be migrated."""
    try:
        major, minor = _version(file)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        raise refusal(path, "attributes format, version", "those of a trace", "others", NOT_OURS) from None
    found = f"{major}.{minor}"
    if major == VERSION[0]:
        raise TraceError(f"{path}: is of version {found}, the present one: there is nothing to migrate")
    if major > VERSION[0]:
        raise refusal(path, "attribute version", f"{VERSION[0]} or older", found, "install a newer samviz")
    if major not in MIGRATIONS:
        raise TraceError(f"{path}: is of version {found}, from which no migration is known; record it again")
    return major


def _version(file: h5py.File) -> tuple[int, int]:
    """Major and minor version. Raises ValueError where these are not the attributes of a trace."""
    version, name = file.attrs.get_id("version"), file.attrs.get_id("format")
    if version.shape != (2,) or version.dtype.kind not in "iu" or name.dtype != f"S{len(FORMAT)}":
        raise ValueError("attributes of another kind")
    if bytes(file.attrs["format"]) != FORMAT:
        raise ValueError("another format")
    major, minor = file.attrs["version"]
    return int(major), int(minor)
