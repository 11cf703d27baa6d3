"""Other people's models: a memory told step by step comes back from the trace as it was."""

import os
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import ConfigError, SamvizError, TraceError
from samviz.recorder import Recorder
from samviz.trace import Trace, open_trace
from tests.builders import make_dimensions, random_arrays, recorder_for

N, W, H = 6, 3, 2
SIZES: dict[str, Any] = {"slots": N, "word_size": W, "heads": H}
RNG = np.random.default_rng(0)
DENSE = RNG.dirichlet(np.ones(N), H).astype("f4")
ROWS = RNG.normal(size=(N, W)).astype("f4")
STEP: dict[str, Any] = {"read_weight": DENSE, "write_slot": 4, "write_weight": 1.0, "memory": ROWS}


def recorded(path, *steps: dict[str, Any], **sizes: Any) -> Trace:
    with Recorder(path / "run.h5", **(SIZES | sizes)) as recorder:
        for step in steps:
            recorder.step(**step)
    return open_trace(path / "run.h5")


def refused(error: type[SamvizError], call) -> str:
    with pytest.raises(error) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    lengths=st.lists(st.integers(1, 8), min_size=1, max_size=3),
    batch=st.integers(1, 2),
    heads=st.integers(1, 3),
    reads=st.integers(1, 4),
    writes=st.integers(1, 3),
    slots=st.integers(4, 9),
    dense=st.booleans(),
    one_writer=st.booleans(),
    windowed=st.booleans(),
)
def test_the_memory_its_reads_and_its_usage_are_told_back(
    tmp_path_factory, seed, lengths, batch, heads, reads, writes, slots, dense, one_writer, windowed
):
    rng = np.random.default_rng(seed)
    steps = sum(lengths)
    told = model_run(rng, lengths, batch, heads, reads, writes, slots, dense, one_writer)
    path = tmp_path_factory.mktemp("steps") / "run.h5"
    with Recorder(path, slots=slots, word_size=W, heads=heads, batch=batch, chunk_steps=4) as recorder:
        at = 0
        for number, length in enumerate(lengths):
            if windowed:
                recorder.append({f: a[at : at + length] for f, a in told.items()}, episode=number)
            else:
                for t in range(at, at + length):
                    recorder.step(**{field: array[t] for field, array in told.items()}, episode=number)
            at += length
        assert recorder.n_steps == steps
        assert recorder.left_out == 0
    with open_trace(path) as trace:
        assert len(trace) == steps
        read = trace["read/weight"][:]
        slot = trace["read/slot"][:]
        expected_slot = told.get("read_slot", np.broadcast_to(np.arange(slots), (steps, batch, heads, slots)))
        np.testing.assert_array_equal(slot, expected_slot)
        np.testing.assert_array_equal(read, np.where(slot < 0, 0, told["read_weight"]))
        for t in range(steps):
            for b in range(batch):
                np.testing.assert_array_equal(trace.memory(t, batch=b), told["memory"][t, b])
                begins = trace.episode_at(t, b).start == t
                before = np.full(slots, -1) if begins else trace.usage(t - 1, b)
                for kind in ("read", "write"):
                    named = trace[f"{kind}/slot"][t, b]
                    usage = np.where(named < 0, -1, before[named])
                    np.testing.assert_array_equal(trace[f"usage/{kind}"][t, b], usage)


def model_run(rng, lengths, batch, heads, reads, writes, slots, dense, one_writer):
    """A memory [T, B, N, W] that some heads write to, at random; some weights lie below the threshold."""
    steps, writers = sum(lengths), 1 if one_writer else heads
    memory = np.zeros((steps, batch, slots, W), "f4")
    write_slot = rng.integers(-1, slots, (steps, batch, writers, writes))
    for t in range(steps):
        if t not in np.cumsum([0, *lengths]):
            memory[t] = memory[t - 1]
        for b in range(batch):
            written = np.unique(write_slot[t, b])
            written = written[written >= 0]
            memory[t, b, written] = rng.normal(size=(written.size, W))
    lead = (steps, batch, heads)
    told: dict[str, Any] = {
        "write_slot": write_slot,
        "write_weight": weights(rng, write_slot.shape),
        "memory": memory,
    }
    if dense:
        return told | {"read_weight": weights(rng, (*lead, slots))}
    read_slot = np.argsort(rng.random((*lead, slots)), axis=-1)[..., :reads]
    read_slot[rng.random(read_slot.shape) < 0.2] = -1
    return told | {"read_slot": read_slot, "read_weight": weights(rng, read_slot.shape)}


