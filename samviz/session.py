"""Where a model, a task and a recorder meet: record episodes into a trace, and measure a model's errors."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from samviz.checkpoint import Checkpoint, load_checkpoint
from samviz.errors import CheckpointError, ConfigError
from samviz.model import LSTM, SAM, SDNC
from samviz.model.registry import MODELS, Model, name_of
from samviz.recorder import Recorder
from samviz.tasks import Score, Task, input_size, loss_bits, output_size, score
from samviz.versions import library_versions

SHIPPED = Path(__file__).parent / "checkpoints"


class Measured(NamedTuple):
    """A model's errors on episodes that it was not trained on."""

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


def shipped_checkpoint(task: str, model: str) -> Checkpoint:
    """The trained model that comes with samviz for a task.

    Raises:
        CheckpointError: there is none.
    """
    folder = SHIPPED / f"{task}-{model}"
    if not folder.is_dir():
        known = ", ".join(sorted(entry.name for entry in SHIPPED.iterdir() if entry.is_dir()))
        raise CheckpointError(
            f"no trained {model} for {task} comes with samviz (there is {known}): train one with "
            f"`samviz train --task {task} --model {model} --out runs/{task}` and add --checkpoint runs/{task}"
        )
    return load_checkpoint(folder)


def record(
    checkpoint: Checkpoint,
    task: Task,
    model: Model,
    path: Path,
    *,
    episodes: int,
    seed: int,
    overwrite: bool = False,
    report: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Let the model answer fresh episodes and record what its memory did, one episode after the other.

    Episode i is determined by (seed, i); its memory starts afresh. Where `stop()` says so, the trace ends
    with the episode that was just recorded. Returns how many episodes that are.

    Raises:
        CheckpointError: the task's inputs do not fit the model.
        ConfigError: the model has no memory, or one that is too large to record.
        TraceError: the trace cannot be written.
    """
    _require_fit(model, task)
    task = task.held_out()
    if isinstance(model, LSTM):
        recordable = ", ".join(name for name in MODELS if name != name_of(model))
        raise ConfigError(f"an LSTM has no memory to record, only {recordable} have: measure it with eval")
    with (
        Recorder(
            path,
            slots=model.config.slots,
            word_size=model.config.word_size,
            heads=model.config.heads,
            reads=model.config.reads,
            read_entries=model.config.read_entries,
            write_entries=model.config.write_entries,
            links=model.config.links if isinstance(model, SDNC) else 0,
            input_size=model.config.input_size,
            output_size=model.config.output_size,
            source_size=task.source_size,
            access_threshold=model.config.access_threshold,
            # the write entry that is no read entry is the slot that was taken, and so erased
            last_write_erases=model.config.write_entries > model.config.read_entries,
            gates=MODELS[name_of(model)].gates,
            meta=trace_meta(checkpoint, task, model, seed),
            weights=checkpoint.weights,
            overwrite=overwrite,
        ) as recorder,
        torch.no_grad(),
    ):
        for episode in range(episodes):
            if stop():
                return episode
            batch = task.sample(np.random.default_rng([seed, episode]), 1)
            output, _, events = model(batch.inputs, events=True)
            recorder.append(
                events,
                episode=episode,
                input=batch.inputs,
                output=output,
                target=batch.targets,
                mask=batch.mask,
                loss=loss_bits(output, batch, task.output_kind),
                source=batch.source,
            )
            report(episode + 1)
    return episodes


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
        episodes: how many, each drawn at random by (seed, its number); None for every episode that is held out.
        level: how many items each has; None for what the task's settings allow.

    Raises:
        CheckpointError: the task's inputs do not fit the model.
        ConfigError: all episodes were asked for, but there is no end of them.
    """
    _require_fit(model, task)
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


def trace_meta(checkpoint: Checkpoint, task: Task, model: Model, seed: int) -> dict[str, Any]:
    """What a trace says about its making."""
    return {
        "model": {"class": type(model).__name__, "config": model.config.as_dict()},
        "task": {
            "name": task.name,
            "settings": task.settings(),
            "description": task.description,
            "input_fields": [field.as_dict() for field in task.input_fields],
            "output_fields": [field.as_dict() for field in task.output_fields],
        },
        "seed": seed,
        "index": model.index_kind if isinstance(model, SAM) else None,
        "output_kind": task.output_kind,
        "versions": library_versions(),
        "git_commit": _git_commit(),
        "checkpoint_sha256": checkpoint.sha256,
        "user": {},
    }


def _require_fit(model: Model, task: Task) -> None:
    for what, wanted, found in (
        ("inputs", model.config.input_size, input_size(task)),
        ("outputs", model.config.output_size, output_size(task)),
    ):
        if wanted != found:
            raise CheckpointError(
                f"the model was trained with {wanted} {what} a step, but task {task.name} has {found}: "
                "choose the task and settings that it was trained on"
            )


def _git_commit() -> str | None:
    """The commit of a samviz that runs from its own checkout."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
