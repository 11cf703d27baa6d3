"""What a file may not do to its reader: odd links, foreign storage, foreign filters, sizes that explode."""

import math
import os
import stat
from collections.abc import Iterable
from pathlib import Path

import h5py

from samviz.errors import TraceError
from samviz.trace.hdf5.headers import lies_elsewhere
from samviz.trace.schema import CHUNK_BYTES, SIGNATURE
from samviz.wording import printable

NOT_OURS = "open a file that samviz recorded"
DAMAGED = "the file is damaged or was not written as the format says; record it again"

_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_LZF,
}
_LINKS = {h5py.h5l.TYPE_SOFT: "a soft link", h5py.h5l.TYPE_EXTERNAL: "an external link"}
_MOST_CHUNKS = 2**24  # a byte of bookkeeping for each
_ELSEWHERE = ("data inside this file", "external or virtual storage", "do not open it")
_LAYOUTS = {h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED}


def refusal(path: Path, key: str, expected: str, found: object, advice: str) -> TraceError:
    """The one-line error of this room: where, what was expected, what was found, what to do."""
    shown = str(found)
    shown = shown if len(shown) <= 100 else shown[:97] + "..."
    return TraceError(printable(f"{path}: {key}: expected {expected}, found {shown}; {advice}"))


def check_file(path: Path) -> None:
    """Refuse what is no HDF5 file before HDF5 sees it (a FIFO would hang it for ever)."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        found = getattr(error, "strerror", None) or error
        raise refusal(path, "file", "a trace", found, "check the path") from None
    if not stat.S_ISREG(mode):
        found = "a folder" if stat.S_ISDIR(mode) else "a FIFO, device or socket"
        raise refusal(path, "file", "a regular file", found, "name the trace file itself")
    try:
        with path.open("rb") as file:
            start = file.read(len(SIGNATURE) + 8)
    except OSError as error:
        raise refusal(path, "file", "a readable file", error.strerror, "check its permissions") from None
    signature, version, widths = start[:8], start[8:9], start[9:11]
    if signature != SIGNATURE:
        found = "an empty file" if not start else f"the bytes {signature!r}"
        raise refusal(path, "signature", "an HDF5 file", found, NOT_OURS)
    if version in (b"\0", b"\1"):
        widths = start[13:15]
    if widths != b"\x08\x08":
        raise refusal(path, "superblock", "addresses and lengths of 8 bytes", list(widths), DAMAGED)


def find_dataset(file: h5py.File, path: Path, name: str) -> h5py.Dataset | None:
    """The dataset of that name if each part of its path is a hard link; None where a part is missing."""
    *groups, last = name.split("/")
    where: h5py.Group = file
    for part in (*groups, last):
        if not where.id.links.exists(part.encode()):
            return None
        link = where.id.links.get_info(part.encode())
        if link.type != h5py.h5l.TYPE_HARD:
            found = _LINKS.get(link.type, f"a user-defined link ({link.type})")
            raise refusal(path, f"/{name}", "a hard link", found, "do not open this file")
        _check_header(file, path, name, link.u)
        wanted = h5py.Dataset if part is last else h5py.Group
        where = where[part]
        if not isinstance(where, wanted):
            found = type(where).__name__
            raise refusal(path, f"/{name}", f"a {wanted.__name__}", found, DAMAGED)
    return where


def _check_header(file: h5py.File, path: Path, name: str, address: int) -> None:
    """Refuse what HDF5 would follow out of the file as soon as it opens it."""
    handle = file.id.get_vfd_handle()
    try:
        elsewhere = lies_elsewhere(lambda start, size: _read_at(handle, start, size), address)
    except ValueError as error:
        raise refusal(path, f"/{name}", "an object header", error, DAMAGED) from None
    if elsewhere:
        raise refusal(path, f"/{name}", *_ELSEWHERE)


def check_own_objects(file: h5py.File, path: Path, names: Iterable[str]) -> None:
    """No group or dataset of those names may be another one under a second name."""
    seen = {int(h5py.h5o.get_info(file.id).addr): "/"}
    for part in dict.fromkeys(part for name in names for part in _lineage(name)):
        group, _, last = part.rpartition("/")
        parent = file[group] if group else file
        address = parent.id.links.get_info(last.encode()).u
        if address in seen:
            found = f"{seen[address]} under a second name"
            raise refusal(path, f"/{part}", "an object of its own", found, "do not open this file")
        seen[address] = f"/{part}"


def _lineage(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def _read_at(handle: int, start: int, size: int) -> bytes:
    return os.pread(handle, size, start) if start < 2**63 - size else b""


def check_storage(dataset: h5py.Dataset, path: Path, name: str) -> None:
    """Plain numbers, stored inside this file, in chunks of bounded size, through filters every reader has."""
    kind = dataset.id.get_type().get_class()
    if kind not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT):
        raise refusal(path, f"/{name}", "a number type", f"HDF5 type class {kind}", "do not open this file")
    plist = dataset.id.get_create_plist()
    if plist.get_external_count() or plist.get_layout() not in _LAYOUTS:
        raise refusal(path, f"/{name}", *_ELSEWHERE)
    _check_filters(plist, path, name)
    if plist.get_layout() == h5py.h5d.CHUNKED:
        _check_chunks(dataset, plist.get_chunk(), path, name)


def _check_filters(plist: h5py.h5p.PropDCID, path: Path, name: str) -> None:
    filters = [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]
    expected = "deflate, shuffle, lzf or fletcher32"
    if not set(filters) <= _FILTERS:
        found = f"filter {min(set(filters) - _FILTERS)}"
        raise refusal(path, f"/{name}", expected, found, "repack it without that filter")
    if len(set(filters)) < len(filters):  # deflate in deflate packs a million to one
        found = f"filters {filters}"
        raise refusal(path, f"/{name}", f"{expected}, each once", found, "do not open this file")


def _check_chunks(dataset: h5py.Dataset, chunk: tuple[int, ...], path: Path, name: str) -> None:
    size = math.prod(chunk) * dataset.id.get_type().get_size()
    if size > CHUNK_BYTES:
        expected = f"chunks of at most {CHUNK_BYTES:,} bytes"
        raise refusal(path, f"/{name}", expected, f"{size:,}", "repack it")
    count = math.prod(-(-length // part) for length, part in zip(dataset.shape, chunk, strict=True))
    if count > _MOST_CHUNKS:
        raise refusal(path, f"/{name}", f"at most {_MOST_CHUNKS:,} chunks", f"{count:,}", "repack it")
