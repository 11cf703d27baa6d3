"""Training: batches that the seed and the step number determine, so that a resumed run is the same run."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from samviz.checkpoint import latest, load_checkpoint, restore_optimizer, save_checkpoint
from samviz.errors import CheckpointError, ConfigError
from samviz.model.registry import Model, make_model
from samviz.tasks import Batch, Task, loss_bits, make_task, wrong_bits
from samviz.versions import library_versions

METRICS = "metrics.jsonl"


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model is trained. The paper's minibatch is 8; Adam and 16 learnt recall in our runs.

    Raises:
        ConfigError: a number that makes no sense.
    """

    task: str
    task_settings: dict[str, Any] = field(default_factory=dict)
    model: str = "sam"
    model_settings: dict[str, Any] = field(default_factory=dict)
    batch: int = 16
    learning_rate: float = 1e-3
    clip_norm: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ConfigError(f"batch must be at least 1, found {self.batch}")
        for name in ("learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0, found {getattr(self, name)}")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed must be from 0 to 2**63 - 1, found {self.seed}")


class StepReport(NamedTuple):
    """What one training step measured, means over the batch."""

    step: int  # steps done, this one included
    loss_bits: float  # cross-entropy in bits per sequence
    wrong_bits: float  # wrong bits per sequence


class RecentMeans:
    """Means over the latest 100 steps, for the progress bar."""

    def __init__(self) -> None:
        self._reports: deque[StepReport] = deque(maxlen=100)

    def add(self, report: StepReport) -> None:
        """Take one more step into account."""
        self._reports.append(report)

    @property
    def loss_bits(self) -> float:
        """Mean cross-entropy in bits per sequence."""
        return fmean(report.loss_bits for report in self._reports)

    @property
    def wrong_bits(self) -> float:
        """Mean wrong bits per sequence."""
        return fmean(report.wrong_bits for report in self._reports)


class Trainer:
    """A model, its optimizer and how many steps it has been trained."""

    def __init__(self, config: TrainingConfig, model: Model, task: Task, step: int = 0) -> None:
        self.config, self.model, self.task, self.step = config, model, task, step
        self.optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)

    @classmethod
    def start(cls, config: TrainingConfig) -> "Trainer":
        """A model with fresh weights, determined by the seed."""
        task = make_task(config.task, config.task_settings)
        sizes = {"input_size": task.input_fields[-1].stop, "output_size": task.output_fields[-1].stop}
        torch.manual_seed(config.seed)
        return cls(config, make_model(config.model, sizes | config.model_settings), task)

    @classmethod
    def resume(cls, config: TrainingConfig, run: Path) -> "Trainer":
        """The run as its latest checkpoint left it.

        Raises:
            CheckpointError: the run was made with other settings, or cannot be read.
        """
        checkpoint = load_checkpoint(run)
        written = checkpoint.recipe.get("training", {})
        for name, wanted in asdict(config).items():
            if written.get(name) != wanted:
                raise CheckpointError(
                    f"{run}: the run was started with {name} = {written.get(name)!r}, found {wanted!r}; "
                    "resume with the same settings or choose another folder"
                )
        trainer = cls(config, checkpoint.model(), checkpoint.task(), written["step"])
        restore_optimizer(checkpoint.path, trainer.model, trainer.optimizer)
        return trainer

    def train_step(self) -> StepReport:
        """One minibatch: forward, backward over the whole sequence, clip, Adam."""
        batch = self.task.sample(np.random.default_rng([self.config.seed, self.step]), self.config.batch)
        output, _, _ = self.model(batch.inputs)
        loss, wrong = per_sequence(output, batch)
        self.optimizer.zero_grad()
        loss.mean().backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.step += 1
        return StepReport(self.step, loss.mean().item(), wrong.float().mean().item())

    def save(self, run: Path) -> Path:
        """Write a checkpoint."""
        return save_checkpoint(run, self.step, self.model, self.optimizer, self.recipe())

    def recipe(self) -> dict[str, Any]:
        """All that is needed to make this model again."""
        return {
            "model": {"class": type(self.model).__name__, "config": self.model.config.as_dict()},
            "task": {"name": self.task.name, "settings": self.task.settings()},
            "training": asdict(self.config) | {"optimizer": "Adam", "step": self.step},
            "versions": library_versions(),
        }


def per_sequence(output: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
    """(cross-entropy in bits, wrong bits) of each sequence, [B] each."""
    return loss_bits(output, batch).sum(0), wrong_bits(output, batch).sum(0)


def train(
    trainer: Trainer,
    run: Path,
    steps: int,
    *,
    checkpoint_every: int = 500,
    report: Callable[[StepReport], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train until `steps` steps are done or `stop()` says so; the last checkpoint's folder.

    A checkpoint is written every `checkpoint_every` steps and at the end, whichever way it comes, so that a
    killed run loses no more than one interval.

    Raises:
        CheckpointError: the disk refused.
        ConfigError: the loss is no longer finite.
    """
    _forget_metrics_after(run, trainer.step)
    lines: list[str] = []
    while trainer.step < steps and not stop():
        measured = trainer.train_step()
        if not np.isfinite(measured.loss_bits):
            raise ConfigError(
                f"the loss is not finite at step {measured.step}: start again with a lower --learning-rate"
            )
        lines.append(json.dumps(measured._asdict()))
        report(measured)
        if trainer.step % checkpoint_every == 0 and trainer.step < steps:
            _commit(trainer, run, lines)
    return _commit(trainer, run, lines)


def _commit(trainer: Trainer, run: Path, lines: list[str]) -> Path:
    """Append the new metrics, then write the checkpoint: metrics beyond it are dropped on resume."""
    try:
        run.mkdir(parents=True, exist_ok=True)
        with (run / METRICS).open("a") as metrics:
            metrics.writelines(line + "\n" for line in lines)
    except OSError as error:
        raise CheckpointError(f"{run / METRICS}: could not be written: {error.strerror}") from None
    lines.clear()
    return trainer.save(run)


def _forget_metrics_after(run: Path, step: int) -> None:
    """Cut off the metrics of the steps after the checkpoint: they will be trained again."""
    path = run / METRICS
    if path.is_file():
        kept = path.read_text().splitlines()[:step]
        path.write_text("".join(line + "\n" for line in kept))


def refuse_used_folder(run: Path) -> None:
    """Raise CheckpointError if a run would be mixed with an older one."""
    if run.is_file():
        raise CheckpointError(f"{run}: expected a folder to write the run to, found a file")
    if latest(run) is not None:
        raise CheckpointError(f"{run}: holds a training run already; add --resume or choose another --out")
