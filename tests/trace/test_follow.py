"""A trace that grows: refresh and follow, in step with a recorder and after its death."""

import itertools
import os
import warnings

import numpy as np
import pytest

import samviz
from samviz.errors import ConfigError, TraceError
from samviz.trace import open_trace
from samviz.trace.memory import index
from tests.builders import make_dimensions, random_events, recorder_for, window
from tests.recorder.test_live import start_writer, wait_for
from tests.recorder.writer import EPISODE_WINDOWS, WINDOW, window_arrays

SIZES = make_dimensions()


def events(steps, seed=0):
    return random_events(np.random.default_rng(seed), steps, SIZES)


def test_refresh_gives_a_longer_trace_and_leaves_this_one_as_it_is(tmp_path):
    given = events(60)
    with recorder_for(tmp_path / "run.h5", SIZES, chunk_steps=4) as recorder:
        recorder.append(window(given, 0, 20), episode=0)
        recorder.commit()
        trace = open_trace(tmp_path / "run.h5")
        assert trace.refresh() is trace
        recorder.append(window(given, 20, 40), episode=1, first_step=20)
        recorder.commit()
        newer = trace.refresh()
        assert (len(trace), len(newer)) == (20, 40)
        assert [episode.stop for episode in newer.episodes] == [20, 40]
        for opened in (trace, newer):
            np.testing.assert_array_equal(opened["read/slot"][:], given.read_slot[: len(opened)])
    done = newer.refresh()
    assert (done.status, len(done)) == ("complete", 40)
    assert done.refresh() is done
    for opened in (trace, newer, done):
        opened.close()


@pytest.mark.parametrize("asked", [(0,), (0, 1), (0, 2), (0, 1, 2)])
def test_the_index_of_a_trace_that_grew_goes_on_with_what_there_was(tmp_path, monkeypatch, asked):
    """Equal to one that is built afresh, and only the new steps are read for it."""
    path, given, read = tmp_path / "run.h5", events(90), []
    read_slots = index.read_slots
    monkeypatch.setattr(
        index, "read_slots", lambda path, slots, *cut: read.append(cut[0]) or read_slots(path, slots, *cut)
    )
    with recorder_for(path, SIZES, chunk_steps=4) as recorder:
        recorder.commit()
        trace, held = open_trace(path), 0
        for turn, stop in enumerate((40, 48, 88)):
            recorder.append(window(given, len(trace), stop), episode=turn // 2, first_step=len(trace))
            recorder.commit()
            trace, shorter = trace.refresh(), trace
            shorter.close()
            if turn in asked:
                read.clear()
                found = [trace.index(kind, 0) for kind in ("read", "write")]
                assert min(read) == held
                held = stop
                with open_trace(path) as afresh:
                    for one, kind in zip(found, ("read", "write"), strict=True):
                        for array, other in zip(one, afresh.index(kind, 0), strict=True):
                            np.testing.assert_array_equal(array, other)
                            assert array.dtype == other.dtype
    trace.close()


def test_refresh_notices_that_another_trace_took_the_place(tmp_path):
    path = tmp_path / "run.h5"
    with recorder_for(path, SIZES) as recorder, open_trace(path) as trace:
        recorder_for(tmp_path / "other.h5", SIZES).close()
        os.replace(tmp_path / "other.h5", path)
        with pytest.raises(TraceError, match=f"expected more of trace {trace.uuid}, found another one"):
            trace.refresh()
        path.unlink()
        with pytest.raises(TraceError, match="No such file"):
            trace.refresh()
        assert recorder.stopped is None


def test_another_trace_with_lower_episodes_or_another_batch_is_said_to_be_another(tmp_path):
    path = tmp_path / "run.h5"
    for sizes in (SIZES, make_dimensions(batch=2)):
        with recorder_for(path, SIZES, chunk_steps=1, overwrite=True) as recorder:
            recorder.append(events(5), episode=4)
            recorder.commit()
            with open_trace(path) as trace:
                other = tmp_path / "other.h5"
                with recorder_for(other, sizes) as another:
                    another.append(random_events(np.random.default_rng(0), 9, sizes), episode=1)
                os.replace(other, path)
                with pytest.raises(TraceError, match="found another one; open it again"):
                    trace.refresh()


def test_follow_gives_every_step_once_in_order_and_ends_with_the_recording(tmp_path):
    path, given = tmp_path / "run.h5", events(70)
    recorder = recorder_for(path, SIZES, chunk_steps=1)
    seen, ranges = [], []
    followed = samviz.follow(path)
    for start in range(0, 70, 10):
        recorder.append(window(given, start, start + 10), episode=start // 30, first_step=start)
        recorder.commit()
        trace, steps = next(followed)
        ranges.append(steps)
        seen.append(trace["write/row"][steps.start : steps.stop])
        assert trace.status == "recording"
    recorder.close()
    assert list(followed) == []
    assert ranges == [range(start, start + 10) for start in range(0, 70, 10)]
    np.testing.assert_array_equal(np.concatenate(seen), given.write_row)


def test_follow_keeps_up_with_a_writer_and_ends_when_it_is_killed(tmp_path):
    path = tmp_path / "run.h5"
    writer = start_writer(path)
    try:
        stop = 0
        for trace, steps in samviz.follow(path, wait_s=20):
            assert steps.start == stop
            stop = steps.stop
            first = steps.start // WINDOW
            expected = np.concatenate(
                [window_arrays(w)["read_slot"] for w in range(first, -(-stop // WINDOW))]
            )
            found = trace["read/slot"][steps.start : steps.stop]
            at = steps.start - first * WINDOW
            np.testing.assert_array_equal(found, expected[at : at + len(steps)])
            assert trace["episode"][stop - 1, 0] == (stop - 1) // (WINDOW * EPISODE_WINDOWS)
            if stop > 4000:
                writer.kill()
                writer.wait()
    finally:
        writer.kill()
        writer.wait()
    with wait_for(path, 1) as trace:
        assert len(trace) == stop


def test_follow_of_a_finished_trace_and_from_a_step_on(tmp_path):
    path = tmp_path / "run.h5"
    with recorder_for(path, SIZES) as recorder:
        recorder.append(events(50), episode=0)
    assert [steps for _, steps in samviz.follow(path)] == [range(50)]
    assert [steps for _, steps in samviz.follow(path, start=30)] == [range(30, 50)]
    assert [steps for _, steps in samviz.follow(path, start=50)] == []


def test_follow_that_is_left_closes_the_file(tmp_path):
    with recorder_for(tmp_path / "run.h5", SIZES, chunk_steps=1) as recorder:
        recorder.append(events(5), episode=0)
        recorder.commit()
        (trace,) = (trace for trace, _ in itertools.islice(samviz.follow(tmp_path / "run.h5"), 1))
        with pytest.raises(TraceError, match="was closed"):
            trace["episode"][:]


def test_what_cannot_be_followed(tmp_path):
    with pytest.raises(TraceError, match="No such file"):
        next(samviz.follow(tmp_path / "none.h5", wait_s=0.05))
    with pytest.raises(ConfigError, match="expected start >= 0 and poll_s > 0"):
        next(samviz.follow(tmp_path / "none.h5", poll_s=0))
    (tmp_path / "text.h5").write_text("no trace")
    with pytest.raises(TraceError, match="expected an HDF5 file"), warnings.catch_warnings():
        next(samviz.follow(tmp_path / "text.h5", wait_s=60))
