"""A damaged end: a recording that did not end well is shown up to it, with a warning."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz.errors import TraceError, TraceWarning
from samviz.trace import Trace, describe, open_trace
from samviz.trace.hdf5.opening import open_file
from tests.builders import make_dimensions, random_events, recorder_for

STEPS = 1088  # 17 chunks


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """A trace whose writer was killed after that many steps were committed."""
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(random_events(np.random.default_rng(0), STEPS, sizes), episode=0)
        recorder.commit()
        shutil.copy(tmp_path / "run.h5", tmp_path / "killed.h5")
    return tmp_path / "killed.h5"


def damage(path: Path, name: str, *steps: int, zero: bool = False) -> None:
    """Flip a bit of the chunks that hold those steps, or lose them."""
    data = bytearray(path.read_bytes())
    with open_file(path) as file:
        for step in steps:
            dataset = file[name]
            info = dataset.id.get_chunk_info_by_coord((step, *(0 for _ in dataset.shape[1:])))
            where = slice(info.byte_offset, info.byte_offset + info.size)
            if zero:
                data[where] = bytes(info.size)
            else:
                data[where.start + 3] ^= 16
    path.unlink()
    path.write_bytes(data)


def shortened(path: Path, steps: int, why: str) -> Trace:
    """The trace, which warns that it ends earlier."""
    with pytest.warns(TraceWarning) as caught:
        trace = open_trace(path)
    assert len(trace) == steps
    assert len(caught) == 1
    assert str(caught[0].message) == trace.warning
    said = f"killed.h5: the recording did not end well and its last {STEPS - steps:,} of 1,088 steps"
    assert said in trace.warning
    assert why in trace.warning
    return trace


@pytest.mark.parametrize("name", ["episode", "write/row", "gate/beta"])
def test_a_damaged_last_chunk_ends_the_trace_before_it(killed, name):
    with open_trace(killed) as whole:
        right = {column: whole[column][:1024] for column in whole.datasets}
        memory, usage = whole.memory(1000), whole.usage(1000)
    damage(killed, name, STEPS - 1)
    with shortened(killed, 1024, f"/{name}: steps 10") as trace:
        assert trace.status == "recording"
        assert trace.episodes[-1].stop == 1024
        for column, values in right.items():
            np.testing.assert_array_equal(trace[column][:], values)
        np.testing.assert_array_equal(trace.memory(1000), memory)
        np.testing.assert_array_equal(trace.usage(1000), usage)
        assert "showing the 1,024 before them" in describe(trace)
        assert "showing the 1,024 before them" in repr(trace)
        with pytest.raises(IndexError):
            trace["read/slot"][1024]


@pytest.mark.parametrize("lost", [1, 2, 3, 5, 9, 16])
def test_as_much_is_shown_as_can_be_read_however_much_is_lost(killed, lost):
    damage(killed, "read/weight", *range(STEPS - 64 * lost, STEPS, 64))
    shortened(killed, STEPS - 64 * lost, "/read/weight: steps 1024 to 1087").close()


def test_a_trace_of_which_nothing_can_be_read_is_refused(killed):
    damage(killed, "read/weight", *range(0, STEPS, 64))
    with pytest.raises(TraceError, match="/read/weight: steps 1024 to 1087 cannot be read"):
        open_trace(killed)


def test_damage_further_back_is_an_error_when_it_is_read(killed):
    damage(killed, "read/weight", 200)
    with open_trace(killed) as trace:
        assert trace.warning is None
        assert len(trace["read/weight"][:192]) == 192
        said = r"/read/weight: steps 192 to 255 cannot be read \(a checksum does not match\)"
        for question in (slice(None), slice(250, 300), [3, 193, 900]):
            with pytest.raises(TraceError, match=said):
                trace["read/weight"][question]


def test_zeros_that_a_disk_left_are_not_taken_for_data(killed):
    """Their checksum is right: it is zero, too."""
    damage(killed, "read/slot", STEPS - 1, zero=True)
    shortened(killed, 1024, "/read/slot steps 1024 to 1087: expected slots, found zeros only").close()


def test_a_file_cut_short_ends_before_what_is_missing(killed):
    data = killed.read_bytes()
    killed.unlink()
    killed.write_bytes(data[:-100])
    shortened(killed, 1024, "lies beyond the end of the file, which was cut short").close()


def test_a_finished_trace_is_never_shortened(tmp_path):
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(random_events(np.random.default_rng(0), STEPS, sizes), episode=0)
    damage(tmp_path / "run.h5", "read/weight", STEPS - 1)
    with open_trace(tmp_path / "run.h5") as trace:
        assert len(trace) == STEPS
        with pytest.raises(TraceError, match="/read/weight: steps 1024 to 1087 cannot be read"):
            trace["read/weight"][1030]


def test_a_count_lower_than_what_a_finished_trace_holds_is_told(tmp_path):
    """It carries no checksum; a flipped bit in it must not go unnoticed."""
    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(random_events(np.random.default_rng(0), 90, sizes), episode=0)
    with h5py.File(tmp_path / "run.h5", "r+") as file:
        file["n_steps"][0] = 26
    with pytest.warns(
        TraceWarning, match="/n_steps counts 26 steps, but a finished recording holds 90; the last 64"
    ):
        trace = open_trace(tmp_path / "run.h5")
    assert len(trace) == 26
    trace.close()


def test_a_live_trace_is_read_twice_before_it_is_called_damaged(tmp_path, monkeypatch):
    from samviz.trace.hdf5.column import Column

    sizes = make_dimensions()
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(random_events(np.random.default_rng(0), STEPS, sizes), episode=0)
        recorder.commit()
        with open_trace(tmp_path / "run.h5") as trace:
            right = trace["read/weight"][:]
            attempts, attempt = [], Column._attempt
            monkeypatch.setattr(
                Column,
                "_attempt",
                lambda self, box: (
                    attempts.append(box) or ("torn" if len(attempts) < 2 else attempt(self, box))
                ),
            )
            np.testing.assert_array_equal(trace["read/weight"][:], right)
            assert len(attempts) == 2
            monkeypatch.setattr(Column, "_attempt", lambda self, box: "torn")
            with pytest.raises(TraceError, match=r"steps 0 to 63 cannot be read \(torn\)"):
                trace["read/weight"][:]
