"""Recording: what comes out, and that it changes nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch

import samviz
from samviz import session
from samviz.errors import CheckpointError, ConfigError
from samviz.recorder import Recorder
from samviz.tasks import Copy, Recall, loss_bits, make_task, wrong_elements
from tests.builders import fresh_checkpoint


def test_the_shipped_model_answers() -> None:
    checkpoint = session.shipped_checkpoint("recall", "sam")
    measured = session.evaluate(checkpoint.model(), checkpoint.task(), episodes=200, seed=9)
    assert measured.wrong < 0.1
    assert measured.failed < 0.05
    stated = checkpoint.recipe["measured"]
    assert measured.wrong == pytest.approx(stated["wrong_bits"], abs=0.1)


def test_a_trace_says_what_the_model_answered(tmp_path: Path) -> None:
    checkpoint = session.shipped_checkpoint("recall", "sam")
    model, task = checkpoint.model(slots=32), checkpoint.task(max_items=4)
    path = tmp_path / "a.h5"
    assert session.record(checkpoint, task, model, path, episodes=5, seed=3) == 5
    with samviz.open(path) as trace:
        assert trace.status == "complete"
        assert len(trace.episodes) == 5
        assert trace.meta["checkpoint_sha256"] == checkpoint.sha256
        assert trace.meta["task"]["settings"]["max_items"] == 4
        assert trace.dimensions.slots == 32
        assert trace["model/weights"][:].tobytes() == checkpoint.weights
        for episode in trace.episodes:
            batch = task.sample(np.random.default_rng([3, episode.number]), 1)
            output, state, _ = model(batch.inputs)
            assert np.array_equal(trace["io/output"][episode.start : episode.stop], output.detach().numpy())
            assert np.array_equal(trace.memory(episode.stop - 1), state.memory.word[0].numpy())
            last = state.memory.tensors.last_access[0].numpy()
            assert np.array_equal(trace.usage(episode.stop - 1), np.where(last < 0, -1, last + episode.start))


def test_recording_changes_no_output_loss_or_gradient(tmp_path: Path) -> None:
    task, results = Recall(), []
    for recorded in (False, True):
        torch.manual_seed(0)
        model = session.shipped_checkpoint("recall", "sam").model()
        sizes = model.config
        batch = task.sample(np.random.default_rng(1), 2)
        output, _, events = model(batch.inputs, events=recorded)
        loss = loss_bits(output, batch, "bits")
        if recorded:
            with Recorder(
                tmp_path / "a.h5",
                slots=sizes.slots,
                word_size=sizes.word_size,
                heads=sizes.heads,
                reads=sizes.reads,
                batch=2,
                output_size=8,
            ) as recorder:
                recorder.append(events, episode=0, output=output, loss=loss)
        loss.sum().backward()
        results.append([output, loss, *(parameter.grad for parameter in model.parameters())])
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


def test_the_same_seed_records_the_same(tmp_path: Path) -> None:
    checkpoint = session.shipped_checkpoint("recall", "sam")
    traces = []
    for name in ("a.h5", "b.h5"):
        path = tmp_path / name
        session.record(checkpoint, checkpoint.task(), checkpoint.model(), path, episodes=3, seed=8)
        traces.append(samviz.open(path))
    for name in traces[0].datasets:
        assert np.array_equal(traces[0][name][:], traces[1][name][:]), name


def test_a_task_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    checkpoint = session.shipped_checkpoint("recall", "sam")
    with pytest.raises(CheckpointError, match="11 inputs a step, but task copy has 9"):
        session.record(checkpoint, Copy(), checkpoint.model(), tmp_path / "a.h5", episodes=1, seed=0)
    with pytest.raises(CheckpointError, match="no trained dam for copy"):
        session.shipped_checkpoint("copy", "dam")
    assert not list(tmp_path.iterdir())


def test_errors_are_counted_per_sequence() -> None:
    task = make_task("copy", {"min_items": 2, "max_items": 2})
    batch = task.sample(np.random.default_rng(0), 4)
    assert wrong_elements(torch.full_like(batch.targets, -1.0), batch, "bits").sum(0).tolist() == [
        int(total) for total in batch.targets.sum((0, 2))
    ]


@pytest.mark.parametrize(
    ("name", "gates", "erases"),
    [
        ("dam", {"gate/alpha", "gate/gamma", "gate/beta"}, True),
        ("ntm", {"gate/beta"}, False),
        ("dnc", {"gate/beta", "gate/mode"}, False),
    ],
)
def test_a_dense_trace_says_what_the_model_did(
    tmp_path: Path, name: str, gates: set[str], erases: bool
) -> None:
    checkpoint = fresh_checkpoint(tmp_path / "run", name, slots=9, word_size=5, heads=2)
    model, task, path = checkpoint.model(), checkpoint.task(), tmp_path / "a.h5"
    session.record(checkpoint, task, model, path, episodes=3, seed=3)
    with samviz.open(path) as trace:
        assert trace.meta["model"]["class"] == name.upper()
        assert trace.last_write_erases == erases
        assert trace.dimensions.read_entries == 9
        assert trace.dimensions.write_entries == 9 + erases
        assert {column for column in trace.datasets if column.startswith("gate/")} == gates
        for episode in trace.episodes:
            batch = task.sample(np.random.default_rng([3, episode.number]), 1)
            with torch.no_grad():
                output, state, _ = model(batch.inputs)
            assert np.array_equal(trace["io/output"][episode.start : episode.stop], output.numpy())
            assert np.array_equal(trace.memory(episode.stop - 1), state.memory[0].numpy())
            last = state.last_access[0].numpy()
            assert np.array_equal(trace.usage(episode.stop - 1), np.where(last < 0, -1, last + episode.start))


def test_the_trace_of_an_sdnc_says_what_the_model_did(tmp_path: Path) -> None:
    checkpoint = fresh_checkpoint(tmp_path / "run", "sdnc", slots=9, word_size=5, heads=2, reads=3, links=4)
    model, task, path = checkpoint.model(), checkpoint.task(), tmp_path / "a.h5"
    session.record(checkpoint, task, model, path, episodes=3, seed=3)
    with samviz.open(path) as trace:
        sizes = trace.dimensions
        assert (sizes.links, sizes.reads, sizes.read_entries, sizes.write_entries) == (4, 3, 9, 10)
        assert trace.meta["model"]["config"]["links"] == 4
        assert trace.last_write_erases
        for episode in trace.episodes:
            batch = task.sample(np.random.default_rng([3, episode.number]), 1)
            output, state, _ = model(batch.inputs)
            assert np.array_equal(trace["io/output"][episode.start : episode.stop], output.detach().numpy())
            assert np.array_equal(trace.memory(episode.stop - 1), state.memory.word[0].numpy())
            precedence = trace["link/precedence_weight"][episode.stop - 1]
            assert np.array_equal(precedence, state.memory.links.precedence_weight.numpy())


def test_what_cannot_be_recorded_is_refused_before_a_file_is_made(tmp_path: Path) -> None:
    for name, sizes, said in (
        ("lstm", {}, "an LSTM has no memory to record"),
        ("ntm", {"slots": 9000}, "/write/row: a chunk may hold .* or a memory of fewer slots"),
    ):
        checkpoint = fresh_checkpoint(tmp_path / name, name, **sizes)
        with pytest.raises(ConfigError, match=said):
            session.record(
                checkpoint, checkpoint.task(), checkpoint.model(), tmp_path / "a.h5", episodes=1, seed=0
            )
    assert not list(tmp_path.glob("*.h5*"))


def test_an_lstm_can_be_measured(tmp_path: Path) -> None:
    checkpoint = fresh_checkpoint(tmp_path, "lstm")
    measured = session.evaluate(checkpoint.model(), checkpoint.task(), episodes=3, seed=0)
    assert 10 < measured.loss_bits < 30