def weights(rng, shape):
    return np.where(rng.random(shape) < 0.5, rng.uniform(0, 0.006, shape), rng.random(shape)).astype("f4")


def test_axes_of_size_one_may_be_left_out(tmp_path):
    trace = recorded(tmp_path, {**STEP, "read_weight": DENSE[0], "read_query": ROWS[0], "loss": 0.5}, heads=1)
    np.testing.assert_array_equal(trace["read/weight"][0, 0], DENSE[:1])
    assert trace["write/slot"][:].tolist() == [[[[4]]]]
    np.testing.assert_array_equal(trace["write/row"][0, 0, 0, 0], ROWS[4])
    np.testing.assert_array_equal(trace["read/query"][0, 0, 0], ROWS[0])
    assert trace["io/loss"][:].tolist() == [[0.5]]


def test_what_belongs_to_no_head_is_written_by_head_0(tmp_path):
    trace = recorded(tmp_path, {**STEP, "write_slot": [4, 1], "write_weight": [1.0, 0.5]})
    assert trace["write/slot"][0, 0].tolist() == [[4, 1], [-1, -1]]
    assert trace["write/weight"][0, 0].tolist() == [[1, 0.5], [0, 0]]
    assert (trace["write/row"][0, 0, 1] == 0).all()


def test_columns_that_are_not_told_are_absent(tmp_path):
    trace = recorded(tmp_path, STEP)
    core = {"episode", "read/slot", "read/weight", "write/slot", "write/weight", "write/row"}
    assert set(trace.datasets) == core | {"usage/read", "usage/write"}
    assert trace.dimensions == make_dimensions(
        slots=N, word_size=W, heads=H, reads=N, read_entries=N, write_entries=1
    )
    assert not trace.last_write_erases


def test_columns_of_the_first_step_are_there_and_no_others(tmp_path):
    more = {"write_word": ROWS[:H], "beta": [1.0, 2.0], "input": [0.5, 1], "target": [1], "train_step": 7}
    trace = recorded(tmp_path, STEP | more, STEP | {**more, "target": None})
    found = set(trace.datasets) & {
        "write/word",
        "gate/beta",
        "io/input",
        "io/target",
        "io/mask",
        "io/train_step",
    }
    assert len(found) == 6
    assert "io/output" not in trace
    assert "gate/alpha" not in trace
    assert trace["io/mask"][:].tolist() == [[1], [0]]
    assert np.isnan(trace["io/target"][1]).all()
    assert trace["io/train_step"][:].tolist() == [[7], [7]]
    assert (trace.dimensions.input_size, trace.dimensions.output_size) == (2, 1)


def test_a_step_that_writes_nothing_or_reads_nothing_has_no_entries(tmp_path):
    trace = recorded(tmp_path, STEP, {"read_weight": DENSE}, {**STEP, "read_weight": None})
    assert trace["write/slot"][:, 0, 0, 0].tolist() == [4, -1, 4]
    assert trace["write/weight"][:, 0, 0, 0].tolist() == [1, 0, 1]
    assert (trace["read/slot"][2] == -1).all()
    np.testing.assert_array_equal(trace.memory(1), trace.memory(0))


def test_a_cache_that_is_not_full_has_entries_for_its_slots_alone(tmp_path):
    trace = recorded(tmp_path, {**STEP, "read_weight": DENSE[:, :2], "memory": ROWS[:5]})
    assert trace["read/slot"][0, 0, 1].tolist() == [0, 1, -1, -1, -1, -1]
    assert trace["read/weight"][0, 0, 1].tolist() == [*DENSE[1, :2].tolist(), 0, 0, 0, 0]


