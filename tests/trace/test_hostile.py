"""Files made to mislead, to hang or to swamp their reader: each is refused before it is followed."""

import ctypes
import os
import shutil
import socket
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from samviz.errors import ConfigError, TraceError
from samviz.trace import open_trace
from samviz.trace.schema import CHECK, DATASETS
from tests.builders import make_dimensions, random_events, write_trace
from tests.fuzz.reading import answers, any_outcome, compared

SHAPE = (90, 1, 2, 2)


def refused(path: Path, said: str) -> None:
    """Opening the file fails with one printable line."""
    with pytest.raises(TraceError) as caught:
        open_trace(path)
    message = str(caught.value)
    assert said in message
    assert message.isprintable()


def unread(path: Path, name: str, said: str) -> None:
    """The file opens, but that column does not give what it should not."""
    with open_trace(path) as trace, pytest.raises(TraceError) as caught:
        trace[name][:]
    assert said in str(caught.value)


def put(path: Path, name: str, **settings) -> None:
    """Another dataset in the place of that one."""
    with h5py.File(path, "r+") as file:
        del file[name]
        file.create_dataset(name, **settings)


def put_chunk(path: Path, data: bytes, mask: int = 0, name: str = "read/slot", **filters) -> None:
    """A dataset of one chunk, stored as those bytes."""
    put(path, name, shape=SHAPE, chunks=SHAPE, dtype="i4", **filters)
    with h5py.File(path, "r+") as file:
        file[name].id.write_direct_chunk((0, 0, 0, 0), data, mask)


GZIP = {"compression": "gzip"}
SIZE = "what is stored there does not have the size of a chunk"


@pytest.mark.parametrize(
    ("data", "mask", "filters", "said"),
    [
        pytest.param(b"\0\0", 0, {"fletcher32": True}, SIZE, id="two bytes, of which HDF5 dies"),
        pytest.param(bytes(1000), 1, {"fletcher32": True}, SIZE, id="no checksum"),
        pytest.param(bytes(8), 0, {}, SIZE, id="short, so that HDF5 shows what the heap holds"),
        pytest.param(bytes(100_000), 0, {}, SIZE, id="long"),
        pytest.param(zlib.compress(b"\1" * 10), 0, GZIP, SIZE, id="unpacks to too little"),
        pytest.param(zlib.compress(bytes(10**9)), 0, GZIP, SIZE, id="stored far too large"),
        pytest.param(zlib.compress(bytes(10**6)), 0, GZIP, SIZE, id="unpacks to too much"),
        pytest.param(b"no deflate", 0, GZIP, "cannot be unpacked", id="not packed"),
        pytest.param(b"\x1f", 0, {"compression": "lzf"}, "cannot be unpacked", id="no lzf"),
        pytest.param(b"\xe0\xff\0", 0, {"compression": "lzf"}, SIZE, id="lzf of too little"),
    ],
)
def test_a_stored_chunk_that_is_no_chunk(trace_path, data, mask, filters, said):
    put_chunk(trace_path, data, mask, **filters)
    unread(trace_path, "read/slot", said)


def test_a_gzip_bomb_is_not_unpacked(trace_path):
    """200 MB in a chunk of 16 MB; what is stored is small enough to be taken for such a chunk."""
    shape = (1_000_000, 1, 2, 2)
    with h5py.File(trace_path, "r+") as file:
        file["padding"] = np.zeros(100_000)  # or the file would be too small for what it declares
    bomb = zlib.compressobj(9)
    data = b"".join(bomb.compress(bytes(10**7)) for _ in range(20)) + bomb.flush()
    put(trace_path, "read/slot", shape=shape, chunks=shape, dtype="i4", **GZIP)
    with h5py.File(trace_path, "r+") as file:
        file["read/slot"].id.write_direct_chunk((0, 0, 0, 0), data)
    unread(trace_path, "read/slot", SIZE)


