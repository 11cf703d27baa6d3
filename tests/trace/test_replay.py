from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import ConfigError, TraceError
from samviz.kernels.inverted import merge_entries
from samviz.trace import open_trace
from samviz.trace.memory import accesses, entries, replay
from tests.builders import add_start, make_dimensions, random_events, write_trace

DELTA = np.float32(0.005)


def memory_by_hand(events, sizes, start, t, batch, before):
    memory = before.copy()
    for step in range(start, t + 1):
        for head in range(sizes.heads):
            for slot, row in zip(
                events.write_slot[step, batch, head], events.write_row[step, batch, head], strict=True
            ):
                if slot >= 0:
                    memory[slot] = row
    return memory


def usage_by_hand(events, sizes, start, t, batch, before):
    last = before.copy()
    pairs = [(events.read_slot, events.read_weight), (events.write_slot, events.write_weight)]
    for step in range(start, t + 1):
        for head in range(sizes.heads):
            for slots, weights in pairs:
                merged = np.zeros(sizes.slots, np.float32)
                for slot, weight in zip(slots[step, batch, head], weights[step, batch, head], strict=True):
                    if slot >= 0:
                        merged[slot] += weight
                last[merged > DELTA] = step
    return last


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, 25), min_size=1, max_size=4),
    heads=st.integers(1, 3),
    reads=st.integers(1, 3),
    batch=st.integers(1, 2),
    slots=st.integers(3, 30),
    with_start=st.booleans(),
    block_bytes=st.sampled_from([1, 2000, 2**20]),
    walked=st.sampled_from([0, 20, 2**21]),  # entries after which the index is asked
)
def test_memory_and_usage_are_what_one_gets_step_by_step(
    tmp_path_factory, seed, lengths, heads, reads, batch, slots, with_start, block_bytes, walked
):
    rng = np.random.default_rng(seed)
    sizes = make_dimensions(heads=heads, reads=reads, batch=batch, slots=slots)
    events = random_events(rng, sum(lengths), sizes)
    path = write_trace(
        tmp_path_factory.mktemp("replay") / "run.h5", events, sizes, lengths[:-1], chunk_steps=4
    )
    rows = np.zeros((batch, slots, sizes.word_size), "f4")
    last = np.full((batch, slots), -1)
    if with_start:
        rows = rng.normal(size=rows.shape).astype("f4")
        last = rng.integers(-9, 0, last.shape)
        order = rng.permutation(batch * slots)
        element, slot = np.divmod(order, slots)
        add_start(path, slot, element, rows[element, slot], last[element, slot])
    with pytest.MonkeyPatch.context() as patch, open_trace(path) as trace:
        for module in (entries, replay):
            patch.setattr(module, "READ_BYTES", block_bytes)
        for module in (accesses, replay):
            patch.setattr(module, "WALKED_ENTRIES", walked)
        for t in rng.integers(0, sum(lengths), 4):
            element = int(rng.integers(batch))
            start = trace.episode_at(int(t)).start
            before = (rows if start == 0 else np.zeros_like(rows))[element]
            expected = memory_by_hand(events, sizes, start, t, element, before)
            found = trace.memory(int(t), batch=element)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, expected)
            some = rng.integers(0, slots, 5)
            np.testing.assert_array_equal(trace.memory(int(t), some, element), expected[some])
            never = (last if start == 0 else np.full_like(last, -1))[element]
            used = trace.usage(int(t), element)
            assert used.dtype == np.int64
            np.testing.assert_array_equal(used, usage_by_hand(events, sizes, start, t, element, never))


def one_step(tmp_path: Path, read, write) -> Path:
    """A trace of one step, one head: read and write are {slot: weights}."""
    sizes = make_dimensions(heads=1, reads=2)
    events = random_events(np.random.default_rng(0), 1, sizes)
    reads, writes = (
        (events.read_slot, events.read_weight, read),
        (events.write_slot, events.write_weight, write),
    )
    for slots, weights, told in (reads, writes):
        pairs = [(slot, weight) for slot, several in told.items() for weight in several]
        slots[:], weights[:] = -1, 0
        for entry, (slot, weight) in enumerate(pairs):
            slots[0, 0, 0, entry], weights[0, 0, 0, entry] = slot, float(weight)
    return write_trace(tmp_path / "one.h5", events, sizes)


def test_weights_of_one_slot_are_merged_before_they_meet_the_threshold(tmp_path):
    path = one_step(tmp_path, {4: [0.004]}, {7: [0.003, 0.003], 8: [0.004]})
    with open_trace(path) as trace:
        assert np.flatnonzero(trace.usage(0) == 0).tolist() == [7]


def test_reads_and_writes_are_not_added_to_each_other(tmp_path):
    path = one_step(tmp_path, {4: [0.004]}, {4: [0.004]})
    with open_trace(path) as trace:
        assert (trace.usage(0) == -1).all()


def test_a_weight_at_the_threshold_is_no_access(tmp_path):
    path = one_step(tmp_path, {4: [DELTA], 5: [np.nextafter(DELTA, np.float32(1))]}, {})
    with open_trace(path) as trace:
        assert np.flatnonzero(trace.usage(0) == 0).tolist() == [5]


def test_no_slots_asked_for_gives_no_rows(trace_path):
    with open_trace(trace_path) as trace:
        assert trace.memory(5, []).shape == (0, 3)


