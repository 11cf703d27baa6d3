"""Training: the seed determines the run, and nothing that was checkpointed is lost."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from samviz.checkpoint import latest, load_checkpoint
from samviz.errors import CheckpointError, ConfigError
from samviz.training import METRICS, Trainer, TrainingConfig, refuse_used_folder, train

CONFIG = TrainingConfig(
    task="recall",
    task_settings={"min_items": 1, "max_items": 2},
    model_settings={"slots": 16, "hidden_size": 8, "word_size": 6},
    batch=2,
    seed=4,
)


def metrics(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / METRICS).read_text().splitlines()]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint(run).model().state_dict()


def test_a_resumed_run_is_the_unbroken_run(tmp_path: Path) -> None:
    train(Trainer.start(CONFIG), tmp_path / "whole", 30, checkpoint_every=10)
    broken = tmp_path / "broken"
    for steps in (7, 19, 30):
        trainer = Trainer.start(CONFIG) if steps == 7 else Trainer.resume(CONFIG, broken)
        train(trainer, broken, steps, checkpoint_every=5)
    assert metrics(broken) == metrics(tmp_path / "whole")
    assert [row["step"] for row in metrics(broken)] == list(range(1, 31))
    left, right = weights(broken), weights(tmp_path / "whole")
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    config = TrainingConfig(
        task="copy",
        task_settings={"min_items": 1, "max_items": 1},
        model_settings=CONFIG.model_settings,
        learning_rate=1e-2,
    )
    train(Trainer.start(config), tmp_path, 300, checkpoint_every=1000)
    losses = [row["loss_bits"] for row in metrics(tmp_path)]
    assert sum(losses[-20:]) < 0.5 * sum(losses[:20])


def test_a_request_to_stop_keeps_every_step(tmp_path: Path) -> None:
    reports: list[int] = []
    trainer = Trainer.start(CONFIG)
    train(
        trainer,
        tmp_path,
        1000,
        report=lambda measured: reports.append(measured.step),
        stop=lambda: len(reports) >= 7,
    )
    assert trainer.step == 7
    assert len(metrics(tmp_path)) == 7
    assert Trainer.resume(CONFIG, tmp_path).step == 7


def command(run: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "samviz.cli", "train", "--task", "recall", "--out", str(run)),
        *("--steps", "100000", "--checkpoint-every", "20", "--batch", "2", "--slots", "16", *more),
    ]


def wait_for_checkpoint(run: Path, process: subprocess.Popen[bytes], step: int) -> None:
    deadline = time.monotonic() + 90
    while latest(run) is None or int(latest(run).name[5:]) < step:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_kill_loses_at_most_one_interval(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = subprocess.Popen(command(run), stderr=subprocess.PIPE)
    wait_for_checkpoint(run, process, 40)
    process.kill()
    process.communicate()
    done = load_checkpoint(run).recipe["training"]["step"]
    assert done >= 40
    resumed = subprocess.Popen(command(run, "--resume"), stderr=subprocess.PIPE)
    wait_for_checkpoint(run, resumed, done + 40)
    resumed.send_signal(signal.SIGINT)
    _, said = resumed.communicate(timeout=60)
    assert resumed.returncode == 130
    assert "go on with --resume" in said.decode()
    steps = [row["step"] for row in metrics(run)]
    assert steps == list(range(1, len(steps) + 1))
    assert load_checkpoint(run).recipe["training"]["step"] == steps[-1]
    assert not [entry for entry in os.listdir(run) if entry.endswith(".part")]


def test_other_settings_are_refused_on_resume(tmp_path: Path) -> None:
    train(Trainer.start(CONFIG), tmp_path, 2)
    with pytest.raises(CheckpointError, match="batch = 2, found 16"):
        Trainer.resume(dataclasses.replace(CONFIG, batch=16), tmp_path)
    with pytest.raises(CheckpointError, match="--resume"):
        refuse_used_folder(tmp_path)


@pytest.mark.parametrize("damage", ["model.safetensors", "optimizer.safetensors", "config.json"])
def test_a_damaged_checkpoint_is_refused_in_one_line(tmp_path: Path, damage: str) -> None:
    folder = train(Trainer.start(CONFIG), tmp_path, 2)
    (folder / damage).write_bytes(b"\0" * 100)
    with pytest.raises(CheckpointError) as error:
        Trainer.resume(CONFIG, tmp_path)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": "other"}')
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="no samviz checkpoint"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("part", "written"),
    [
        ("model", None),
        ("model", 5),
        ("model", {"class": 5, "config": {}}),
        ("model", {"class": "SAM", "config": {"input_size": "a", "output_size": 8}}),
        ("model", {"class": "SAM", "config": {"input_size": 11, "output_size": 8, "access_threshold": "x"}}),
        ("model", {"class": "GRU", "config": {}}),
        ("task", {"name": "recall"}),
        ("task", {"name": "recall", "settings": {"bits": "many"}}),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_in_one_line(
    tmp_path: Path, part: str, written: object
) -> None:
    folder = train(Trainer.start(CONFIG), tmp_path, 1)
    recipe = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(recipe | {part: written}))
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(tmp_path)
    assert "\n" not in str(error.value)
    assert "found" in str(error.value)


@pytest.mark.parametrize("change", [{"batch": 0}, {"learning_rate": 0.0}, {"clip_norm": -1.0}, {"seed": -1}])
def test_bad_settings_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(change))):
        TrainingConfig(task="recall", **change)
