from itertools import pairwise

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.analysis.usage import queue
from samviz.demo import Demo, generate
from samviz.errors import ConfigError
from samviz.rewrite import merge, repack, slice_trace
from samviz.trace import open_trace
from samviz.trace.memory.taken import taken_in_use
from tests.rewrite.builders import assert_same_memory, contents, make_trace

STEP_VALUED = ("usage/read", "usage/write", "io/source")


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_slice_remembers_what_came_before_it(tmp_path_factory, data):
    """Memory and usage of a slice, and of a slice of a slice, are the whole's at every step."""
    folder = tmp_path_factory.mktemp("slice")
    lengths = data.draw(st.lists(st.integers(0, 25), min_size=1, max_size=3).filter(sum))
    path = make_trace(
        folder / "run.h5",
        lengths,
        seed=data.draw(st.integers(0, 999)),
        batch=data.draw(st.integers(1, 2)),
        half_rows=data.draw(st.booleans()),
        start=data.draw(st.booleans()),
        slots=data.draw(st.sampled_from([12, 60])),
    )
    with h5py.File(path, "r+") as file:  # elements of a batch may begin episodes at different steps
        if file.attrs["batch"] == 2 and data.draw(st.booleans()):
            file["episode"][:, 1] = file["episode"][:, 1][::-1].max() - file["episode"][:, 1][::-1]
    first = 0
    with open_trace(path) as whole:
        length, old = len(whole), path
        for name in ("part.h5", "part of part.h5"):
            start = data.draw(st.integers(0, length - 1))
            length = data.draw(st.integers(start + 1, length)) - start
            slice_trace(old, folder / name, steps=(start, start + length))
            old, first = folder / name, first + start
            with open_trace(old) as part:
                assert len(part) == length
                assert part.status == "complete"
                for column in whole.datasets:
                    if column.startswith(("start/", "check/", "model/")):
                        continue
                    expected = whole[column][first : first + length]
                    if column in STEP_VALUED:
                        expected = np.where(expected < first, -1, expected - first)
                    np.testing.assert_array_equal(part[column][:], expected, err_msg=column)
                assert_same_memory(part, whole, first)


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 999),
    lengths=st.lists(st.integers(1, 30), min_size=2, max_size=5),
    cuts=st.sets(st.integers(1, 4)),
    start=st.booleans(),
    links=st.integers(0, 2),
    half_rows=st.booleans(),
)
def test_slices_put_together_are_the_whole(tmp_path_factory, seed, lengths, cuts, start, links, half_rows):
    folder = tmp_path_factory.mktemp("parts")
    path = make_trace(
        folder / "run.h5",
        lengths,
        seed=seed,
        start=start,
        check=True,
        links=links,
        half_rows=half_rows,
        weights=b"w" * 9,
        batch=2,
    )
    bounds = [0, *sorted(cut for cut in cuts if cut < len(lengths)), len(lengths)]
    parts = []
    for number, (first, end) in enumerate(pairwise(bounds)):
        parts.append(folder / f"{number}.h5")
        slice_trace(path, parts[-1], episodes=(first, end))
    parts += [
        make_trace(folder / "empty.h5", [], links=links, half_rows=half_rows, weights=b"w" * 9, batch=2)
    ]
    result = merge(folder / "all.h5", parts)
    assert contents(folder / "all.h5") == contents(path)
    assert result.steps == sum(lengths)
    assert result.bytes_before == sum(part.stat().st_size for part in parts)