def test_of_dense_weights_the_largest_are_kept_where_the_trace_holds_fewer(tmp_path):
    weight = np.array([[0.1, -0.5, 0.25, 0.05, 0.0, 0.1], [0.0, 0.0, 0.0, 1.0, 0.0, 0.0]])
    score = np.arange(12).reshape(H, N) / 12
    with Recorder(tmp_path / "run.h5", **SIZES, read_entries=3) as recorder:
        recorder.step(**{**STEP, "read_weight": weight, "read_score": score})
        assert recorder.left_out == pytest.approx(0.15)
    trace = open_trace(tmp_path / "run.h5")
    assert (trace.dimensions.reads, trace.dimensions.read_entries) == (N, 3)
    assert trace["read/slot"][0, 0].tolist() == [[1, 2, 0], [3, -1, -1]]
    np.testing.assert_allclose(trace["read/weight"][0, 0], [[-0.5, 0.25, 0.1], [1, 0, 0]])
    np.testing.assert_allclose(trace["read/score"][0, 0], [[1 / 12, 2 / 12, 0], [9 / 12, 0, 0]], atol=1e-7)


def test_dense_writes_hold_every_row(tmp_path):
    trace = recorded(tmp_path, {"read_weight": DENSE, "write_weight": DENSE, "memory": ROWS})
    assert trace.dimensions.write_entries == N
    np.testing.assert_array_equal(trace.memory(0), ROWS)
    one_hot = {"read_weight": DENSE, "write_weight": np.eye(N)[2], "write_row": ROWS}
    with Recorder(tmp_path / "one.h5", **SIZES, write_entries=1) as recorder:
        recorder.step(**one_hot)
    found = open_trace(tmp_path / "one.h5")
    assert found["write/slot"][0, 0].tolist() == [[2], [-1]]
    np.testing.assert_array_equal(found.memory(0)[2], ROWS[2])


def test_recording_neither_needs_nor_changes_the_graph(tmp_path):
    grads = []
    for recorded_too in (False, True):
        torch.manual_seed(0)
        memory = torch.randn(N, W, requires_grad=True)
        weight = torch.softmax(torch.randn(H, N) @ (memory @ memory.T), -1)
        if recorded_too:
            with Recorder(tmp_path / "run.h5", **SIZES) as recorder:
                recorder.step(
                    read_weight=weight,
                    write_slot=[0],
                    write_weight=torch.ones(1),
                    memory=memory,
                    read_word=weight @ memory,
                    loss=weight.sum(),
                )
        (weight @ memory).square().sum().backward()
        grads.append(memory.grad)
    assert torch.equal(*grads)
    trace = open_trace(tmp_path / "run.h5")
    np.testing.assert_array_equal(trace.memory(0)[0], memory[0].detach().numpy())


def test_lists_of_tensors_and_half_precision_are_taken(tmp_path):
    half = torch.tensor(DENSE).to(torch.bfloat16)
    trace = recorded(tmp_path, {**STEP, "read_weight": [half[0], half[1]], "memory": ROWS.tolist()})
    np.testing.assert_array_equal(trace["read/weight"][0, 0], half.float().numpy())
    np.testing.assert_array_equal(trace.memory(0)[4], ROWS[4])


def test_what_is_changed_later_does_not_reach_the_file(tmp_path):
    memory, weight = ROWS.copy(), DENSE.copy()
    with Recorder(tmp_path / "run.h5", **SIZES) as recorder:
        recorder.step(**{**STEP, "memory": memory, "read_weight": weight})
        memory[:], weight[:] = 7, 7
    trace = open_trace(tmp_path / "run.h5")
    np.testing.assert_array_equal(trace.memory(0)[4], ROWS[4])
    np.testing.assert_array_equal(trace["read/weight"][0, 0], DENSE)


def test_an_episode_goes_on_until_another_is_named(tmp_path):
    steps = [STEP, {**STEP, "episode": 3}, STEP, {**STEP, "episode": 4}]
    trace = recorded(tmp_path, *steps)
    assert trace["episode"][:, 0].tolist() == [0, 3, 3, 4]
    assert trace["usage/write"][:, 0, 0, 0].tolist() == [-1, -1, 1, -1]


def test_the_sources_of_a_step_are_steps_of_the_trace(tmp_path):
    trace = recorded(tmp_path, STEP | {"source": [-1]}, STEP | {"source": [0]}, STEP)
    assert trace["io/source"][:, 0, 0].tolist() == [-1, 0, -1]


