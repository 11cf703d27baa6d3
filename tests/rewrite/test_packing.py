import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import TraceError
from samviz.rewrite import copying, repack, writing
from samviz.trace import open_trace
from samviz.trace.schema import DATASETS
from tests.rewrite.builders import contents, files_in, make_trace


def header(path: Path) -> dict[str, object]:
    with h5py.File(path) as file:
        return {name: np.asarray(value).tolist() for name, value in file.attrs.items()}


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(0, 40), max_size=3),
    batch=st.integers(1, 2),
    links=st.integers(0, 2),
    half_rows=st.booleans(),
    start=st.booleans(),
    block=st.sampled_from([100, 4000, 2**24]),
)
def test_a_packed_trace_holds_the_same_bytes(
    tmp_path_factory, seed, lengths, batch, links, half_rows, start, block
):
    folder = tmp_path_factory.mktemp("repack")
    path = make_trace(
        folder / "run.h5",
        lengths,
        seed=seed,
        batch=batch,
        links=links,
        half_rows=half_rows,
        start=start,
        check=sum(lengths) > 0,
        weights=b"some bytes",
    )
    before = contents(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(copying, "READ_BYTES", block)
        result = repack(path, folder / "new.h5")
    assert contents(folder / "new.h5") == before == contents(path)
    assert header(folder / "new.h5") == header(path)
    assert result.steps == sum(lengths)
    assert (result.bytes_before, result.bytes_after) == (
        path.stat().st_size,
        (folder / "new.h5").stat().st_size,
    )
    assert result.notes == ()
    assert set(files_in(folder)) == {"run.h5", "new.h5"}


def test_an_archive_copy_is_smaller_and_checked(trace_path):
    before = trace_path.stat().st_size
    result = repack(trace_path)
    assert result.bytes_after == trace_path.stat().st_size < before == result.bytes_before
    with h5py.File(trace_path) as file:
        for name in contents(trace_path):
            dataset = file[name]
            assert (dataset.compression, dataset.compression_opts, dataset.shuffle) == ("gzip", 1, True)
            assert dataset.fletcher32
            assert dataset.nbytes == 0 or np.prod(dataset.chunks) * dataset.dtype.itemsize <= 2**20
            assert DATASETS[name].per_step is False or dataset.maxshape[0] is None
        assert file["n_steps"].chunks is None


def test_steps_beyond_the_count_are_not_copied(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["n_steps"][0] = 50
        file["status"][0] = 2
    before = contents(trace_path)
    assert before["episode"][1] == (50, 2)
    repack(trace_path)
    assert contents(trace_path) == before
    with h5py.File(trace_path) as file:
        assert len(file["episode"]) == 50


def test_in_place_keeps_permissions_and_follows_a_link(trace_path):
    link = trace_path.with_name("link.h5")
    link.symlink_to(trace_path)
    trace_path.chmod(0o640)
    before = contents(trace_path)
    repack(link)
    assert link.is_symlink()
    assert trace_path.stat().st_mode & 0o777 == 0o640
    assert contents(trace_path) == before
    assert set(files_in(trace_path.parent)) == {"run.h5", "link.h5"}


def test_packing_twice_changes_nothing(trace_path):
    repack(trace_path)
    first = contents(trace_path)
    size = trace_path.stat().st_size
    repack(trace_path)
    assert contents(trace_path) == first
    assert trace_path.stat().st_size == size


def test_what_the_format_does_not_know_is_left_out_and_named(trace_path):
    new = trace_path.with_name("new.h5")
    before = contents(trace_path)
    with h5py.File(trace_path, "r+") as file:
        file["grad/read"] = np.zeros(3)
        file["read/other\x1b"] = np.zeros(3)
        file["soft"] = h5py.SoftLink("/read/slot")
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/")
        file.attrs["more"] = 1
        file["read/slot"].attrs["unit"] = "slots"
    (note,) = repack(trace_path, new).notes
    for name in ("/grad", "/read/other\\x1b", "/outside", "attribute more", "attribute unit of /read/slot"):
        assert name in note
    assert note.endswith(" and more")
    assert note.isprintable()
    with h5py.File(new) as file:
        assert not {"grad", "soft", "outside"} & set(file)
        assert "more" not in file.attrs
    assert contents(new) == before
    assert repack(new).notes == ()


def test_in_place_nothing_is_left_out(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["mine"] = np.zeros(3)
    before = files_in(trace_path.parent)
    with pytest.raises(
        TraceError, match=r"found what a packed copy leaves out \(/mine\); pack it into another"
    ):
        repack(trace_path)
    assert files_in(trace_path.parent) == before


def test_what_shrinks_too_much_to_be_opened_again_is_stored_as_it_is(tmp_path, monkeypatch):
    path = make_trace(tmp_path / "run.h5", [900], word_size=8)
    with h5py.File(path, "r+") as file:
        file["write/row"][:] = 0
    before = contents(path)
    for limit, compression in [(200, "gzip"), (1.2, None)]:
        monkeypatch.setattr(writing, "INFLATION", limit)
        repack(path, tmp_path / "new.h5", overwrite=True)
        assert contents(tmp_path / "new.h5") == before
        with h5py.File(tmp_path / "new.h5") as file:
            assert file["write/row"].compression == compression
            assert file["write/row"].fletcher32


def test_a_copy_that_differs_never_gets_the_name(trace_path, monkeypatch):
    before = files_in(trace_path.parent)
    write = h5py.Dataset.__setitem__

    def flip(self, key, value):
        if self.name == "/io/loss":
            value = value.copy()
            value.view("u4")[7, 1] ^= 1
        write(self, key, value)

    monkeypatch.setattr(h5py.Dataset, "__setitem__", flip)
    with pytest.raises(TraceError, match="/io/loss: what was written differs from its source"):
        repack(trace_path)
    assert files_in(trace_path.parent) == before


def test_one_kind_of_nan_is_not_another():
    """Values that compare alike, or that never do, are told apart by their bits."""
    one = np.array([np.nan, 0.0], "f4")
    assert copying._same_bits(one, one.copy())
    other = one.copy()
    other.view("u4")[0] ^= 1
    assert np.isnan(other[0])
    assert not copying._same_bits(one, other)
    assert not copying._same_bits(one, np.array([np.nan, -0.0], "f4"))
    assert not copying._same_bits(one, one[:1])
    assert not copying._same_bits(one, one.view("i4"))


def test_a_write_that_fails_is_one_line_and_leaves_nothing(trace_path, monkeypatch):
    before = files_in(trace_path.parent)

    sizes = []
    part = trace_path.with_name("run.h5.part")
    close = h5py.File.close

    def note_size(self):
        if self.id.valid and self.filename == str(part):
            sizes.append(part.stat().st_size)
        close(self)

    def fail(self):
        raise RuntimeError("Unable to flush\n (errno = 28, error message = 'No space left on device')")

    monkeypatch.setattr(h5py.File, "flush", fail)
    monkeypatch.setattr(h5py.File, "close", note_size)
    with pytest.raises(TraceError, match=r"cannot be written \(No space left on device\)"):
        repack(trace_path)
    monkeypatch.undo()
    assert sizes == [0]  # emptied first: HDF5 can close it on a full disk, too
    assert files_in(trace_path.parent) == before


def test_damage_in_the_source_is_told_and_nothing_is_made(trace_path):
    with h5py.File(trace_path) as file:
        offset = file["write/row"].id.get_chunk_info(2).byte_offset
    data = bytearray(trace_path.read_bytes())
    data[offset + 11] ^= 4
    trace_path.write_bytes(data)
    with pytest.raises(TraceError, match=r"/write/row: steps .* checksum does not match"):
        repack(trace_path)
    assert files_in(trace_path.parent) == {"run.h5": bytes(data)}


def test_progress_counts_every_byte_twice(trace_path):
    told = []
    repack(trace_path, report=lambda done, total: told.append((done, total)))
    with open_trace(trace_path) as trace:
        size = sum(trace[name][:].nbytes for name in trace.datasets)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (2 * size, 2 * size)


def test_no_file_stays_open(trace_path):
    opened = len(os.listdir("/proc/self/fd"))
    repack(trace_path)
    assert len(os.listdir("/proc/self/fd")) == opened
