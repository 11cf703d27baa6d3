import itertools

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.recorder.fields import INPUT, OUTPUT, SOURCE
from samviz.trace import Episode, open_trace
from samviz.trace.schema import DATASETS, EVENTS, LINK_EVENTS
from tests.builders import make_dimensions, random_events, recorder_for, window


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    windows=st.lists(st.integers(0, 70), max_size=5),
    batch=st.integers(1, 3),
    heads=st.integers(1, 3),
    reads=st.integers(1, 4),
    slots=st.integers(4, 40),
    word_size=st.integers(1, 5),
    links=st.integers(0, 3),
    chunk_steps=st.sampled_from([1, 7, 16, 24, 64]),
)
def test_what_is_written_is_read(
    tmp_path_factory, seed, windows, batch, heads, reads, slots, word_size, links, chunk_steps
):
    rng = np.random.default_rng(seed)
    sizes = make_dimensions(
        batch=batch,
        heads=heads,
        reads=reads,
        slots=slots,
        word_size=word_size,
        links=links,
        input_size=3,
        output_size=2,
        source_size=1,
    )
    steps = sum(windows)
    events = random_events(rng, steps, sizes)
    io = {
        "input": rng.normal(size=(steps, batch, 3)).astype("f4"),
        "output": rng.normal(size=(steps, batch, 2)).astype("f4"),
        "target": rng.normal(size=(steps, batch, 2)).astype("f4"),
        "mask": rng.random((steps, batch)) < 0.5,
        "loss": rng.random((steps, batch)).astype("f4"),
        "source": rng.integers(-1, np.arange(steps)[:, None, None], (steps, batch, 1)),
    }
    path = tmp_path_factory.mktemp("trip") / "run.h5"
    with recorder_for(path, sizes, chunk_steps=chunk_steps) as recorder:
        at = 0
        for number, length in enumerate(windows):
            told = {name: array[at : at + length] for name, array in io.items()}
            # steps that the model counts from the start of the recording need no conversion
            recorder.append(window(events, at, at + length), episode=number, first_step=at, **told)
            at += length
        assert recorder.n_steps == steps
    with open_trace(path) as trace:
        assert len(trace) == steps
        assert trace.status == "complete"
        assert trace.dimensions == sizes
        for field, name in (EVENTS | (LINK_EVENTS if links else {})).items():
            np.testing.assert_array_equal(trace[name][:], getattr(events, field).numpy(), err_msg=name)
        for field, name in (INPUT | OUTPUT | SOURCE).items():
            np.testing.assert_array_equal(trace[name][:], io[field], err_msg=name)
        bounds = np.cumsum([0, *windows]).tolist()
        expected = [
            Episode(number, start, stop)
            for number, (start, stop) in enumerate(itertools.pairwise(bounds))
            if stop > start
        ]
        assert list(trace.episodes) == expected
        for t in rng.integers(0, steps, 3) if steps else []:
            episode = trace.episode_at(int(t))
            assert episode.start <= t < episode.stop


def test_every_field_of_the_events_has_a_dataset():
    from samviz.model.events import Events

    assert set(Events._fields) <= set(EVENTS) | set(LINK_EVENTS)
    named = [*EVENTS.values(), *LINK_EVENTS.values(), *INPUT.values(), *OUTPUT.values(), *SOURCE.values()]
    assert len(set(named)) == len(named)
    required = {name for name, row in DATASETS.items() if row.per_step and row.need != "optional"}
    assert required <= {*named, "episode"}


