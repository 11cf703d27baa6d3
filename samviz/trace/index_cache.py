"""Indexes kept between processes: plain arrays in the user's cache folder, mapped, never pickled.

An index is a folder with an .npy file an array and a header that says what they must be. It is written under
another name and renamed. Whatever does not agree with its header, or with the trace, is not used and is made
anew; a folder that cannot be written to only costs the time to build an index again.
"""

import json
import os
import shutil
import time
import zlib
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import numpy as np
from platformdirs import user_cache_path

from samviz.trace.column import Array
from samviz.writer_lock import is_being_written

if TYPE_CHECKING:
    from samviz.trace.reader import Trace

FORMAT = 1
CACHE_BYTES = 4 * 2**30  # all indexes together; those not used for longest go first
FREE_BYTES = 2**30  # what must stay free on the disk
SAMPLES = 8  # places at which a trace is compared with what an index was made of
SAMPLE_STEPS = 64
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


def is_growing(trace: "Trace") -> bool:
    """Whether somebody still writes the trace, so that its index would be old at once."""
    return trace.status == "recording" and is_being_written(trace.path)


def key_of(trace: "Trace", kind: str, batch: int) -> Key:
    """The key of a trace's index: its uuid, length, sizes and a sample of what it says."""
    columns = [trace[f"{kind}/{name}"] for name in ("slot", "weight")]
    checksum = 0
    for start in np.linspace(0, max(len(trace) - SAMPLE_STEPS, 0), SAMPLES).astype(int).tolist():
        for column in columns:
            checksum = _crc32(column[start : start + SAMPLE_STEPS, batch], checksum)
    facts = {
        "format": FORMAT,
        "uuid": str(UUID(trace.uuid)),
        "steps": len(trace),
        "kind": kind,
        "batch": batch,
        "slots": trace.dimensions.slots,
        "entries": list(columns[0].shape[2:]),
        "erases": trace.last_write_erases,
        "sample": checksum,
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
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
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
        for name, array in arrays.items():
            np.save(unfinished / f"{name}.npy", array, allow_pickle=False)
        said = {name: _describe(array) for name, array in arrays.items()}
        header = json.dumps({"facts": key.facts, "arrays": said})
        (unfinished / HEADER).write_text(header, "utf-8")
        shutil.rmtree(folder / key.name, ignore_errors=True)  # one that was not used, or another's
        unfinished.rename(folder / key.name)
    except OSError:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)
        return False
    return True


def _describe(array: Array) -> dict[str, Any]:
    return {"dtype": array.dtype.str, "shape": list(array.shape), "crc32": _crc32(array)}


def _crc32(array: Array, start: int = 0) -> int:
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data, start)


def _load_array(path: Path, said: dict[str, Any]) -> Array:
    array = np.load(path, mmap_mode="r" if said["shape"] != [0] else None, allow_pickle=False)
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
