"""Where the stored chunks of a dataset lie and how large they are, looked at before HDF5 decodes one.

HDF5 trusts a file here. It shows what the heap happens to hold where a stored chunk is too short (and dies
where it has fewer than 4 bytes), zeros where one was never written or lies beyond the end of the file, and it
unpacks whatever a chunk unpacks to, however much.
"""

import math
import os
import zlib

import h5py
import numpy as np
import numpy.typing as npt

_CHECKSUM_BYTES = 4
_PACKERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_LZF)
_LOOK_UPS = 16  # HDF5 walks the index to find one chunk: soon it is cheaper to list them all

_UNKNOWN, _ABSENT, _OUTSIDE, _MISSHAPEN, _SHARED, _TORN, _PLAIN, _PACKED, _RIGHT = range(9)
_FAULTS = {
    _UNKNOWN: "nothing was ever stored there",
    _ABSENT: "nothing was ever stored there",
    _OUTSIDE: "it lies beyond the end of the file, which was cut short",
    _MISSHAPEN: "what is stored there does not have the size of a chunk",
    _SHARED: "what is stored there is stored for another chunk, too",
    _TORN: "what is stored there cannot be unpacked",
}

Places = npt.NDArray[np.int64]  # of chunks in the grid of chunks: [n, axes], or one: [axes]


class ChunkError(ValueError):
    """A chunk that must not be given to HDF5 to decode; the message says why."""


