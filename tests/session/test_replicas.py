"""Several runs at once: each is the run that it would be alone."""

import dataclasses
import json
from pathlib import Path

import pytest

from samviz.errors import TrainingError
from samviz.session import Progress, TrainingRun, run_together
from samviz.training import METRICS, TrainingConfig, read_metrics

CONFIG = TrainingConfig(
    task="copy",
    task_settings={"max_items": 2},
    model_settings={"slots": 16, "hidden_size": 8, "word_size": 6},
    batch=2,
)


def runs(folder: Path, steps: int, **more: object) -> list[TrainingRun]:
    return [
        TrainingRun(
            config=dataclasses.replace(CONFIG, seed=seed), out=folder / f"{seed}", steps=steps, **more
        )
        for seed in range(2)
    ]


def test_replicas_are_the_runs_they_would_be_alone(tmp_path: Path) -> None:
    told: list[Progress] = []
    together = runs(tmp_path / "together", 20)
    assert run_together(together, 2, report=told.append) == [20, 20]
    assert {(progress.run, progress.step) for progress in told} >= {(0, 20), (1, 20)}
    for alone, one in zip(runs(tmp_path / "alone", 20), together, strict=True):
        alone.train(alone.open())
        assert read_metrics(alone.out) == read_metrics(one.out)
    assert read_metrics(together[0].out) != read_metrics(together[1].out)


def test_a_request_to_stop_leaves_checkpoints_and_a_failure_is_told_with_its_folder(tmp_path: Path) -> None:
    endless = runs(tmp_path, 10**6)
    told: list[Progress] = []
    steps = run_together(endless, 2, report=told.append, stop=lambda: any(p.step > 5 for p in told))
    assert 5 < max(steps) < 10**6
    for run, count in zip(endless, steps, strict=True):
        assert not count or json.loads((run.out / METRICS).read_text().splitlines()[-1])["step"] == count
    first = next(run for run, count in zip(endless, steps, strict=True) if count)
    with pytest.raises(TrainingError, match=r"1 of 1 runs failed.*--resume"):
        run_together([first], 1)
