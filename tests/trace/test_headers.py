"""Object headers read by hand: as HDF5 writes them, and as it should never be given them."""

import struct
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.trace import open_trace
from samviz.trace.hdf5.headers import lies_elsewhere, messages

DATASPACE, DATATYPE, LAYOUT, ATTRIBUTE, CONTINUATION = 0x01, 0x03, 0x08, 0x0C, 0x10


def header_of(path: Path, name: str):
    """What reads the file, and where the object's header lies."""
    with h5py.File(path) as file:
        address = file.id.links.get_info(name.encode()).u
    data = path.read_bytes()
    return lambda start, size: data[start : start + size], address


@pytest.mark.parametrize("libver", ["earliest", ("v110", "v110"), "latest"])
@pytest.mark.parametrize("attributes", [0, 7, 60])
@pytest.mark.parametrize("order", [False, True])
def test_every_message_is_found_whatever_version_wrote_it(tmp_path, libver, attributes, order):
    path = tmp_path / "file.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file.create_dataset(
            "x", shape=(5, 2), chunks=(2, 2), dtype="i4", compression="gzip", track_order=order
        )
        file.create_dataset("away", shape=(5,), dtype="i4", external=[("elsewhere", 0, 20)])
        for number in range(attributes):
            file["x"].attrs[f"a{number}"] = "text" * 20
            file["away"].attrs[f"a{number}"] = "text" * 20
        layout = h5py.VirtualLayout(shape=(5,), dtype="i4")
        layout[:] = h5py.VirtualSource("elsewhere.h5", "x", shape=(5,))
        file.create_virtual_dataset("virtual", layout)
    kinds = [kind for kind, _, _ in messages(*header_of(path, "x"))]
    for kind in (DATASPACE, DATATYPE, LAYOUT):
        assert kinds.count(kind) == 1
    if attributes == 7:
        assert kinds.count(ATTRIBUTE) == 7
        assert CONTINUATION in kinds
    assert not lies_elsewhere(*header_of(path, "x"))
    assert lies_elsewhere(*header_of(path, "away"))
    assert lies_elsewhere(*header_of(path, "virtual"))


def file_of(*blocks: tuple[int, bytes]):
    """A file of nothing but those blocks."""
    data = bytearray(4096)
    for at, block in blocks:
        data[at : at + len(block)] = block
    return lambda start, size: bytes(data[start : start + size])


def old_header(size: int, *parts: tuple[int, bytes]) -> bytes:
    """A header of version 1."""
    body = b"".join(struct.pack("<HHBxxx", kind, len(content), 0) + content for kind, content in parts)
    return struct.pack("<BxHIIxxxx", 1, len(parts), 1, size) + body


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"nothing of the kind", "no object header"),
        (old_header(24, (CONTINUATION, struct.pack("<QQ", 16, 24))), "runs in a circle"),
        (old_header(24, (CONTINUATION, struct.pack("<QQ", 2000, 2**62))), "does not end"),
        (old_header(24, (CONTINUATION, struct.pack("<QQ", 4000, 200))), "beyond the end of the file"),
        (old_header(2**31), "does not end"),
        (old_header(8, (DATATYPE, bytes(300))), "a message longer than its object header"),
        (b"OHDR\x02\x03" + b"\xff" * 60, "does not end"),
    ],
)
def test_a_header_that_leads_nowhere(header, said):
    with pytest.raises(ValueError, match=said):
        list(messages(file_of((0, header)), 0))
    with pytest.raises(ValueError, match="no object header"):
        list(messages(file_of((0, header)), 4090))


def test_the_heap_of_a_virtual_dataset_is_not_looked_at(trace_path):
    """HDF5 goes round in it for ever, if it is damaged in a certain way, as soon as the dataset is opened."""
    with h5py.File(trace_path, "r+") as file:
        layout = h5py.VirtualLayout(shape=file["read/slot"].shape, dtype="i4")
        layout[...] = h5py.VirtualSource("elsewhere.h5", "x", shape=layout.shape)
        del file["read/slot"]
        file.create_virtual_dataset("read/slot", layout)
    data = bytearray(trace_path.read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 16 : heap + 64] = np.random.default_rng(0).bytes(48)
    trace_path.write_bytes(data)
    with pytest.raises(
        TraceError, match="/read/slot: expected data inside this file, found external or virtual"
    ):
        open_trace(trace_path)


@pytest.mark.parametrize(("at", "version"), [(9, "v110"), (10, "v110"), (13, "earliest"), (14, "earliest")])
def test_addresses_of_another_width(tmp_path, at, version):
    path = tmp_path / "file.h5"
    h5py.File(path, "w", libver=(version, "v110")).close()
    data = bytearray(path.read_bytes())
    data[at] = 4
    path.write_bytes(data)
    with pytest.raises(TraceError, match="superblock: expected addresses and lengths of 8 bytes"):
        open_trace(path)
