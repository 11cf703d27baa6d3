"""Training while an episode is recorded again and again."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import samviz
from samviz.checkpoint import load_checkpoint
from samviz.errors import CheckpointError, ConfigError, TraceError
from samviz.session import TrainingRun
from samviz.training import TrainingConfig, read_metrics

CONFIG = TrainingConfig(
    task="recall",
    task_settings={"min_items": 1, "max_items": 2},
    model_settings={"slots": 16, "hidden_size": 8, "word_size": 6},
    batch=2,
    seed=4,
)


def run(folder: Path, **more: object) -> TrainingRun:
    return TrainingRun(config=CONFIG, out=folder, **({"steps": 12} | more))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(folder).model().state_dict()


def test_recording_changes_no_bit_of_the_run(tmp_path: Path) -> None:
    plain, watched = run(tmp_path / "a"), run(tmp_path / "b", trace=tmp_path / "t.h5", record_every=3)
    for one in (plain, watched):
        one.train(one.open())
    assert read_metrics(plain.out) == read_metrics(watched.out)
    left, right = weights(plain.out), weights(watched.out)
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_the_trace_shows_one_episode_at_each_of_the_steps(tmp_path: Path) -> None:
    watched = run(tmp_path / "run", trace=tmp_path / "t.h5", record_every=5)
    watched.train(watched.open())
    with samviz.open(tmp_path / "t.h5") as trace:
        episodes = trace.episodes
        assert [trace["io/train_step"][episode.start, 0] for episode in episodes] == [0, 5, 10]
        first, last = (trace["io/input"][e.start : e.stop] for e in (episodes[0], episodes[-1]))
        assert np.array_equal(first, last)
        assert not np.array_equal(*(trace["io/output"][e.stop - 1] for e in (episodes[0], episodes[-1])))
        assert "model/weights" not in trace
        assert trace.status == "complete"


def test_each_episode_can_be_read_while_training_goes_on(tmp_path: Path) -> None:
    path, seen = tmp_path / "t.h5", []
    watched = run(tmp_path / "run", trace=path, record_every=4)

    def look(_: object) -> None:
        with samviz.open(path) as trace:
            seen.append(len(trace.episodes))

    watched.train(watched.open(), look)
    assert seen == [1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4]


def test_a_resumed_run_records_into_a_new_file(tmp_path: Path) -> None:
    first = run(tmp_path / "run", steps=6, trace=tmp_path / "a.h5", record_every=3)
    first.train(first.open())
    again = dataclasses.replace(first, steps=9, resume=True)
    with pytest.raises(TraceError, match="one that exists"):
        again.train(again.open())
    again = dataclasses.replace(again, trace=tmp_path / "b.h5")
    again.train(again.open())
    with samviz.open(tmp_path / "b.h5") as trace:
        assert [trace["io/train_step"][episode.start, 0] for episode in trace.episodes] == [6, 9]


def test_a_trace_that_is_full_ends_with_one_warning_and_training_goes_on(tmp_path: Path) -> None:
    path, said = tmp_path / "t.h5", []
    watched = run(tmp_path / "run", trace=path, record_every=1, size_limit=150_000)
    watched.train(watched.open(), say=said.append)
    assert said[0].startswith("recording an episode every 1 steps to ")
    (warning,) = said[1:]
    assert "its size limit is 150,000 bytes" in warning
    assert warning.endswith("; training goes on")
    assert len(read_metrics(watched.out)) == 12
    with samviz.open(path) as trace:
        assert trace.status == "stopped early"
        assert f"its first {len(trace):,} steps are safe" in warning
        assert 0 < len(trace.episodes) < 13, path.stat().st_size
    assert path.stat().st_size <= 150_000


def test_a_used_folder_is_refused_and_an_lstm_has_nothing_to_record(tmp_path: Path) -> None:
    one = run(tmp_path / "run")
    one.train(one.open())
    with pytest.raises(CheckpointError, match="--resume"):
        one.open()
    lstm = TrainingConfig(task="copy", model="lstm")
    watched = TrainingRun(config=lstm, out=tmp_path / "lstm", steps=2, trace=tmp_path / "t.h5")
    with pytest.raises(ConfigError, match="no memory"):
        watched.train(watched.open())
