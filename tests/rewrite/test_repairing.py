"""Killed writers and damaged files: what can be read is kept, and only that."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import TraceError
from samviz.rewrite import repack, repair
from samviz.trace import open_trace
from samviz.trace.schema import DATASETS
from tests.builders import make_dimensions, random_arrays, recorder_for
from tests.recorder.test_live import check_right, start_writer, wait_for
from tests.rewrite.builders import contents, files_in, make_trace


def flip(path: Path, name: str, chunk: int, byte: int = 3) -> None:
    """Damage a chunk of a dataset."""
    with h5py.File(path) as file:
        info = file[name].id.get_chunk_info(chunk)
    data = bytearray(path.read_bytes())
    data[info.byte_offset + byte % info.size] ^= 16
    path.write_bytes(data)


def killed_trace(folder: Path, windows: list[int], left: int, *, commit: bool, **settings: int) -> Path:
    """What lies on the disk where a writer is killed after `left` of the windows."""
    rng = np.random.default_rng(0)
    dimensions = make_dimensions(**{name: settings.pop(name) for name in ("batch", "links")})
    with recorder_for(folder / "live.h5", dimensions, **settings) as recorder:
        for number, steps in enumerate(windows):
            recorder.append(SimpleNamespace(**random_arrays(rng, steps, dimensions)), episode=number)
            if number == left:
                if commit:
                    recorder.commit()
                shutil.copyfile(folder / "live.h5", folder / "killed.h5")
    return folder / "killed.h5"


@settings(max_examples=15, deadline=None)
@given(
    windows=st.lists(st.integers(1, 700), min_size=1, max_size=5),
    left=st.integers(0, 4),
    commit=st.booleans(),
    batch=st.integers(1, 2),
    links=st.sampled_from([0, 2]),
    chunk_steps=st.sampled_from([1, 16, 24, 64]),
)
def test_what_a_killed_writer_committed_is_kept(
    tmp_path_factory, windows, left, commit, batch, links, chunk_steps
):
    folder = tmp_path_factory.mktemp("killed")
    path = killed_trace(
        folder, windows, left % len(windows), commit=commit, batch=batch, links=links, chunk_steps=chunk_steps
    )
    with open_trace(path) as trace:
        steps, uuid = len(trace), trace.uuid
        assert trace.status == "recording"
    if steps == 0:
        with pytest.raises(TraceError, match=r"no step can be kept .*before it had committed one"):
            repair(path, folder / "new.h5")
        return
    before = contents(path)
    result = repair(path, folder / "new.h5")
    assert (result.steps, result.lost, result.notes) == (steps, 0, ())
    assert contents(folder / "new.h5") == before
    with h5py.File(folder / "new.h5") as file, h5py.File(folder / "live.h5") as live:
        assert file["status"][0] == 2
        assert file["n_steps"][0] == steps
        assert file.attrs["uuid"].decode() == uuid
        for name in before:
            assert file[name].chunks == live[name].chunks
            assert file[name].compression is None
    with pytest.raises(TraceError, match="found nothing wrong with its"):
        repair(folder / "new.h5", folder / "again.h5")


def test_a_writer_that_was_really_killed(tmp_path):
    path = tmp_path / "run.h5"
    writer = start_writer(path)
    try:
        wait_for(path, 1).close()
    finally:
        writer.kill()
        writer.wait()
    with pytest.raises(TraceError, match=r"samviz repair .*run\.h5 NEW"):
        repack(path)
    repair(path, tmp_path / "new.h5")
    with open_trace(tmp_path / "new.h5") as trace:
        assert trace.status == "stopped early"
        assert len(trace) >= 1024
        check_right(trace)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_every_dataset_ends_before_the_first_bad_chunk(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damaged")
    path = make_trace(folder / "run.h5", [37, 50, 12], check=True, links=2, word_size=5)
    before = contents(path)
    with open_trace(path) as trace:
        names = [name for name in trace.datasets if DATASETS[name].per_step]
    damaged = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    ends = []
    for name in damaged:
        chunk = data.draw(st.integers(0, 6))
        flip(path, name, chunk, data.draw(st.integers(0, 10_000)))
        ends.append(chunk * 16)
    steps = min(ends)
    if steps == 0:
        with pytest.raises(TraceError, match=r"no step can be kept .*damaged from step 0 on"):
            repair(path, folder / "new.h5")
        assert not (folder / "new.h5").exists()
        return
    result = repair(path, folder / "new.h5")
    assert (result.steps, result.lost) == (steps, 99 - steps)
    assert f"lost the last {99 - steps} of 99 steps" in result.notes[0]
    assert f"damaged from step {steps} on" in result.notes[0]
    after = contents(folder / "new.h5")
    for name in names:
        dtype, shape, values = before[name]
        assert after[name] == (dtype, (steps, *shape[1:]), values[: len(values) * steps // 99])
    with open_trace(folder / "new.h5") as trace:
        assert trace.status == "stopped early"
        if "check/step" in trace:
            assert trace["check/step"][:].max() < steps


def test_a_checkpoint_or_check_that_is_damaged_is_left_out(trace_path, tmp_path):
    before = contents(trace_path)
    for name in ("model/weights", "check/row"):
        flip(trace_path, name, 0)
    result = repair(trace_path, tmp_path / "new.h5")
    assert [note.split(": ")[1] for note in result.notes] == [
        "left out /model/weights, which is damaged",
        "left out /check/row, which is damaged",
    ]
    after = contents(tmp_path / "new.h5")
    assert after == {name: told for name, told in before.items() if not name.startswith(("model/", "check/"))}
    with open_trace(tmp_path / "new.h5") as trace:
        assert trace.status == "complete"


def test_the_memory_is_never_wrong_for_a_damaged_start(trace_path, tmp_path):
    flip(trace_path, "start/row", 0)
    with pytest.raises(TraceError, match="/start/row, without which the memory would be wrong"):
        repair(trace_path, tmp_path / "new.h5")
    assert set(files_in(tmp_path)) == {"run.h5"}


def test_a_count_that_is_higher_than_a_dataset_is_long(trace_path, tmp_path):
    with h5py.File(trace_path, "r+") as file:
        file["io/loss"].resize(70, axis=0)
    result = repair(trace_path, tmp_path / "new.h5")
    assert (result.steps, result.lost) == (70, 20)
    assert "a dataset ends before step 70" in result.notes[0]
    with open_trace(tmp_path / "new.h5") as trace:
        assert len(trace) == 70


def test_a_count_that_is_lower_than_all_datasets_are_long(trace_path, tmp_path):
    before = contents(trace_path)
    with h5py.File(trace_path, "r+") as file:
        file["n_steps"][0] = 50
    result = repair(trace_path, tmp_path / "new.h5")
    assert (result.steps, result.lost) == (90, 0)
    assert "kept them all: it counts 50 steps, but a finished recording holds 90" in result.notes[0]
    assert contents(tmp_path / "new.h5") == before
    with open_trace(tmp_path / "new.h5") as trace:
        assert trace.status == "complete"


def test_zeros_that_a_lost_page_left_at_the_end(tmp_path):
    """Their checksum is zero, too; the reader does not show these steps, and a copy does not hold them."""
    path = make_trace(tmp_path / "run.h5", [100])
    before = contents(path)
    with h5py.File(path, "r+") as file:
        file["status"][0] = 2
        info = file["read/slot"].id.get_chunk_info(6)
    data = bytearray(path.read_bytes())
    data[info.byte_offset : info.byte_offset + info.size] = bytes(info.size)
    path.write_bytes(data)
    result = repair(path, tmp_path / "new.h5")
    assert (result.steps, result.lost) == (96, 4)
    assert "its end is damaged from step 96 on" in result.notes[0]
    for name, (_, _, values) in contents(tmp_path / "new.h5").items():
        assert before[name][2].startswith(values)


def test_rows_of_the_live_model_that_were_committed_are_kept(tmp_path):
    """Of a killed recording the datasets of /check may have different lengths."""
    path = make_trace(tmp_path / "run.h5", [100], check=True)
    with h5py.File(path, "r+") as file:
        file["status"][0] = 0
        file["check/step"][:] = [3, 9, 20, 40, 99, 99]
        file["check/row"].resize(5, axis=0)
        file["n_steps"][0] = 64
    repair(path, tmp_path / "new.h5")
    with open_trace(tmp_path / "new.h5") as trace:
        assert trace["check/step"][:].tolist() == [3, 9, 20, 40]
        assert trace["check/row"].shape[0] == 4


def test_a_file_that_says_complete_but_was_not_closed(tmp_path):
    """Its writer was killed inside `close()`: nothing is lost but the proper end."""
    dimensions = make_dimensions()
    arrays = SimpleNamespace(**random_arrays(np.random.default_rng(0), 1024, dimensions))
    with recorder_for(tmp_path / "live.h5", dimensions) as recorder:
        recorder.append(arrays, episode=0)
        recorder._file._set_status(1)
        shutil.copyfile(tmp_path / "live.h5", tmp_path / "run.h5")
    with pytest.raises(OSError, match="already open for write"):
        h5py.File(tmp_path / "run.h5")
    assert repair(tmp_path / "run.h5", tmp_path / "new.h5").lost == 0
    with open_trace(tmp_path / "new.h5") as trace, h5py.File(tmp_path / "new.h5"):
        assert trace.status == "complete"
        assert len(trace) == 1024


@settings(max_examples=20, deadline=None)
@given(left=st.floats(0.001, 0.999))
def test_a_file_cut_short(tmp_path_factory, left):
    """Either one line that it cannot be repaired, or steps that were there before."""
    folder = tmp_path_factory.mktemp("short")
    path = make_trace(folder / "run.h5", [40, 50])
    before = contents(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(left * len(data))])
    said = ""
    try:
        repair(path, folder / "new.h5")
    except TraceError as error:
        said = str(error)
    if said:
        assert "cannot be repaired: " in said
        assert said.isprintable()
        assert set(files_in(folder)) == {"run.h5"}
        return
    for name, (_, shape, values) in contents(folder / "new.h5").items():
        assert 0 < shape[0] <= 90
        assert before[name][2].startswith(values)


def test_a_file_of_which_the_beginning_is_left(trace_path, tmp_path):
    trace_path.write_bytes(trace_path.read_bytes()[:3000])
    with pytest.raises(
        TraceError, match=r"run\.h5: cannot be repaired: HDF5 cannot open it \(.*\); restore it"
    ):
        repair(trace_path, tmp_path / "new.h5")


def test_a_trace_with_nothing_wrong(trace_path, tmp_path):
    with pytest.raises(TraceError, match="found nothing wrong with its 90 steps; use it as it is"):
        repair(trace_path, tmp_path / "new.h5")
    assert set(files_in(tmp_path)) == {"run.h5"}