def test_a_model_that_keeps_its_usage_is_believed(tmp_path):
    arrays = random_arrays(np.random.default_rng(1), 5, make_dimensions(slots=N, word_size=W))
    with Recorder(tmp_path / "run.h5", **SIZES) as recorder:
        recorder.append(SimpleNamespace(**arrays))
    trace = open_trace(tmp_path / "run.h5")
    np.testing.assert_array_equal(trace["usage/read"][:], arrays["read_usage"])
    assert trace.dimensions.write_entries == 3


def test_the_usage_is_followed_where_the_columns_are_told_too(tmp_path):
    made_at_once = {"reads": N, "write_entries": 1, "columns": ()}
    with Recorder(tmp_path / "run.h5", **SIZES, **made_at_once) as recorder:
        assert (tmp_path / "run.h5").exists()
        recorder.step(**STEP)
        recorder.step(**STEP)
    assert open_trace(tmp_path / "run.h5")["usage/write"][:, 0, 0, 0].tolist() == [-1, 0]


def test_the_file_is_made_with_the_first_step(tmp_path):
    with Recorder(tmp_path / "run.h5", **SIZES) as recorder:
        recorder.commit()
        assert not os.listdir(tmp_path)
        recorder.step(**STEP)
        assert sorted(os.listdir(tmp_path)) == ["run.h5", "run.h5.lock"]


def test_a_recorder_without_a_step_makes_no_file(tmp_path):
    Recorder(tmp_path / "run.h5", **SIZES).close()
    assert not os.listdir(tmp_path)


def test_a_file_that_exists_is_refused_before_the_first_step(tmp_path):
    (tmp_path / "run.h5").write_bytes(b"precious")
    assert "found one that exists" in refused(TraceError, lambda: Recorder(tmp_path / "run.h5", **SIZES))


def test_what_the_memory_held_before(tmp_path):
    start = np.zeros((N, W))
    start[[1, 4]] = ROWS[[1, 4]]
    trace = recorded(
        tmp_path, {"read_weight": DENSE}, STEP | {"memory": -ROWS}, start_memory=torch.tensor(start)
    )
    np.testing.assert_array_equal(trace.memory(0), start.astype("f4"))
    start[4] = -ROWS[4]
    np.testing.assert_array_equal(trace.memory(1), start.astype("f4"))
    assert trace["start/slot"][:].tolist() == [1, 4]
    assert trace["start/last_access"][:].tolist() == [-1, -1]


def test_an_empty_memory_before_is_no_start(tmp_path):
    assert "start/slot" not in recorded(tmp_path, STEP, start_memory=np.zeros((N, W)))


