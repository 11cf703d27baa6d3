"""A model's errors on episodes that it was not trained on."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from samviz.errors import CheckpointError, ConfigError
from samviz.model.registry import Model
from samviz.tasks import Score, Task, input_size, loss_bits, output_size, score


class Measured(NamedTuple):
    """What an evaluation found."""

    episodes: int
    loss_bits: float  # mean cross-entropy in bits per sequence
    score: Score

    @property
    def wrong(self) -> float:
        """Wrong bits (or classes) per sequence."""
        return float(self.score.wrong_elements.sum() / self.episodes)

    @property
    def error(self) -> float:
        """Share of the bits (or classes) that are wrong."""
        return float(self.score.wrong_elements.sum() / max(self.score.elements.sum(), 1))

    @property
    def failed(self) -> float:
        """Share of the questions with anything wrong."""
        return float(self.score.wrong_questions.sum() / max(self.score.questions.sum(), 1))

    @property
    def failed_by_group(self) -> NDArray[np.float64]:
        """The same for each group, NaN where nothing was asked."""
        asked = self.score.questions
        return np.where(asked > 0, self.score.wrong_questions / np.maximum(asked, 1), np.nan)


def evaluate(
    model: Model,
    task: Task,
    *,
    episodes: int | None = None,
    seed: int,
    level: int | None = None,
    report: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Measured:
    """The model's errors on episodes that it was not trained on; on fewer if `stop()` says so.

    Args:
        model: the model.
        task: its task; `task.held_out()` is asked.
        episodes: how many, each drawn at random by (seed, its number); None for all that are held out.
        seed: of the episodes.
        level: how many items each has; None for what the task's settings allow.
        report: told how many episodes are done.
        stop: asked after each episode.

    Raises:
        CheckpointError: the task's inputs do not fit the model.
        ConfigError: all episodes were asked for, but there is no end of them.
    """
    require_fit(model, task)
    task = task.held_out()
    count = task.episodes if episodes is None else episodes
    if count is None:
        raise ConfigError(f"task {task.name} draws episodes without end: say how many")
    losses, total = [], None
    with torch.no_grad():
        for number in range(count):
            if number and stop():
                break
            drawn = np.random.default_rng([seed, number])
            batch = task.episode(number) if episodes is None else task.sample(drawn, 1, level)
            output, _, _ = model(batch.inputs)
            losses.append(loss_bits(output, batch, task.output_kind).sum().item())
            found = score(output, batch, task.output_kind, max(len(task.groups), 1))
            total = found if total is None else total + found
            report(number + 1)
    assert total is not None
    return Measured(len(losses), float(np.mean(losses)), total)


def require_fit(model: Model, task: Task) -> None:
    """Raise CheckpointError where a task's inputs or outputs are not those of the model."""
    for what, wanted, found in (
        ("inputs", model.config.input_size, input_size(task)),
        ("outputs", model.config.output_size, output_size(task)),
    ):
        if wanted != found:
            raise CheckpointError(
                f"the model was trained with {wanted} {what} a step, but task {task.name} has {found}: "
                "choose the task and settings that it was trained on"
            )