@pytest.mark.parametrize(
    "ask",
    [
        lambda trace: trace.memory(90),
        lambda trace: trace.memory(-1),
        lambda trace: trace.memory(0, batch=1),
        lambda trace: trace.memory(0, [12]),
        lambda trace: trace.memory(0, [-1]),
        lambda trace: trace.memory(0, [0.5]),
        lambda trace: trace.usage(90),
        lambda trace: trace.episode_at(90),
    ],
)
def test_questions_about_what_is_not_there_are_refused(trace_path, ask):
    with open_trace(trace_path) as trace, pytest.raises(ConfigError):
        ask(trace)


def test_a_memory_too_large_to_give_back_is_refused(trace_path, monkeypatch):
    monkeypatch.setattr("samviz.trace.reader.MEMORY_BYTES", 100)
    with open_trace(trace_path) as trace:
        assert trace.memory(5, [1, 2]).shape == (2, 3)
        with pytest.raises(ConfigError, match="ask for some slots"):
            trace.memory(5)


@pytest.mark.parametrize(("name", "value"), [("write/slot", 12), ("write/slot", -2), ("read/slot", 12)])
def test_a_slot_outside_the_memory_is_refused_before_it_indexes_anything(trace_path, name, value):
    with h5py.File(trace_path, "r+") as file:
        file[name][37, 0, 1, 0] = value
    with open_trace(trace_path) as trace:
        with pytest.raises(TraceError, match=f"/{name} step 37: expected slots from -1 to 11, found {value}"):
            trace.usage(39)
        assert trace.usage(20).shape == (12,)
        if name == "write/slot":
            with pytest.raises(TraceError, match="step 37"):
                trace.memory(39)


def test_a_start_slot_outside_the_memory_is_refused(trace_path):
    add_start(trace_path, [12], [0], np.zeros((1, 3)), [-1])
    said = "/start/slot: expected slots from 0 to 11, found 12"
    with open_trace(trace_path) as trace, pytest.raises(TraceError, match=said):
        trace.memory(0)


def test_a_last_access_that_is_a_step_of_the_trace_is_refused(trace_path):
    add_start(trace_path, [3, 4], [0, 0], np.zeros((2, 3)), [-1, 0])
    said = "/start/last_access row 1: expected a step before the recording: negative, found 0"
    with open_trace(trace_path) as trace, pytest.raises(TraceError, match=said):
        trace.usage(0)


def test_a_step_just_before_the_recording_is_told_from_never(trace_path):
    add_start(trace_path, [3, 4, 5], [0, 0, 0], np.ones((3, 3)), [-1, -2, -9])
    with open_trace(trace_path) as trace:
        assert trace.start_usage()[[2, 3, 4, 5]].tolist() == [-1, -1, -2, -9]
        assert (trace.usage(0) == np.where(trace.usage(0) < 0, trace.start_usage(), 0)).all()
        assert (trace.usage(60) >= -1).all()


def test_weights_that_are_not_finite_are_refused(trace_path):
    with h5py.File(trace_path, "r+") as file:
        file["read/weight"][37, 0, 1, 0] = np.nan
    with (
        open_trace(trace_path) as trace,
        pytest.raises(TraceError, match="/read/weight step 37: expected finite"),
    ):
        trace.usage(39)


def test_half_precision_rows_come_back_as_float32(tmp_path):
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 20, sizes)
    path = write_trace(tmp_path / "run.h5", events, sizes)
    with h5py.File(path, "r+") as file:
        rows = file["write/row"][:].astype("f2")
        del file["write/row"]
        file.create_dataset("write/row", data=rows, chunks=(16, *rows.shape[1:]))
    with open_trace(path) as trace:
        memory = trace.memory(19)
        assert memory.dtype == np.float32
        expected = memory_by_hand(events, sizes, 0, 19, 0, np.zeros((12, 3), "f4"))
        np.testing.assert_array_equal(memory, expected.astype("f2").astype("f4"))


def test_merged_weights_add_up_per_head_and_slot():
    rng = np.random.default_rng(2)
    for shape in ((1, 1, 1), (7, 3, 5), (20, 2, 12), (0, 2, 3), (3, 2, entries.MANY_ENTRIES + 1)):
        slot = rng.integers(-1, 4, shape).astype(np.int32)
        weight = rng.random(shape).astype(np.float32)
        expected = np.zeros(shape)
        for place in np.ndindex(*shape):
            same = slot[place[:2]] == slot[place]
            expected[place] = weight[place[:2]][same].sum()
        np.testing.assert_allclose(entries.merged_weights(slot, weight), expected, rtol=1e-6)


@pytest.mark.parametrize("length", [entries.MANY_ENTRIES, entries.MANY_ENTRIES + 1, 200])
@pytest.mark.parametrize("others", [0, 3, 60])
def test_merged_weights_are_added_in_the_order_of_the_entries(length, others):
    """Bit for bit as the compiled kernel and a plain loop do it, 40 of a slot or more."""
    rng = np.random.default_rng(length + others)
    slot = rng.integers(-1, others + 1, (5, 2, length)).astype(np.int32)
    weight = rng.random(slot.shape).astype(np.float32)
    expected, compiled = np.zeros_like(weight), np.empty_like(weight)
    for place in np.ndindex(*slot.shape):
        for other in range(length):
            if slot[place[:2]][other] == slot[place]:
                expected[place] += weight[place[:2]][other]
    merge_entries(slot, weight, compiled)
    for found in (compiled, entries.merged_weights(slot, weight)):
        np.testing.assert_array_equal(found.view("u4"), expected.view("u4"))