def test_the_last_access_is_counted_back_from_the_first_step(tmp_path):
    """-2 is the step just before; -1 that there was none, though something was written."""
    path = make_trace(tmp_path / "run.h5", [10], slots=4)
    with h5py.File(path, "r+") as file:
        file["read/weight"][:] = 0
        file["write/weight"][:] = 0
        file["write/slot"][:] = -1
        file["write/row"][:] = 0
        for step, slot, weight in [(4, 0, 1.0), (2, 1, 1.0), (3, 3, 0.001), (1, 2, 0.001)]:
            file["write/slot"][step, 0, 0, 0] = slot
            file["write/weight"][step, 0, 0, 0] = weight
            file["write/row"][step, 0, 0, 0] = step if slot != 2 else -0.0  # not the zero of a fresh slot
    slice_trace(path, tmp_path / "part.h5", steps=(5, 10))
    with open_trace(tmp_path / "part.h5") as part:
        assert part["start/slot"][:].tolist() == [2, 3, 1, 0]
        assert part["start/last_access"][:].tolist() == [-1, -1, -4, -2]
        assert part["start/row"][:, 0].tolist() == [0, 3, 2, 4]
    slice_trace(tmp_path / "part.h5", tmp_path / "rest.h5", steps=(3, 5))
    with open_trace(tmp_path / "rest.h5") as rest:
        assert rest["start/slot"][:].tolist() == [2, 3, 1, 0]
        assert rest["start/last_access"][:].tolist() == [-1, -1, -7, -5]


@pytest.mark.parametrize("cut", [1, 57, 130])
def test_a_slice_of_a_run_takes_and_erases_what_the_run_does(tmp_path, cut):
    """The front of the queue is what the heads take next, and they take what was in use."""
    generate(Demo(steps=200, slots=40, word_size=4, heads=3, reads=2), tmp_path / "run.h5")
    slice_trace(tmp_path / "run.h5", tmp_path / "part.h5", steps=(cut, 190))
    slice_trace(tmp_path / "part.h5", tmp_path / "rest.h5", steps=(10, None))
    for name, first in (("run.h5", 0), ("part.h5", cut), ("rest.h5", cut + 10)):
        with open_trace(tmp_path / "run.h5") as whole, open_trace(tmp_path / name) as part:
            taken = part["write/slot"][:, 0, :, -1]
            np.testing.assert_array_equal(queue(part, 0, len(part)).slot[:-1, :3], taken[1:])
            used = taken_in_use(part, 0, len(part), 0)
            expected = whole["usage/write"][first : first + len(part), 0, :, -1] >= 0
            quiet = part.start_slots()[part.start_usage()[part.start_slots()] == -1]
            never = (part["usage/write"][:, 0, :, -1] < 0) & np.isin(taken, quiet)  # written, never accessed
            np.testing.assert_array_equal(used, expected | never)
            np.testing.assert_array_equal(part.index("write").used, used.ravel())
            assert first <= 1 or (used & (part["usage/write"][:, 0, :, -1] < 0)).any()


def test_rows_of_check_outside_the_slice_stay_behind(trace_path, tmp_path):
    slice_trace(trace_path, tmp_path / "part.h5", steps=(30, 70))
    with open_trace(trace_path) as whole, open_trace(tmp_path / "part.h5") as part:
        step = whole["check/step"][:]
        inside = (step >= 30) & (step < 70)
        assert 0 < inside.sum() < len(step)
        assert part["check/step"][:].tolist() == (step[inside] - 30).tolist()
        for name in ("check/batch", "check/slot", "check/row"):
            np.testing.assert_array_equal(part[name][:], whole[name][:][inside])
        outside = int(np.setdiff1d(np.arange(90), step)[0])
    slice_trace(trace_path, tmp_path / "none.h5", steps=(outside, outside + 1))
    with open_trace(tmp_path / "none.h5") as none:
        assert "check/step" not in none


def test_a_slice_says_where_it_comes_from(trace_path, tmp_path):
    slice_trace(trace_path, tmp_path / "part.h5", episodes=(1, 3))
    with open_trace(trace_path) as whole, open_trace(tmp_path / "part.h5") as part:
        assert part.uuid != whole.uuid
        assert part.created == whole.created
        expected = dict(whole.meta)
        expected["user"] = {"why": "a test", "sliced": {"uuid": whole.uuid, "steps": [40, 90]}}
        assert dict(part.meta) == expected
        assert [(e.number, e.start, e.stop) for e in part.episodes] == [(1, 0, 20), (2, 20, 50)]
        assert part["model/weights"][:].tobytes() == b"w" * 100
        assert "start/slot" not in part


