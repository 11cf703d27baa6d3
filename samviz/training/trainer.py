"""A model in training: one minibatch after the other, and all that a checkpoint must hold."""

import json
from dataclasses import asdict
from pathlib import Path
from time import process_time

import numpy as np
import torch

from samviz.checkpoint import load_checkpoint, restore_optimizer, save_checkpoint
from samviz.errors import CheckpointError
from samviz.model.registry import Model, make_model
from samviz.tasks import Batch, Task, input_size, loss_bits, make_task, output_size, wrong_elements
from samviz.training.config import TrainingConfig
from samviz.training.curriculum import Curriculum
from samviz.training.metrics import StepReport
from samviz.versions import library_versions


class Trainer:
    """A model, its optimizer and how many steps it has been trained."""

    def __init__(self, config: TrainingConfig, model: Model, task: Task) -> None:
        self.config, self.model, self.task = config, model, task
        self.step, self.seconds = 0, 0.0
        self.optimizer = _make_optimizer(config, model)
        self.curriculum = _make_curriculum(config, task)

    @classmethod
    def start(cls, config: TrainingConfig) -> "Trainer":
        """A model with fresh weights, determined by the seed.

        Raises:
            ConfigError: settings that do not fit, or data that is missing or damaged.
        """
        task = make_task(config.task, config.task_settings)
        sizes = {"input_size": input_size(task), "output_size": output_size(task)}
        torch.manual_seed(config.seed)
        trainer = cls(config, make_model(config.model, sizes | config.model_settings), task)
        trainer._draw()  # what is wrong with a task's data is told before anything is written
        return trainer

    @classmethod
    def resume(cls, config: TrainingConfig, run: Path) -> "Trainer":
        """The run as its latest checkpoint left it.

        Raises:
            CheckpointError: the run was made with other settings, or cannot be read.
        """
        checkpoint = load_checkpoint(run)
        written = checkpoint.recipe.get("training", {})
        for name, wanted in json.loads(json.dumps(asdict(config))).items():  # as JSON keeps it: no tuples
            if written.get(name) != wanted:
                raise CheckpointError(
                    f"{run}: the run was started with {name} = {written.get(name)!r}, found {wanted!r}; "
                    "resume with the same settings or choose another folder"
                )
        trainer = cls(config, checkpoint.model(), checkpoint.task())
        restore_optimizer(checkpoint.path, trainer.model, trainer.optimizer)
        try:
            trainer.step, trainer.seconds = int(written["step"]), float(written["seconds"])
            if trainer.curriculum is not None:
                trainer.curriculum.restore(written["curriculum"])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{checkpoint.path}: expected the state of the training run, found none: {error}"
            ) from None
        return trainer

    def train_step(self) -> StepReport:
        """One minibatch: forward, backward over the whole sequence, clip, update."""
        began = process_time()
        batch, level = self._draw()
        output, _, _ = self.model(batch.inputs)
        loss = loss_bits(output, batch, self.task.output_kind).sum(0).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate_at(self.step)
        self.optimizer.step()
        self.step += 1
        report = self._report(loss.item(), output, batch, level)
        if self.curriculum:
            self.curriculum.learn(report.loss_bits * self.config.batch / batch.mask.sum().item())
        self.seconds += process_time() - began
        return report

    def save(self, run: Path) -> Path:
        """Write a checkpoint."""
        return save_checkpoint(run, self.step, self.model, self.optimizer, self.recipe())

    def recipe(self) -> dict[str, object]:
        """All that is needed to make this model again, and to go on with it."""
        state = {"step": self.step, "seconds": round(self.seconds, 1)}
        return {
            "model": {"class": type(self.model).__name__, "config": self.model.config.as_dict()},
            "task": {"name": self.task.name, "settings": self.task.settings()},
            "training": asdict(self.config)
            | state
            | ({"curriculum": self.curriculum.state()} if self.curriculum else {}),
            "versions": library_versions(),
        }

    def _draw(self) -> tuple[Batch, int | None]:
        """The next minibatch, and its level under a curriculum; seed and step determine it."""
        random = np.random.default_rng([self.config.seed, self.step])
        level = self.curriculum.draw(random) if self.curriculum else None
        return self.task.sample(random, self.config.batch, level), level

    def _report(self, loss: float, output: torch.Tensor, batch: Batch, level: int | None) -> StepReport:
        kind = self.task.output_kind
        wrong = wrong_elements(output, batch, kind).sum().item()
        asked = batch.mask.sum().item() * (1 if kind == "classes" else output.shape[-1])
        horizon = self.curriculum.horizon if self.curriculum else None
        return StepReport(self.step, loss, wrong / self.config.batch, wrong / max(asked, 1), level, horizon)


def _make_optimizer(config: TrainingConfig, model: Model) -> torch.optim.Optimizer:
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), lr=config.learning_rate)
    return torch.optim.Adam(model.parameters(), lr=config.learning_rate)


def _make_curriculum(config: TrainingConfig, task: Task) -> Curriculum | None:
    if not config.curriculum_bits:
        return None
    start = int(task.settings().get("max_items", 1))
    return Curriculum(task.levels, start, config.curriculum_bits, config.max_level)
