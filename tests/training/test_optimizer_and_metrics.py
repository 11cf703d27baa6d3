"""Learning rates, RMSProp, and what is written about a run."""

import dataclasses
from pathlib import Path

import pytest

from samviz.errors import CheckpointError, ConfigError
from samviz.training import METRICS, RecentMeans, StepReport, Trainer, TrainingConfig, read_metrics, train

CONFIG = TrainingConfig(
    task="copy",
    task_settings={"max_items": 2},
    model_settings={"slots": 16, "hidden_size": 8, "word_size": 6},
    batch=2,
)


def test_the_learning_rate_rises_and_then_halves() -> None:
    config = TrainingConfig(task="copy", learning_rate=0.1, warm_up=4, half_life=10)
    assert [config.learning_rate_at(step) for step in (0, 1)] == pytest.approx([0.025, 0.05 * 0.5**0.1])
    assert config.learning_rate_at(10) == pytest.approx(0.05)
    assert config.learning_rate_at(30) == pytest.approx(0.0125)
    assert TrainingConfig(task="copy").learning_rate_at(10**6) == 1e-3


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_every_optimizer_resumes_where_it_was(tmp_path: Path, optimizer: str) -> None:
    config = dataclasses.replace(CONFIG, optimizer=optimizer, warm_up=5, half_life=7)
    train(Trainer.start(config), tmp_path / "whole", 12, checkpoint_every=5)
    train(Trainer.start(config), tmp_path / "broken", 7, checkpoint_every=5)
    train(Trainer.resume(config, tmp_path / "broken"), tmp_path / "broken", 12, checkpoint_every=5)
    assert read_metrics(tmp_path / "broken") == read_metrics(tmp_path / "whole")


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ConfigError, match="adam, rmsprop, found 'sgd'"):
        TrainingConfig(task="copy", optimizer="sgd")


def test_tensorboard_has_the_means_of_ten_steps(tmp_path: Path) -> None:
    train(Trainer.start(CONFIG), tmp_path, 20)
    (events,) = (tmp_path / "tensorboard").iterdir()
    written = events.read_bytes()
    assert written.count(b"loss_bits") == 2
    assert b"wrong" in written


def test_a_broken_line_of_metrics_is_told_with_its_number(tmp_path: Path) -> None:
    (tmp_path / METRICS).write_text('{"step": 1}\nnonsense\n')
    with pytest.raises(CheckpointError, match=r"metrics.jsonl:2: expected a JSON object"):
        read_metrics(tmp_path)
    assert read_metrics(tmp_path / "nowhere") == []


def test_recent_means_are_of_a_hundred_steps() -> None:
    means = RecentMeans()
    assert str(means) == ""
    for step in range(200):
        means.add(StepReport(step, float(step >= 100), 2.0 * (step >= 100), 0.25 * (step >= 100), 3, 1024))
    assert str(means) == "1.000 bits, 2.000 wrong (25.0%), up to 1,024 items"