@pytest.mark.parametrize(("user", "kept"), [(None, {}), ("text", {"user": "text"}), ([1], {"user": [1]})])
def test_user_keys_of_any_kind_are_kept(tmp_path, user, kept):
    make_trace(tmp_path / "run.h5", [9], meta={"user": user})
    slice_trace(tmp_path / "run.h5", tmp_path / "part.h5", steps=(1, 5))
    with open_trace(tmp_path / "part.h5") as part:
        told = dict(part.meta["user"])
        assert told.pop("sliced")["steps"] == [1, 5]
        assert told == kept


def test_a_full_meta_stays_as_it_is(tmp_path):
    make_trace(tmp_path / "run.h5", [9], meta={"user": "x" * 59_980})
    result = slice_trace(tmp_path / "run.h5", tmp_path / "part.h5", steps=(1, 5))
    assert "too full" in result.notes[0]
    with open_trace(tmp_path / "run.h5") as whole, open_trace(tmp_path / "part.h5") as part:
        assert part.meta == whole.meta


def test_a_slice_of_an_archive_is_chunked_as_it_was_recorded(trace_path, tmp_path):
    slice_trace(trace_path, tmp_path / "one.h5", steps=(10, 80))
    repack(trace_path)
    slice_trace(trace_path, tmp_path / "two.h5", steps=(10, 80))
    with h5py.File(tmp_path / "one.h5") as one, h5py.File(tmp_path / "two.h5") as two:
        for name in contents(tmp_path / "one.h5"):
            assert one[name].chunks == two[name].chunks
            assert two[name].compression is None
            assert two[name].fletcher32
        assert two["read/slot"].chunks[0] == 16
    assert contents(tmp_path / "one.h5") == contents(tmp_path / "two.h5")


def test_links_made_before_a_slice_are_missed(tmp_path):
    path = make_trace(tmp_path / "run.h5", [20, 20], links=2)
    cut = slice_trace(path, tmp_path / "cut.h5", steps=(25, 30))
    assert "links made before it are not in the slice" in cut.notes[0]
    assert slice_trace(path, tmp_path / "whole.h5", steps=(20, 30)).notes == ()


BAD = [
    ({"steps": (0, 91)}, "expected steps within 0:90 .*, found 0:91"),
    ({"steps": (50, 50)}, "found 50:50"),
    ({"steps": (90, None)}, "found 90:90"),
    ({"steps": (-5, None)}, "found -5:90"),
    ({"episodes": (2, 4)}, "expected episodes within 0:3 .*, found 2:4"),
    ({"episodes": (2, 1)}, "found 2:1"),
    ({}, "found both or neither"),
    ({"steps": (0, 1), "episodes": (0, 1)}, "found both or neither"),
]


@pytest.mark.parametrize(("wanted", "says"), BAD)
def test_a_range_that_is_not_there(trace_path, tmp_path, wanted, says):
    with pytest.raises(ConfigError, match=says):
        slice_trace(trace_path, tmp_path / "part.h5", **wanted)
    assert not (tmp_path / "part.h5").exists()


def test_numbers_without_an_episode(tmp_path):
    path = make_trace(tmp_path / "run.h5", [5, 0, 0, 5])
    with pytest.raises(ConfigError, match="no episode has a number from 1 to 2"):
        slice_trace(path, tmp_path / "part.h5", episodes=(1, 3))


def test_an_empty_trace_has_nothing_to_slice(tmp_path):
    path = make_trace(tmp_path / "run.h5", [])
    with pytest.raises(ConfigError, match="nothing to slice"):
        slice_trace(path, tmp_path / "part.h5", steps=(None, None))
