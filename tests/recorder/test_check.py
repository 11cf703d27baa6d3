"""Rows out of the live memory, stored beside the steps."""

import h5py
import numpy as np
import pytest

from samviz.errors import ConfigError
from samviz.recorder.check import CHECK_STEPS, chosen_slots
from samviz.trace import open_trace
from tests.builders import make_dimensions, random_events, recorder_for

SIZES = make_dimensions(batch=2, slots=300)


def events(steps, seed=0):
    return random_events(np.random.default_rng(seed), steps, SIZES)


def test_rows_are_taken_now_and_then_from_every_batch_element(tmp_path):
    path, rng = tmp_path / "run.h5", np.random.default_rng(0)
    memories = [rng.normal(size=(2, 300, 3)).astype("f4") for _ in range(10)]
    with recorder_for(path, SIZES, checks=True) as recorder:
        for memory in memories:
            recorder.append(events(100), episode=0, check=memory)
    with open_trace(path) as trace:
        taken = [0, 3, 6, 9]  # windows: the first, then the first that ends 256 steps later
        assert trace["check/step"][:].tolist() == [100 * window + 99 for window in taken for _ in range(2)]
        assert trace["check/batch"][:].tolist() == [0, 1] * 4
        for row, window in enumerate(taken):
            for element in range(2):
                slot = trace["check/slot"][2 * row + element]
                used = slot[slot >= 0]
                assert len(set(used.tolist())) == len(used) > 150
                found = trace["check/row"][2 * row + element][slot >= 0]
                np.testing.assert_array_equal(found, memories[window][element, used])
                last = events(100).write_slot[-8:, element].numpy()
                assert set(last[last >= 0].ravel().tolist()) <= set(used.tolist())


def test_no_rows_are_taken_unless_they_are_asked_for(tmp_path):
    with recorder_for(tmp_path / "run.h5", SIZES) as recorder:
        recorder.append(events(10), episode=0, check=np.zeros((2, 300, 3)))
    with open_trace(tmp_path / "run.h5") as trace:
        assert "check/step" not in trace


def test_a_memory_of_another_shape_is_refused_with_its_window(tmp_path):
    with recorder_for(tmp_path / "run.h5", SIZES, checks=True) as recorder:
        with pytest.raises(ConfigError, match=r"check: expected shape \[2, 300, 3\], found \[300, 3\]"):
            recorder.append(events(10), episode=0, check=np.zeros((300, 3)))
        assert recorder.n_steps == 0


def test_all_slots_of_a_small_memory_are_chosen():
    np.testing.assert_array_equal(chosen_slots(np.array([[3]]), 12, 0), np.arange(12))
    assert CHECK_STEPS >= 64


def test_rows_that_no_committed_step_stands_for_are_not_shown(tmp_path):
    path = tmp_path / "run.h5"
    with recorder_for(path, SIZES, checks=True) as recorder:
        for window in range(6):
            recorder.append(events(100, window), episode=0, check=np.zeros((2, 300, 3)))
    with h5py.File(path, "r+") as file:
        file["n_steps"][0] = 399
        file["status"][0] = 0
        assert file["check/step"][:].tolist() == [99, 99, 399, 399]
    with open_trace(path) as trace:
        assert trace["check/step"][:].tolist() == [99, 99]
        assert trace["check/row"].shape == (2, 256, 3)
    with h5py.File(path, "r+") as file:  # what was never written reads as -1
        file["n_steps"][0] = 600
        for name, length in (("step", 8), ("batch", 7), ("slot", 5), ("row", 3)):
            file[f"check/{name}"].resize(length, axis=0)
    with open_trace(path) as trace:
        assert trace["check/step"][:].tolist() == [99, 99, 399]
        assert trace["check/row"].shape == (3, 256, 3)
