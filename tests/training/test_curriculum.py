"""The curriculum: levels up to a horizon that doubles when they are mastered."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from samviz.errors import ConfigError
from samviz.training import Curriculum, Trainer, TrainingConfig, read_metrics, train
from samviz.training.curriculum import SPAN

CONFIG = TrainingConfig(
    task="copy",
    task_settings={"max_items": 2, "bits": 1},
    model_settings={"slots": 16, "hidden_size": 8, "word_size": 6},
    batch=2,
    curriculum_bits=1e6,  # always below
    max_level=7,
)


def test_levels_are_drawn_evenly_from_the_lowest_to_the_horizon() -> None:
    curriculum = Curriculum(range(4, 100), 8, 1.0)
    random = np.random.default_rng(0)
    drawn = [curriculum.draw(random) for _ in range(5000)]
    counts = np.bincount(drawn)
    assert set(drawn) == set(range(4, 9))
    assert counts[4:].min() > 900


def test_the_horizon_doubles_after_a_hundred_good_minibatches_in_the_mean() -> None:
    curriculum = Curriculum(range(1, 1000), 3, 1.0)
    for loss in [0.5] * (SPAN - 1):
        curriculum.learn(loss)
    assert curriculum.horizon == 3
    curriculum.learn(0.5)
    assert curriculum.horizon == 6
    for loss in [3.0] * 10 + [0.5] * (SPAN - 10):  # mean 0.75
        curriculum.learn(loss)
    assert curriculum.horizon == 12


def test_one_bad_mean_holds_the_horizon_and_the_end_caps_it() -> None:
    curriculum = Curriculum(range(1, 1000), 3, 1.0, highest=5)
    for _ in range(3 * SPAN):
        curriculum.learn(1.0)  # not below
    assert curriculum.horizon == 3
    for _ in range(3 * SPAN):
        curriculum.learn(0.1)
    assert curriculum.horizon == 5


def test_bad_levels_are_refused() -> None:
    with pytest.raises(ConfigError, match="no levels"):
        Curriculum(None, 3, 1.0)
    with pytest.raises(ConfigError, match="from 4 to 99, found 3"):
        Curriculum(range(4, 100), 8, 1.0, highest=3)
    with pytest.raises(ConfigError, match="curriculum"):
        dataclasses.replace(CONFIG, curriculum_bits=0.0)


def test_metrics_tell_level_and_horizon(tmp_path: Path) -> None:
    train(Trainer.start(CONFIG), tmp_path, 2 * SPAN + 1, checkpoint_every=1000)
    rows = read_metrics(tmp_path)
    assert [rows[step]["horizon"] for step in (0, SPAN, 2 * SPAN)] == [2, 4, 7]
    assert all(1 <= row["level"] <= row["horizon"] for row in rows)


def test_what_is_mastered_does_not_depend_on_the_length_of_the_episodes(tmp_path: Path) -> None:
    untrained = dataclasses.replace(CONFIG, curriculum_bits=1.5, learning_rate=1e-9)  # a step's bit costs 1
    train(Trainer.start(untrained), tmp_path, 2 * SPAN + 1, checkpoint_every=1000)
    assert max(row["loss_bits"] for row in read_metrics(tmp_path)) > 4  # per sequence
    assert read_metrics(tmp_path)[-1]["horizon"] == 7


def test_a_resumed_curriculum_is_the_unbroken_one(tmp_path: Path) -> None:
    train(Trainer.start(CONFIG), tmp_path / "whole", 2 * SPAN + 20, checkpoint_every=50)
    for steps in (SPAN - 30, SPAN + 60, 2 * SPAN + 20):
        broken = tmp_path / "broken"
        trainer = Trainer.resume(CONFIG, broken) if broken.exists() else Trainer.start(CONFIG)
        train(trainer, broken, steps, checkpoint_every=50)
    assert read_metrics(tmp_path / "broken") == read_metrics(tmp_path / "whole")
    recipe = json.loads(next((tmp_path / "broken").glob("step-*220/config.json")).read_text())
    assert recipe["training"]["curriculum"]["horizon"] == 7
