"""Indexes kept between processes: plain arrays in the user's cache folder, mapped, never pickled.

An index is a folder with an .npy file an array and a header that says what they must be. It is written under
another name, synced and renamed. Whatever does not agree with its header is not used and is made anew; a
folder that cannot be written to only costs the time to build an index again.

An index belongs to a file as it was, known by its inode, size and the times at which its content and itself
were last changed: a copy of a trace gets an index of its own, as does a trace that somebody edited.
"""

import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO, NamedTuple
from uuid import UUID

import numpy as np
from platformdirs import user_cache_path

from samviz.trace.hdf5.column import Array
from samviz.trace.opened import Opened
from samviz.writer_lock import was_left_behind

FORMAT = 2
CACHE_BYTES = 4 * 2**30  # all indexes together; those not used for longest go first
FREE_BYTES = 2**30  # what must stay free on the disk
SETTLED_S = 2.0  # what changes a file again within a tick of its clock would leave no mark: FAT's is 2 s
ABANDONED_S = 86_400
HEADER, TEMPORARY = "header.json", "unfinished-"

Arrays = dict[str, Array]


class Key(NamedTuple):
    """Which index it is, and what its arrays must be."""

    name: str
    facts: dict[str, Any]


_chosen: Path | None = None


def cache_folder() -> Path:
    """Where all indexes are kept."""
    return _chosen or user_cache_path("samviz") / "indexes"


def use_folder(folder: Path | None) -> None:
    """Keep the indexes of this process elsewhere; None: in the user's cache folder again."""
    global _chosen  # noqa: PLW0603  # one for all traces of a process
    _chosen = folder


def may_be_kept(trace: Opened) -> bool:
    """Whether the file will stay as it is and was not changed of late, so that any later change shows.

    A trace that says it is being recorded is done only if its recorder is known to have died.
    """
    if trace.status == "recording" and not was_left_behind(trace.path):
        return False
    _, _, *times = trace.stamp
    return time.time_ns() - max(times) >= SETTLED_S * 1e9


def key_of(trace: Opened, kind: str, batch: int) -> Key:
    """The key of a trace's index: its uuid, length and sizes, and the file as it was when it was opened."""
    facts = {
        "format": FORMAT,
        "uuid": str(UUID(trace.uuid)),
        "file": list(trace.stamp),
        "steps": len(trace),
        "kind": kind,
        "batch": batch,
        "slots": trace.dimensions.slots,
        "entries": list(trace[f"{kind}/slot"].shape[2:]),
        "erases": trace.last_write_erases,
    }
    return Key(f"{facts['uuid']}-{len(trace)}-{batch}-{kind}-v{FORMAT}", facts)


def load(key: Key) -> Arrays | None:
    """The index's arrays, mapped; None where there is none, or one that does not agree."""
    place = cache_folder() / key.name
    try:
        header = json.loads((place / HEADER).read_text("utf-8"))
        if header["facts"] != key.facts:
            return None
        arrays = {name: _load_array(place / f"{name}.npy", said) for name, said in header["arrays"].items()}
        if not _fits(arrays, key.facts):
            return None
        os.utime(place)
    except Exception:  # whatever is wrong with it
        return None
    return arrays


def save(key: Key, arrays: Arrays) -> bool:
    """Keep an index, and drop what was not used for longest; whether that worked."""
    size = sum(array.nbytes for array in arrays.values())
    if size > CACHE_BYTES:
        return False
    folder = cache_folder()
    unfinished: Path | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _prune(folder, CACHE_BYTES - size)
        if shutil.disk_usage(folder).free < size + FREE_BYTES:
            return False
        unfinished = Path(mkdtemp(prefix=TEMPORARY, dir=folder))
        _write(unfinished, key, arrays)
        shutil.rmtree(folder / key.name, ignore_errors=True)  # one that was not used, or another's
        unfinished.rename(folder / key.name)
    except OSError:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
        return False
    return True


def _write(place: Path, key: Key, arrays: Arrays) -> None:
    for name, array in arrays.items():
        with _synced(place / f"{name}.npy") as file:
            np.save(file, array, allow_pickle=False)
    said = {name: _describe(array) for name, array in arrays.items()}
    with _synced(place / HEADER) as file:
        file.write(json.dumps({"facts": key.facts, "arrays": said}).encode())


@contextmanager
def _synced(path: Path) -> Iterator[BinaryIO]:
    """A new file that is on the disk when the block has ended."""
    with path.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _describe(array: Array) -> dict[str, Any]:
    return {"dtype": array.dtype.str, "shape": list(array.shape), "crc32": _crc32(array)}


def _crc32(array: Array) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data)


def _load_array(path: Path, said: dict[str, Any]) -> Array:
    array: Array
    if said["shape"] == [0]:  # nothing can be mapped
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    else:
        array = np.lib.format.open_memmap(path, mode="r")
    if _describe(array) != said:
        raise ValueError(f"{path} is damaged")
    return np.asarray(array)


def _fits(arrays: Arrays, facts: dict[str, Any]) -> bool:
    """Whether kernels may index with what the arrays hold."""
    if set(arrays) != {"first", "position", "weight", "used"}:
        return False
    first, position, weight, used = (arrays[name] for name in ("first", "position", "weight", "used"))
    heads, entries = facts["entries"]
    taken = facts["steps"] * heads if facts["kind"] == "write" and facts["erases"] else 0
    wide = facts["steps"] * heads * entries >= 2**31
    return bool(
        first.dtype == np.int64
        and position.dtype == (np.int64 if wide else np.int32)
        and weight.dtype == np.float32
        and used.dtype == bool
        and first.shape == (facts["slots"] + 1,)
        and position.shape == weight.shape == (first[-1],)
        and used.shape == (taken,)
        and first[0] == 0
        and (np.diff(first) >= 0).all()
        and (position.size == 0 or 0 <= position.min() <= position.max() < facts["steps"] * heads * entries)
    )


def _prune(folder: Path, most: int) -> None:
    """Remove what was not used for longest until all indexes together take at most so many bytes."""
    kept = []
    for place in folder.iterdir():
        with suppress(OSError):
            changed = place.stat().st_mtime
            if place.name.startswith(TEMPORARY):
                if time.time() - changed > ABANDONED_S:
                    shutil.rmtree(place, ignore_errors=True)
                continue
            kept.append((changed, sum(file.stat().st_size for file in place.iterdir()), place))
    total = sum(size for _, size, _ in kept)
    for _, size, place in sorted(kept):
        if total <= most:
            return
        shutil.rmtree(place, ignore_errors=True)
        total -= size