class Chunks:
    """The chunks of one dataset, each looked at once; a dataset that is not chunked counts as one."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        plist = dataset.id.get_create_plist()
        self._chunked = plist.get_layout() == h5py.h5d.CHUNKED
        self._compact = plist.get_layout() == h5py.h5d.COMPACT
        self._chunk = tuple(dataset.chunks or (max(1, size) for size in dataset.shape))
        self._bytes = math.prod(self._chunk) * dataset.dtype.itemsize
        self._filters = [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]
        grid = [-(-size // part) for size, part in zip(dataset.shape, self._chunk, strict=True)]
        self._state = np.zeros(grid, np.uint8)
        self._looked_up = 0

    def check(self, dataset: h5py.Dataset, box: tuple[slice, ...]) -> None:
        """Check the chunks that a box of the dataset touches, but for those that were checked before.

        Raises:
            ChunkError: one of them cannot be decoded to what it should hold.
        """
        if any(cut.start >= cut.stop for cut in box):
            return
        region = tuple(
            slice(cut.start // part, -(-cut.stop // part)) for cut, part in zip(box, self._chunk, strict=True)
        )
        state = self._state[region]  # a view
        if (state == _RIGHT).all():
            return
        first = np.array([cut.start for cut in region])
        self._look(dataset, np.argwhere(state == _UNKNOWN) + first)
        for index in np.argwhere(state == _PACKED):
            state[tuple(index)] = self._unpacked_state(dataset, index + first)
        faulty = np.argwhere(state < _PLAIN)
        if faulty.size:
            why = _FAULTS[int(state[tuple(faulty[0])])]
            state[state < _PLAIN] = _UNKNOWN  # at a second attempt a live file may have them
            raise ChunkError(why)
        state[...] = _RIGHT

    def _look(self, dataset: h5py.Dataset, places: Places) -> None:
        """Find out about those chunks at least."""
        if not len(places):
            return
        file_bytes = os.fstat(dataset.file.id.get_vfd_handle()).st_size
        if not self._chunked:
            self._state[...] = self._block_state(dataset, file_bytes)
            return
        if self._looked_up + len(places) <= _LOOK_UPS:
            self._looked_up += len(places)
            found = [dataset.id.get_chunk_info_by_coord(self._corner(place)) for place in places]
        else:
            found = []
            dataset.id.chunk_iter(found.append)
            corners = np.array([info.chunk_offset for info in found], np.uint64)
            grid = corners.reshape(-1, len(self._chunk)) // np.array(self._chunk, np.uint64)
            # of a damaged file these are any numbers
            places = np.minimum(grid, np.uint64(2**62)).astype(np.int64)
        states = self._stored_states(found, file_bytes)
        inside = (places < self._state.shape).all(axis=1)  # a live file may have more by now
        places, states = places[inside], states[inside]
        new = self._state[tuple(places.T)] == _UNKNOWN
        self._state[tuple(places[new].T)] = states[new]

    def _corner(self, place: Places) -> tuple[int, ...]:
        """The first element of a chunk."""
        return tuple(int(index) * part for index, part in zip(place, self._chunk, strict=True))

    def _stored_states(self, found: list[h5py.h5d.StoreInfo], file_bytes: int) -> npt.NDArray[np.uint8]:
        """What the index tells of each chunk: [n]."""
        mask = np.array([info.filter_mask for info in found], np.uint64)
        start = np.array([info.byte_offset or 0 for info in found], np.uint64)
        size = np.array([info.size for info in found], np.uint64)
        states = np.zeros(len(found), np.uint8)
        for one in np.unique(mask):
            states[mask == one] = self._fitting_states(size[mask == one], int(one))
        states[_overlapping(start, size)] = _SHARED
        states[(start > file_bytes) | (start + size > file_bytes)] = _OUTSIDE
        states[(start == 0) | (size == 0)] = _ABSENT
        return states

    def _fitting_states(self, size: npt.NDArray[np.uint64], mask: int) -> npt.NDArray[np.uint8]:
        """Whether chunks stored in those many bytes, but for the masked filters, can be what they should."""
        applied = self._applied(mask)
        checksum = h5py.h5z.FILTER_FLETCHER32
        if checksum in self._filters and checksum not in applied:
            return np.full(len(size), _MISSHAPEN, np.uint8)
        if any(packer in applied for packer in _PACKERS):
            # deflate adds 5 bytes to 16 KiB that it cannot pack
            fits, state = size <= self._bytes + self._bytes // 1024 + 1024, _PACKED
        else:
            fits, state = size == self._bytes + _CHECKSUM_BYTES * applied.count(checksum), _PLAIN
        return np.where(fits, state, _MISSHAPEN).astype(np.uint8)

    def _block_state(self, dataset: h5py.Dataset, file_bytes: int) -> int:
        """Likewise for a dataset in one piece."""
        if self._compact:
            return _PLAIN
        start = dataset.id.get_offset()
        if start is None:
            return _ABSENT
        return _PLAIN if start + self._bytes <= file_bytes else _OUTSIDE

    def _applied(self, mask: int) -> list[int]:
        return [number for index, number in enumerate(self._filters) if not mask >> index & 1]

    def _unpacked_state(self, dataset: h5py.Dataset, place: Places) -> int:
        """Unpack a chunk as far as it may go, and forget it."""
        mask, data = dataset.id.read_direct_chunk(self._corner(place))
        size = len(data)
        for number in reversed(self._applied(mask)):
            if number == h5py.h5z.FILTER_FLETCHER32:
                size -= _CHECKSUM_BYTES
                data = data[: max(size, 0)]
            elif number in _PACKERS:
                unpack = _inflated if number == h5py.h5z.FILTER_DEFLATE else _expanded
                unpacked = unpack(data, self._bytes + _CHECKSUM_BYTES)
                if unpacked is None:
                    return _TORN
                data, size = unpacked, len(unpacked)
        return _RIGHT if size == self._bytes else _MISSHAPEN


def _overlapping(start: npt.NDArray[np.uint64], size: npt.NDArray[np.uint64]) -> npt.NDArray[np.intp]:
    """Which pieces of a file begin inside another or hold the beginning of one."""
    order = np.argsort(start, kind="stable")
    ends = np.maximum.accumulate((start + size)[order])
    inside = np.flatnonzero(start[order][1:] < ends[:-1])
    return np.asarray(order[np.unique(np.concatenate([inside, inside + 1]))], np.intp)


def _inflated(data: bytes, most: int) -> bytes | None:
    """What deflate makes of it, cut off beyond `most` bytes; None where it is damaged."""
    machine = zlib.decompressobj()
    try:
        unpacked = machine.decompress(data, most + 1)
    except zlib.error:
        return None
    return unpacked if machine.eof or len(unpacked) > most else None


def _expanded(data: bytes, most: int) -> bytes | None:
    """As many zeros as LZF makes bytes of it, cut off beyond `most`; None where it is damaged."""
    at = size = 0
    while at < len(data) and size <= most:
        control = data[at]
        if control < 32:  # a literal run
            at += control + 2
            size += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at + 1] if at + 1 < len(data) else 0
            at += 1
        at += 2
        size += length + 2
    return bytes(size) if at == len(data) or size > most else None