@pytest.mark.parametrize("filters", [{}, {"fletcher32": True}, GZIP, {"compression": "lzf", "shuffle": True}])
@pytest.mark.parametrize("dtype", ["u1", "i4"])
def test_lawful_chunks_of_every_kind_are_read(trace_path, filters, dtype):
    values = np.random.default_rng(0).integers(0, 3, SHAPE)
    values[3:40] = 1  # something to pack
    name = "read/slot" if dtype == "i4" else "model/weights"
    values = values.astype(dtype).reshape(-1 if name == "model/weights" else SHAPE)
    with h5py.File(trace_path, "r+") as file:
        file.pop(name, None)
        file.create_dataset(name, data=values, chunks=tuple(max(1, n // 3) for n in values.shape), **filters)
    with open_trace(trace_path) as trace:
        np.testing.assert_array_equal(trace[name][:], values)
        np.testing.assert_array_equal(trace[name][40:60], values[40:60])


def test_what_was_never_written_is_not_shown_as_zero(trace_path):
    put(trace_path, "read/slot", shape=SHAPE, chunks=(16, 1, 2, 2), dtype="i4", fillvalue=3)
    with h5py.File(trace_path, "r+") as file:
        file["read/slot"][:32] = 1
    with open_trace(trace_path) as trace:
        assert (trace["read/slot"][:32] == 1).all()
    unread(
        trace_path, "read/slot", "/read/slot: steps 32 to 47 cannot be read (nothing was ever stored there)"
    )
    put(trace_path, "read/slot", shape=SHAPE, dtype="i4")
    unread(
        trace_path, "read/slot", "/read/slot: steps 0 to 63 cannot be read (nothing was ever stored there)"
    )
    put(trace_path, "n_steps", shape=(1,), dtype="i8", fillvalue=90)
    refused(trace_path, "/n_steps: expected one number, found nothing was ever stored there")


def test_a_filter_that_is_there_twice(trace_path):
    """Deflate in deflate packs a million to one."""
    with h5py.File(trace_path, "r+") as file:
        del file["read/slot"]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(SHAPE)
        plist.set_deflate(9)
        plist.set_deflate(9)
        space = h5py.h5s.create_simple(SHAPE)
        h5py.h5d.create(file["read"].id, b"slot", h5py.h5t.STD_I32LE, space, plist)
    refused(trace_path, "each once, found filters [1, 1]")


def test_chunks_too_many_to_keep_books_of(trace_path):
    chunks = (1, 1, 1, 1)
    put(trace_path, "read/slot", shape=(10**7, 1, 2, 2), maxshape=(None, 1, 2, 2), chunks=chunks, dtype="i4")
    refused(trace_path, "/read/slot: expected at most 16,777,216 chunks, found 40,000,000")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("model/weights", (10**11,)), ("check/step", (10**11,)), ("check/row", (10**7, 256, 3))],
)
def test_fixed_datasets_that_claim_far_more_than_the_file_holds(trace_path, name, shape):
    with h5py.File(trace_path, "r+") as file:
        dtype = {"model/weights": "u1", "check/step": "i8", "check/row": "f4"}[name]
        space = h5py.h5s.create_simple(shape)
        group = file.require_group(name.split("/")[0])
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(tuple(min(size, 10**4) for size in shape))
        h5py.h5d.create(
            group.id, name.split("/")[1].encode(), h5py.h5t.py_create(np.dtype(dtype)), space, plist
        )
        if name.startswith("check/"):
            for other in set(CHECK) - {name}:
                row = DATASETS[other]
                file.create_dataset(other, (0, *row.step_shape({"W": 3})), row.dtypes[0])
    refused(trace_path, "expected data of at most 200 times its")


def test_a_start_larger_than_the_memory(trace_path):
    add_start(trace_path, np.arange(13) % 12, np.zeros(13))
    refused(trace_path, "/start/slot: expected at most 12 rows, one a slot, found 13")


def add_start(path: Path, slots, batch, last_access=None) -> None:
    with h5py.File(path, "r+") as file:
        file["start/slot"] = np.asarray(slots, "i4")
        file["start/batch"] = np.asarray(batch, "i4")
        file["start/row"] = np.ones((len(slots), 3), "f4")
        file["start/last_access"] = np.asarray(
            [-1] * len(slots) if last_access is None else last_access, "i8"
        )


@pytest.mark.parametrize(
    ("slots", "batch", "last_access", "said"),
    [
        ([3, 12], [0, 0], None, "/start/slot: expected slots from 0 to 11, found 12 in row 1"),
        ([-1], [0], None, "/start/slot: expected slots from 0 to 11, found -1 in row 0"),
        ([3], [1], None, "/start/batch: expected batch elements from 0 to 0, found 1 in row 0"),
        ([3], [-1], None, "/start/batch: expected batch elements from 0 to 0, found -1 in row 0"),
        ([5, 3, 5], [0, 0, 0], None, "each slot once, found slot 5 of batch element 0 twice"),
        ([5, 3], [0, 0], [-2, 4], "/start/last_access row 1: expected a step before the recording: negative"),
    ],
)
def test_a_start_that_cannot_be(trace_path, slots, batch, last_access, said):
    add_start(trace_path, slots, batch, last_access)
    with open_trace(trace_path) as trace, pytest.raises(TraceError) as caught:
        trace.usage(3)
    assert said in str(caught.value)


def test_a_group_in_a_circle(trace_path):
    """The root hard-linked as one of its own groups, with what that group should hold beside it."""
    with h5py.File(trace_path, "r+") as file:
        for name in list(file["usage"]):
            file.move(f"usage/{name}", f"kept_{name}")
        kept = {name: file[f"kept_{name}"] for name in ("read", "write")}
        del file["usage"]
        file["usage"] = file["/"]
        file.move("read", "aside")
        file["read"] = kept["read"]
    refused(trace_path, "/read/slot: expected a Group, found Dataset")


@pytest.mark.parametrize("target", ["/", "/write"])
def test_a_group_under_a_second_name(trace_path, target):
    with h5py.File(trace_path, "r+") as file:
        for name in ("slot", "weight", "query", "word", "score"):
            if name not in file[target]:
                file[target][name] = file[f"read/{name}"][:]
        if target == "/write":
            for name in ("slot", "weight"):
                del file[f"write/{name}"]
                file[f"write/{name}"] = file[f"read/{name}"][:]
            file.attrs["write_entries"] = file.attrs["read_entries"]
            for name in ("write/row", "usage/write"):
                values = file[name][:, :, :, :2]
                del file[name]
                file[name] = values
        del file["read"]
        file["read"] = file[target]
    found = "/ under a second name" if target == "/" else "/read under a second name"
    refused(trace_path, f"expected an object of its own, found {found}")


def test_two_datasets_that_are_one(trace_path):
    with h5py.File(trace_path, "r+") as file:
        del file["usage/read"]
        file["usage/read"] = file["read/slot"]
    refused(trace_path, "/usage/read: expected an object of its own, found /read/slot under a second name")


class LinkClass(ctypes.Structure):
    """H5L_class_t: the kind of a user-defined link, of which only the way to follow it must be there."""

    _fields_ = [
        ("version", ctypes.c_int),
        ("id", ctypes.c_int),
        ("comment", ctypes.c_char_p),
        *((name, ctypes.c_void_p) for name in ("create", "move", "copy", "follow", "delete", "query")),
    ]


def test_a_user_defined_link(trace_path):
    library = ctypes.CDLL(h5py.h5l.__file__)
    follow = ctypes.CFUNCTYPE(ctypes.c_int64)(lambda: pytest.fail("the link was followed"))
    kind = LinkClass(version=1, id=200, follow=ctypes.cast(follow, ctypes.c_void_p))
    assert library.H5Lregister(ctypes.byref(kind)) >= 0
    with h5py.File(trace_path, "r+") as file:
        group = file["read"]
        group.move("slot", "aside")
        where, default = ctypes.c_int64(group.id.id), ctypes.c_int64(0)
        assert library.H5Lcreate_ud(where, b"slot", 200, b"x", ctypes.c_size_t(1), default, default) >= 0
    refused(trace_path, "/read/slot: expected a hard link, found a user-defined link (200)")


def test_a_committed_datatype(trace_path):
    with h5py.File(trace_path, "r+") as file:
        del file["episode"]
        file["episode"] = np.dtype("i4")
    refused(trace_path, "/episode: expected a Dataset, found Datatype")


def test_a_user_block(trace_path):
    data = trace_path.read_bytes()
    trace_path.write_bytes(bytes(512) + data)
    refused(trace_path, "signature: expected an HDF5 file, found the bytes b'\\x00")


def test_very_many_attributes(trace_path):
    with h5py.File(trace_path, "r+") as file:
        for number in range(3000):
            file.attrs[f"odd {number}"] = "x" * 50
    with open_trace(trace_path) as trace:
        assert len(trace) == 90


@pytest.mark.parametrize(
    "value", [np.zeros(7000), np.bytes_(b"x" * 64_000), h5py.Empty("i8"), np.zeros((1, 2))]
)
@pytest.mark.parametrize("name", ["slots", "version", "access_threshold", "uuid", "meta"])
def test_an_attribute_as_large_or_as_odd_as_can_be(trace_path, name, value):
    with h5py.File(trace_path, "r+") as file:
        file.attrs[name] = value
    refused(trace_path, f"attribute {name}: expected ")


def test_numbers_in_the_meta_that_json_cannot_mean(trace_path):
    for text, said in [(b"1e999", "the number 1e999"), (b"9" * 5000, "Exceeds the limit")]:
        with h5py.File(trace_path, "r+") as file:
            file.attrs["meta"] = np.bytes_(b'{"seed": ' + text + b"}")
        refused(trace_path, f"attribute meta: expected valid JSON, found {said}")


def test_half_a_letter_in_the_meta_can_be_shown(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file.attrs["meta"] = np.bytes_(b'{"user": "\\ud800 \\ud83d\\ude00"}')
    with open_trace(trace_path) as trace:
        assert trace.meta["user"] == "? \U0001f600"


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_weight_that_is_no_number_is_not_counted_with(trace_path, kind, value):
    with h5py.File(trace_path, "r+") as file:
        file[f"{kind}/weight"][70, 0, 1, 0] = value
    with open_trace(trace_path) as trace:
        assert (trace.usage(59) < 60).all()  # of an earlier episode
        with pytest.raises(
            TraceError, match=f"/{kind}/weight step 70: expected finite weights, found {value}"
        ):
            trace.usage(80)


@pytest.mark.parametrize("value", [-2, 12, 2**31 - 1])
@pytest.mark.parametrize("kind", ["read", "write"])
def test_a_slot_outside_the_memory_is_not_indexed_with(trace_path, kind, value):
    with h5py.File(trace_path, "r+") as file:
        file[f"{kind}/slot"][70, 0, 1, 0] = value
    said = f"/{kind}/slot step 70: expected slots from -1 to 11, found {value}"
    with open_trace(trace_path) as trace, pytest.raises(TraceError, match=said):
        trace.usage(80)


def test_a_question_for_too_much_at_once(trace_path, monkeypatch):
    monkeypatch.setattr("samviz.trace.hdf5.column.MOST_BYTES", 1000)
    with open_trace(trace_path) as trace:
        assert trace["read/slot"][:60].nbytes == 960
        assert trace["read/slot"][::2].nbytes == 720
        with pytest.raises(ConfigError, match=r"at most 1,000 bytes, found one for 1,440; read it in pieces"):
            trace["read/slot"][:]
        with pytest.raises(ConfigError, match="read it in pieces"):
            trace["read/slot"][list(range(0, 90, 1))]


def test_nothing_asked_for_in_passing_reads_more_than_the_cap(tmp_path, monkeypatch):
    from samviz.trace.hdf5.column import Column

    sizes = make_dimensions()
    path = write_trace(
        tmp_path / "run.h5", random_events(np.random.default_rng(0), 600, sizes), sizes, [200], chunk_steps=8
    )
    add_start(path, np.arange(12), np.zeros(12))
    for module in ("hdf5.column", "memory.entries", "episodes", "memory.replay", "memory.start"):
        monkeypatch.setattr(f"samviz.trace.{module}.READ_BYTES", 4096)
    largest, read = [], Column._attempt
    monkeypatch.setattr(Column, "_attempt", lambda self, box: _noted(largest, read(self, box)))
    with open_trace(path) as trace:
        trace.memory(100)
        trace.usage(100)
        trace.usage(599)
    assert 0 < max(largest) <= 4096


def _noted(largest: list[int], found: np.ndarray) -> np.ndarray:
    largest.append(found.nbytes)
    return found


@pytest.mark.parametrize("make", ["fifo", "folder", "socket", "empty", "text", "dangling", "loop", "device"])
def test_what_is_no_trace_file_is_refused_whatever_its_name(tmp_path, make):
    path = tmp_path / "odd\n\x1b[31mname\udcff.h5"
    if make == "fifo":
        os.mkfifo(path)
    elif make == "folder":
        path.mkdir()
    elif make == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            home = os.getcwd()
            os.chdir(tmp_path)  # the path of a socket must be short
            server.bind(os.fsencode(path.name))
            os.chdir(home)
    elif make in ("dangling", "loop", "device"):
        path.symlink_to({"dangling": "nowhere", "loop": path.name, "device": "/dev/zero"}[make])
    else:
        path.write_bytes(b"" if make == "empty" else b"words")
    refused(path, ": expected ")


def test_a_trace_may_have_any_name(trace_path, tmp_path):
    path = tmp_path / "odd\n\x1b[31mname\udcff.h5"
    shutil.move(trace_path, path)
    with open_trace(path) as trace:
        assert trace["read/slot"][:].shape == SHAPE
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    refused(path, "it was cut short")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_one_may_not_read(trace_path):
    trace_path.chmod(0)
    refused(trace_path, "expected a readable file, found Permission denied; check its permissions")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small undamaged trace: its bytes, and what it tells."""
    sizes = make_dimensions(batch=1, heads=1)
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    write_trace(path, random_events(np.random.default_rng(0), 40, sizes), sizes, [20], chunk_steps=16)
    return path.read_bytes(), answers(path)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_flipped_bits_make_a_wrong_value(whole, tmp_path, data):
    """Of what carries a checksum; the commit records may only show fewer steps."""
    sound, right = whole
    damaged = bytearray(sound)
    for at in data.draw(st.lists(st.integers(0, len(sound) - 1), min_size=1, max_size=3)):
        damaged[at] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "damaged.h5"
    path.unlink(missing_ok=True)  # a new file: HDF5 may still remember the last one
    path.write_bytes(damaged)
    outcome = compared(
        path, right, [int(name.split()[1]) for name in right.told if name.startswith("memory")]
    )
    assert outcome.kind in ("equal", "error", "shorter", "commit record"), outcome


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_file_cut_short_is_taken_for_whole(whole, tmp_path, data):
    sound, _ = whole
    path = tmp_path / "cut.h5"
    path.unlink(missing_ok=True)
    path.write_bytes(sound[: data.draw(st.integers(1, len(sound) - 1))])
    assert any_outcome(path).kind == "error"