def test_steps_of_the_model_become_steps_of_the_trace(tmp_path):
    """The model's step 3 is the trace's step 3 + appended - first_step; what lies before the trace is -1."""
    sizes = make_dimensions(source_size=2)
    events = random_events(np.random.default_rng(0), 4, sizes)
    for field in (events.read_usage, events.write_usage):
        field[:] = torch.tensor([-1, 0, 3, 12], dtype=torch.int32)[:, None, None, None]
    source = np.stack([np.array([-1, 0, 3, 12]), np.full(4, -1)], axis=-1)[:, None]
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(events, episode=0, first_step=10, source=source)  # recording began late: shift -10
        recorder.append(events, episode=1, first_step=13, source=source)  # shift -9
        recorder.append(events, episode=1, first_step=17, source=source)  # same shift, mid-episode
    with open_trace(tmp_path / "run.h5") as trace:
        expected = [-1, -1, -1, 2, -1, -1, -1, 3, -1, -1, -1, 3]
        assert trace["usage/read"][:, 0, 0, 0].tolist() == expected
        assert trace["usage/write"][:, 0, 1, 2].tolist() == expected
        assert trace["io/source"][:, 0, 0].tolist() == expected
        assert (trace["io/source"][:, 0, 1] == -1).all()


def test_what_the_model_changes_later_does_not_reach_the_file(tmp_path):
    sizes = make_dimensions(input_size=1)
    events = random_events(np.random.default_rng(0), 5, sizes)
    told = [getattr(events, name) for name in EVENTS]
    kept = [field.clone() for field in told]
    inputs = np.ones((5, 1, 1))
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(events, episode=0, input=inputs)
        inputs[:] = 7
        for field in told:
            field.zero_()
    with open_trace(tmp_path / "run.h5") as trace:
        assert (trace["io/input"][:] == 1).all()
        for name, field in zip(EVENTS.values(), kept, strict=True):
            np.testing.assert_array_equal(trace[name][:], field.numpy())


def test_double_precision_is_stored_as_single(tmp_path):
    sizes = make_dimensions()
    events = random_events(np.random.default_rng(0), 5, sizes)
    doubled = events._make(
        field.double() * 1.1 if field is not None and field.is_floating_point() else field for field in events
    )
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(doubled, episode=0)
    with open_trace(tmp_path / "run.h5") as trace:
        np.testing.assert_array_equal(trace["write/row"][:], doubled.write_row.float().numpy())


def test_what_is_not_told_reads_as_unknown(tmp_path):
    sizes = make_dimensions(input_size=2, output_size=2, source_size=1)
    events = random_events(np.random.default_rng(0), 5, sizes)
    known = {"input": torch.zeros(5, 1, 2), "output": torch.zeros(5, 1, 2)}
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(events, episode=0, **known)
        recorder.append(events, episode=1, target=torch.zeros(5, 1, 2), **known)
    with open_trace(tmp_path / "run.h5") as trace:
        assert np.isnan(trace["io/target"][:5]).all()
        assert np.isnan(trace["io/loss"][:]).all()
        assert trace["io/mask"][:, 0].tolist() == [0] * 5 + [1] * 5
        assert (trace["io/source"][:] == -1).all()


def test_an_sdnc_trace_holds_its_links(tmp_path):
    sizes = make_dimensions(links=8, read_entries=6, write_entries=7)
    rng = np.random.default_rng(0)
    from types import SimpleNamespace

    from tests.builders import random_arrays

    arrays = random_arrays(rng, 9, sizes)
    for field, name in LINK_EVENTS.items():
        shape = (9, *DATASETS[name].step_shape(sizes.symbols()))
        arrays[field] = (
            rng.integers(-1, 12, shape) if field.endswith("slot") else rng.random(shape).astype("f4")
        )
    with recorder_for(tmp_path / "run.h5", sizes) as recorder:
        recorder.append(SimpleNamespace(**arrays), episode=0)
    with open_trace(tmp_path / "run.h5") as trace:
        assert trace.dimensions == sizes
        for field, name in LINK_EVENTS.items():
            np.testing.assert_array_equal(trace[name][:], arrays[field], err_msg=name)


def test_the_checkpoint_comes_back_byte_for_byte(tmp_path):
    weights = np.random.default_rng(0).bytes(2**20 + 5)
    recorder_for(tmp_path / "run.h5", make_dimensions(), weights=weights).close()
    with open_trace(tmp_path / "run.h5") as trace:
        assert trace["model/weights"][:].tobytes() == weights