def test_a_memory_that_was_full_holds_for_one_episode(tmp_path):
    call = lambda: recorded(tmp_path, STEP, STEP | {"episode": 1}, start_memory=ROWS)  # noqa: E731
    assert "start_memory holds for one episode" in refused(ConfigError, call)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"read_weight": DENSE[:1]}, "read_weight: expected shape [1, 2, n] of at most 6 slots, found [1, 1, 6]"),
    ({"read_weight": np.ones((H, 7))}, "of at most 6 slots, found [1, 2, 7]"),
    ({"read_weight": DENSE[None, None]}, "read_weight: expected one step [B, H, R] or fewer axes"),
    (
        {"read_weight": [[1, 2], [3]]},
        "read_weight: expected a tensor, an array or even lists of numbers, found list",
    ),
    ({"read_weight": "much"}, "read_weight: expected float32 or alike, found str"),
    ({"read_weight": np.full((H, N), np.nan)}, "read_weight: expected finite weights, found nan"),
    ({"read_slot": [[1, 1], [0, 2]], "read_weight": np.ones((H, 2))}, "once in a head's read, found 1 twice"),
    ({"read_slot": [[0], [1]], "read_weight": DENSE}, "read_slot: expected shape"),
    (
        {"read_weight": None, "read_slot": [[0], [1]]},
        "read_weight: expected the weights of read_slot, found none",
    ),
    ({"write_weight": None}, "write_weight: expected the weights of write_slot, found none"),
    ({"write_slot": 6}, "write_slot: expected slots from -1 to 5, found 6 to 6"),
    ({"write_slot": 1.0}, "write_slot: expected int32 or alike, found float64"),
    (
        {"write_slot": [1, 2], "write_weight": [1, 1]},
        "at most 1 entries, found [1, 1, 2]; for more make the recorder",
    ),
    ({"memory": None}, "write_row: expected the rows after the write, or memory, found neither"),
    ({"write_row": ROWS[0]}, "write_row: expected it or memory, found both"),
    ({"memory": None, "write_row": ROWS}, "write_row: expected shape [1, 1, 1, 3], found [1, 1, 6, 3]"),
    ({"memory": ROWS[:, :2]}, "memory: expected shape [1, 6, 3], found [1, 6, 2]"),
    ({"memory": ROWS[:4]}, "memory: expected shape [1, 6, 3], found [1, 4, 3]"),
    ({"alpha": [1, 1]}, "alpha: expected none, as the first step had none; give it from the first step on"),
    ({"loss": 1}, "loss: expected none, as the first step had none"),
    ({"read_query": None}, "read_query: expected a tensor, as the trace has this column, found none"),
    ({"read_query": ROWS}, "read_query: expected shape [1, 2, 3], found [1, 6, 3]"),
    ({"read_wieght": 1}, "read_wieght: no such column; expected some of read_slot, read_weight, "),
    ({"precedence_slot": 1}, "precedence_slot: no such column"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_step_that_does_not_fit_is_refused_and_the_next_recorded(tmp_path, change, said):
    good = {**STEP, "read_query": ROWS[:H]}
    with Recorder(tmp_path / "run.h5", **SIZES) as recorder:
        recorder.step(**good)
        assert said in refused(ConfigError, lambda: recorder.step(**{**good, **change}))
        recorder.step(**good)
    trace = open_trace(tmp_path / "run.h5")
    assert len(trace) == 2
    assert trace["usage/write"][:, 0, 0, 0].tolist() == [-1, 0]


FIRST: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"memory": None}, "write_row: expected the rows"),
    ({}, {"read_weight": None}, "reads: expected the number of slots that a head reads"),
    ({"reads": 4}, {}, "found 6; to record the 4 largest alone, make it with read_entries=4, without reads"),
    (
        {"write_entries": 2},
        {"write_slot": None, "write_weight": DENSE},
        "write_weight: expected at most 2 slots with a weight, found 6; a write cannot be left out",
    ),
    ({}, {"input": []}, "input: expected at least one value in a step, found shape [1, 1, 0]"),
]


@pytest.mark.parametrize(("sizes", "change", "said"), FIRST)
def test_a_first_step_that_does_not_fit_leaves_no_file(tmp_path, sizes, change, said):
    recorder = Recorder(tmp_path / "run.h5", **SIZES, **sizes)
    assert said in refused(ConfigError, lambda: recorder.step(**{**STEP, **change}))
    recorder.close()
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"columns": ("query",)}, "columns: expected some of read_score, read_query"),
        ({"slots": 0}, "slots: expected an integer from 1"),
        ({"start_memory": ROWS[:2]}, "start_memory: expected shape [1, 6, 3], found [1, 2, 3]"),
        ({"start_memory": "full"}, "start_memory: expected float32 or alike"),
    ],
)
def test_settings_that_do_not_fit(tmp_path, settings, said):
    assert said in refused(ConfigError, lambda: Recorder(tmp_path / "run.h5", **(SIZES | settings)))


def test_an_empty_step_is_none(tmp_path):
    with Recorder(tmp_path / "run.h5", **SIZES) as recorder:
        assert "found nothing" in refused(ConfigError, recorder.step)
        assert "read_weight: expected axes [T, B, ...]" in refused(
            ConfigError, lambda: recorder.append({"read_weight": 1.0})
        )
        assert "events.weight: no such column" in refused(
            ConfigError, lambda: recorder.append({"weight": DENSE})
        )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"precedence_slot": [[0]]},
            "precedence_slot: expected none, as the recorder was made without links",
        ),
        (
            {"train_step": 3},
            "train_step: expected none, as the recorder was made without it; give training",
        ),
        ({"loss": [0.1]}, "loss: expected none, as the recorder was made without its size; give the size"),
    ],
)
def test_what_the_recorder_was_not_made_for_is_refused(tmp_path, told, said):
    with recorder_for(tmp_path / "run.h5", make_dimensions()) as recorder:
        io = {name: value for name, value in told.items() if name in ("train_step", "loss")}
        events = random_arrays(np.random.default_rng(0), 1, make_dimensions())
        assert said in refused(ConfigError, lambda: recorder.append(events | (told if not io else {}), **io))
