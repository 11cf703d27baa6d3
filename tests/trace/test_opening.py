"""What is refused when a trace is opened, and how it is said."""

import os
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError
from samviz.trace import open_trace
from samviz.trace.schema import DATASETS
from tests.builders import make_dimensions, random_events, recorder_for, write_trace


def refused(path: Path) -> str:
    """The message of the refusal: one printable line that begins with the path and says what to do."""
    with pytest.raises(TraceError) as caught:
        open_trace(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()
    assert ", found " in message
    assert "; " in message
    return message


def replace(file: h5py.File, name: str, **settings) -> None:
    """Put another dataset in the place of that one."""
    settings = settings or {"shape": file[name].shape, "dtype": file[name].dtype}
    del file[name]
    file.create_dataset(name, **settings)


def test_a_path_that_is_not_there(tmp_path):
    assert "found No such file" in refused(tmp_path / "none.h5")


def test_a_folder(tmp_path):
    assert "found a folder" in refused(tmp_path)


def test_a_fifo_is_refused_at_once_where_hdf5_would_wait_for_ever(tmp_path):
    os.mkfifo(tmp_path / "fifo.h5")
    assert "expected a regular file, found a FIFO" in refused(tmp_path / "fifo.h5")


def test_a_device():
    assert "expected a regular file" in refused(Path("/dev/null"))


@pytest.mark.parametrize(
    ("content", "found"), [(b"", "an empty file"), (b"PK\x03\x04 zipped", "the bytes b'PK")]
)
def test_a_file_that_is_no_hdf5(tmp_path, content, found):
    path = tmp_path / "other.h5"
    path.write_bytes(content)
    assert f"signature: expected an HDF5 file, found {found}" in refused(path)


def test_a_file_cut_short(trace_path):
    trace_path.write_bytes(trace_path.read_bytes()[:3000])
    said = r"run\.h5: expected a file of 5\d,\d+ bytes, found 3,000: it was cut short; restore it"
    with pytest.raises(TraceError, match=said):
        open_trace(trace_path)


def test_an_hdf5_file_that_is_no_trace(tmp_path):
    path = tmp_path / "other.h5"
    h5py.File(path, "w").close()
    assert "attribute format: expected 'samviz-trace', found no such attribute" in refused(path)


ATTRIBUTES = [
    ("format", np.bytes_(b"netcdf"), "'samviz-trace', found 'netcdf'"),
    ("format", 3, "a fixed-length byte string"),
    ("version", np.array([2, 0], "u2"), "expected 1.x, found 2.0; install a newer samviz"),
    ("version", np.array([0, 9], "u2"), "expected 1.x, found 0.9; migrate it: samviz migrate"),
    ("version", np.array([1.0, 0.0]), "two integers, found float64"),
    ("version", np.uint16(1), "two integers"),
    ("slots", 0, "an integer from 1 to 268435456, found int64 0"),
    ("slots", 2**40, "an integer from 1 to"),
    ("slots", 12.0, "an integer from 1 to 268435456, found float64 12.0"),
    ("slots", np.array([12, 12]), "an integer from"),
    ("heads", np.bytes_(b"2"), "a number, found another type"),
    ("links", -1, "an integer from 0"),
    ("last_write_erases", np.uint8(2), "an integer from 0 to 1, found uint8 2"),
    ("access_threshold", np.float32("nan"), "a finite float >= 0, found float32 nan"),
    ("access_threshold", np.float32(-1), "a finite float >= 0"),
    ("access_threshold", np.int64(0), "a finite float >= 0, found int64 0"),
    ("uuid", np.bytes_(b"../../etc"), "a UUID, found '../../etc'"),
    ("uuid", "57754b5c-33bf-4602-a989-0341e606e3b6", "a fixed-length byte string"),
    ("created", np.bytes_(b"yesterday"), "an ISO 8601 time, found 'yesterday'"),
    ("meta", np.bytes_(b"{"), "valid JSON, found Expecting property name"),
    ("meta", np.bytes_(b"[1]"), "a JSON object, found list"),
    ("meta", np.bytes_(b'{"seed": NaN}'), "valid JSON, found the number NaN"),
    ("meta", np.bytes_(b"\xff{}"), "UTF-8 text"),
    ("meta", np.bytes_(b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}"), "valid JSON"),
    ("meta", np.bytes_(b'{"user": "' + b"x" * 60_000 + b'"}'), "at most 60,000 bytes, found 60,012"),
    ("meta", "{}", "a fixed-length byte string"),
]


@pytest.mark.parametrize(("name", "value", "said"), ATTRIBUTES)
def test_an_attribute_that_does_not_fit(trace_path, name, value, said):
    with h5py.File(trace_path, "r+") as file:
        file.attrs[name] = value
    message = refused(trace_path)
    assert f"attribute {name}: expected " in message
    assert said in message


def test_every_attribute_is_required(trace_path):
    with h5py.File(trace_path, "r") as file:
        names = list(file.attrs)
    assert len(names) == 16
    for name in names:
        with h5py.File(trace_path, "r+") as file:
            kept = file.attrs[name]
            del file.attrs[name]
        assert f"attribute {name}: expected" in refused(trace_path)
        with h5py.File(trace_path, "r+") as file:
            file.attrs[name] = kept
    open_trace(trace_path).close()


def test_every_core_dataset_is_required_and_no_other(trace_path):
    with h5py.File(trace_path, "r") as file:
        names = [name for name in DATASETS if name in file]
    for name in names:
        core = DATASETS[name].need == "core"
        with h5py.File(trace_path, "r+") as file:
            file.move(name, "aside")
        if core:
            assert f"/{name}: expected this dataset, found none" in refused(trace_path)
        else:
            with open_trace(trace_path) as trace:
                assert name not in trace
        with h5py.File(trace_path, "r+") as file:
            file.move("aside", name)


def test_a_trace_with_links_needs_their_datasets(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file.attrs["links"] = 8
    assert "/gate/mode: expected this dataset, found none" in refused(trace_path)


def test_start_is_whole_or_absent(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["start/slot"] = np.zeros(3, "i4")
    assert "/start/batch: expected all four datasets of /start or none" in refused(trace_path)


def test_every_dataset_is_held_to_its_dtype_rank_and_dimensions(trace_path):
    with h5py.File(trace_path, "r") as file:
        names = [name for name in DATASETS if name in file]
    original = trace_path.read_bytes()
    for name in names:
        with h5py.File(trace_path, "r+") as file:
            replace(file, name, shape=file[name].shape, dtype="f8")
        assert re.search(f"/{name}: expected dtype .*, found float64", refused(trace_path))
        trace_path.write_bytes(original)
        with h5py.File(trace_path, "r+") as file:
            replace(file, name, shape=(*file[name].shape, 1), dtype=file[name].dtype)
        assert f"/{name}: expected shape (" in refused(trace_path)
        trace_path.write_bytes(original)
        with h5py.File(trace_path, "r+") as file:
            shape = file[name].shape
            replace(file, name, shape=(*shape[:-1], shape[-1] + 1), dtype=file[name].dtype)
        assert f"/{name}: expected shape (" in refused(trace_path)
        trace_path.write_bytes(original)


def test_a_big_endian_dataset(trace_path):
    with h5py.File(trace_path, "r+") as file:
        replace(file, "read/slot", shape=file["read/slot"].shape, dtype=">i4")
    assert "/read/slot: expected dtype int32, found int32 big-endian" in refused(trace_path)


def test_free_sizes_must_agree(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["io/output"] = np.zeros((90, 1, 4), "f4")
        file["io/target"] = np.zeros((90, 1, 5), "f4")
    assert "/io/target: expected shape (T, 1, 4), found (90, 1, 5)" in refused(trace_path)


def test_a_scalar_or_empty_dataset(trace_path):
    for space in (h5py.Empty("i4"), np.int32(3)):
        with h5py.File(trace_path, "r+") as file:
            del file["episode"]
            file["episode"] = space
        assert "/episode: expected shape (T, 1), found ()" in refused(trace_path)


@pytest.mark.parametrize(
    ("count", "said"), [(-1, "a count of steps, found -1"), (91, "at least the 91 steps of /n_steps")]
)
def test_a_count_of_steps_that_cannot_be(trace_path, count, said):
    with h5py.File(trace_path, "r+") as file:
        file["n_steps"][0] = count
    assert said in refused(trace_path)


def test_an_unknown_status(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["status"][0] = 3
    assert "/status: expected 0 to 2, found 3" in refused(trace_path)


@pytest.mark.parametrize("number", [0, -1])
def test_episode_numbers_that_fall(trace_path, number):
    with h5py.File(trace_path, "r+") as file:
        file["episode"][50, 0] = number
    assert f"/episode step 50: expected numbers from 0 that never fall, found {number}" in refused(trace_path)


@pytest.mark.parametrize("name", ["read", "read/slot"])
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_a_link_that_is_not_hard(trace_path, name, kind):
    with h5py.File(trace_path, "r+") as file:
        file.move(name, "aside")
        file[name] = (
            h5py.SoftLink("/aside") if kind == "soft" else h5py.ExternalLink(str(trace_path), "/aside")
        )
    assert "/read/slot: expected a hard link, found " in refused(trace_path)


def test_a_group_where_a_dataset_should_be_and_the_other_way_round(trace_path):
    original = trace_path.read_bytes()
    with h5py.File(trace_path, "r+") as file:
        del file["episode"]
        file.create_group("episode")
    assert "/episode: expected a Dataset, found Group" in refused(trace_path)
    trace_path.write_bytes(original)
    with h5py.File(trace_path, "r+") as file:
        del file["read"]
        file["read"] = np.zeros(3)
    assert "/read/slot: expected a Group, found Dataset" in refused(trace_path)


@pytest.mark.parametrize(
    "dtype",
    [h5py.string_dtype(), h5py.vlen_dtype("i4"), h5py.ref_dtype, np.dtype([("a", "i4")]), "S4", "?", "c8"],
)
def test_a_type_that_is_no_plain_number(trace_path, dtype):
    with h5py.File(trace_path, "r+") as file:
        replace(file, "read/slot", shape=file["read/slot"].shape, dtype=dtype)
    assert "/read/slot: expected a number type" in refused(trace_path)


def test_external_storage(trace_path):
    with h5py.File(trace_path, "r+") as file:
        shape = file["read/slot"].shape
        replace(file, "read/slot", shape=shape, dtype="i4", external=[("/etc/passwd", 0, 10_000)])
    assert "/read/slot: expected data inside this file, found external or virtual" in refused(trace_path)


def test_a_virtual_dataset(trace_path):
    with h5py.File(trace_path, "r+") as file:
        layout = h5py.VirtualLayout(shape=file["read/slot"].shape, dtype="i4")
        layout[:] = h5py.VirtualSource("/elsewhere.h5", "x", shape=file["read/slot"].shape)
        del file["read/slot"]
        file.create_virtual_dataset("read/slot", layout)
    assert "/read/slot: expected data inside this file, found external or virtual" in refused(trace_path)


def test_a_filter_that_not_every_reader_has(trace_path):
    with h5py.File(trace_path, "r+") as file:
        replace(file, "read/slot", shape=file["read/slot"].shape, dtype="i4", chunks=True, scaleoffset=0)
    assert "/read/slot: expected deflate, shuffle, lzf or fletcher32, found filter 6" in refused(trace_path)


@pytest.mark.parametrize("settings", [{"compression": "gzip", "shuffle": True}, {"compression": "lzf"}, {}])
def test_the_usual_filters_and_none_are_welcome(trace_path, settings):
    with h5py.File(trace_path, "r+") as file:
        replace(file, "read/slot", data=file["read/slot"][:], chunks=True, **settings)
    open_trace(trace_path).close()


def test_a_chunk_too_large_to_load(trace_path):
    with h5py.File(trace_path, "r+") as file:
        shape = file["read/slot"].shape
        chunks = (2**22 + 1, *shape[1:])
        replace(file, "read/slot", shape=shape, maxshape=(None, *shape[1:]), dtype="i4", chunks=chunks)
    assert "/read/slot: expected chunks of at most 67,108,864 bytes, found 67,108,880" in refused(trace_path)


def test_sizes_out_of_proportion_to_the_file(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["read/slot"].resize(10**7, axis=0)
    assert "expected data of at most 200 times its" in refused(trace_path)


def test_names_that_the_format_does_not_know_are_left_alone(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["read/soon"] = h5py.ExternalLink("/etc/passwd", "/")
        file.attrs["later"] = "a variable-length string"
        file.attrs["version"] = np.array([1, 7], "u2")
    with open_trace(trace_path) as trace:
        assert trace.version == (1, 7)
        assert "read/soon" not in trace


def test_a_message_stays_one_line_whatever_the_file_says(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file.attrs["format"] = np.bytes_(b"a\nb\x1b[31m" + b"c" * 500)
    message = refused(trace_path)
    assert len(message) < 400 + len(str(trace_path))


def test_a_refused_file_is_not_kept_open(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file.attrs["slots"] = 0
    refused(trace_path)
    with h5py.File(trace_path, "r+") as file:
        file.attrs["slots"] = 12
    open_trace(trace_path).close()


def test_a_file_that_another_was_copied_over_is_opened_afresh(tmp_path):
    """`cp new.h5 open.h5`: HDF5 would go on with what it knows of the old one."""
    sizes = make_dimensions()
    for seed, name in enumerate(("old.h5", "new.h5")):
        events = random_events(np.random.default_rng(seed), 90 - 10 * seed, sizes)
        write_trace(tmp_path / name, events, sizes)
    old = open_trace(tmp_path / "old.h5")
    before = old["read/weight"][:30]
    shutil.copyfile(tmp_path / "new.h5", tmp_path / "old.h5")
    with pytest.raises(TraceError, match="other content took the place of this trace; open it again"):
        old["read/weight"][:30]
    with open_trace(tmp_path / "old.h5") as copied, open_trace(tmp_path / "new.h5") as new:
        assert len(copied) == 80
        np.testing.assert_array_equal(copied["read/weight"][:], new["read/weight"][:])
        assert not np.array_equal(copied["read/weight"][:30], before)
    with pytest.raises(TraceError, match="the trace was closed; open it again"):
        old["read/weight"][:30]


def test_and_so_is_one_whose_writer_was_killed(tmp_path):
    sizes = make_dimensions()
    for seed, name in enumerate(("old.h5", "new.h5")):
        recorder = recorder_for(tmp_path / "live.h5", sizes, overwrite=True)
        recorder.append(random_events(np.random.default_rng(seed), 1100, sizes), episode=0)
        shutil.copyfile(tmp_path / "live.h5", tmp_path / name)
        recorder.close()
    with open_trace(tmp_path / "new.h5") as new:
        right = new["read/weight"][:]
    old = open_trace(tmp_path / "old.h5")
    shutil.copyfile(tmp_path / "new.h5", tmp_path / "old.h5")
    with pytest.raises(TraceError, match="other content took the place of this trace; open it again"):
        old["read/weight"][:30]
    with open_trace(tmp_path / "old.h5") as copied:
        np.testing.assert_array_equal(copied["read/weight"][:], right)


def test_a_file_that_was_only_touched_is_still_open(trace_path):
    with open_trace(trace_path) as trace:
        os.utime(trace_path, (1, 1))
        assert trace["read/slot"][:].shape[0] == 90


def test_a_finished_file_cut_short_is_refused_even_where_nothing_of_use_is_missing(trace_path):
    data = trace_path.read_bytes()
    for missing in (1, 100):
        path = trace_path.with_name(f"{missing}.h5")
        path.write_bytes(data[:-missing])
        said = f"expected a file of {len(data):,} bytes, found {len(data) - missing:,}: it was cut short"
        with pytest.raises(TraceError, match=said):
            open_trace(path)
