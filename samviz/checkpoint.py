"""Checkpoints: a folder with weights and optimizer state (safetensors) and a JSON recipe. Never pickle."""

import json
import re
import shutil
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, load_file, save_file
from torch import Tensor

from samviz.errors import CheckpointError, ConfigError
from samviz.model.registry import Model, make_model
from samviz.new_file import sync
from samviz.tasks import Task, make_task
from samviz.wording import first_line

FORMAT, VERSION = "samviz-checkpoint", 1
WEIGHTS, OPTIMIZER, RECIPE = "model.safetensors", "optimizer.safetensors", "config.json"
_STEP_FOLDER = re.compile(r"step-(\d{8})")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint read from disk: the recipe, and the weights as the bytes of their safetensors file."""

    path: Path
    recipe: dict[str, Any]
    weights: bytes

    @property
    def sha256(self) -> str:
        """The digest of the weights' file."""
        return sha256(self.weights).hexdigest()

    @property
    def model_name(self) -> str:
        """The model's name, as commands have it."""
        return str(self.recipe["model"]["class"]).lower()

    @property
    def items_trained(self) -> int:
        """The most items that an episode had in training."""
        level = self.recipe["training"].get("curriculum", {}).get("horizon")
        return int(level or self.recipe["task"]["settings"]["max_items"])

    def task(self, **settings: Any) -> Task:
        """The task it was trained on, some settings replaced."""
        return make_task(self.recipe["task"]["name"], self.recipe["task"]["settings"] | settings)

    def model(self, **settings: Any) -> Model:
        """The model with the trained weights, some settings (such as slots) replaced.

        Raises:
            CheckpointError: the weights do not fit the settings.
            ConfigError: a bad setting.
        """
        model = make_model(self.recipe["model"]["class"], self.recipe["model"]["config"] | settings)
        try:
            model.load_state_dict(load(self.weights))
        except (RuntimeError, SafetensorError) as error:
            raise CheckpointError(
                f"{self.path / WEIGHTS}: the weights do not fit the recipe: {first_line(error)}"
            ) from None
        return model


def load_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in a folder, or the latest one in a training run's folder.

    Raises:
        CheckpointError: nothing there, or something that is no samviz checkpoint.
    """
    folder = path if (path / RECIPE).is_file() else latest(path)
    if folder is None:
        found = "a file" if path.is_file() else "a folder without one" if path.is_dir() else "nothing"
        raise CheckpointError(
            f"{path}: expected a checkpoint folder with {WEIGHTS} and {RECIPE}, found {found}; "
            "make one with `samviz train`"
        )
    try:
        recipe = json.loads((folder / RECIPE).read_text())
        weights = (folder / WEIGHTS).read_bytes()
        if not isinstance(recipe, dict) or recipe.get("format") != FORMAT:
            raise CheckpointError(
                f"{folder / RECIPE}: expected format {FORMAT!r}; this is no samviz checkpoint"
            )
        if recipe.get("version") != VERSION:
            raise CheckpointError(
                f"{folder / RECIPE}: expected version {VERSION}, found {recipe.get('version')!r}"
            )
        _check_recipe(folder / RECIPE, recipe)
        checkpoint = Checkpoint(folder, recipe, weights)
        checkpoint.task(), checkpoint.model()
    except (OSError, ValueError, TypeError, ConfigError) as error:
        raise CheckpointError(f"{folder}: the checkpoint cannot be read: {first_line(error)}") from None
    return checkpoint


def _check_recipe(path: Path, recipe: dict[str, Any]) -> None:
    """Refuse a recipe that does not name a model and a task with their settings."""
    for part, name, settings in (("model", "class", "config"), ("task", "name", "settings")):
        found = recipe.get(part)
        given = found if isinstance(found, dict) else {}
        if not (isinstance(given.get(name), str) and isinstance(given.get(settings), dict)):
            raise CheckpointError(
                f"{path}: expected {part!r} to be an object with {name!r} and {settings!r}, "
                f"found {json.dumps(found)[:80]}"
            )


def latest(run: Path) -> Path | None:
    """The newest checkpoint folder of a training run, if there is one."""
    return max(_step_folders(run), default=None)


def save_checkpoint(
    run: Path,
    step: int,
    model: Model,
    optimizer: torch.optim.Optimizer,
    recipe: dict[str, Any],
    keep: int = 2,
) -> Path:
    """Write a checkpoint of a training run; it appears whole or not at all. Older ones beyond `keep` go.

    Raises:
        CheckpointError: the disk refused.
    """
    folder = run / f"step-{step:08d}"
    draft = run / f".{folder.name}.part"
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        save_file(model.state_dict(), draft / WEIGHTS)
        save_file(optimizer_tensors(model, optimizer), draft / OPTIMIZER)
        (draft / RECIPE).write_text(
            json.dumps({"format": FORMAT, "version": VERSION} | recipe, indent=2) + "\n"
        )
        for file in (*draft.iterdir(), draft):
            sync(file)
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
        for old in sorted(_step_folders(run))[:-keep]:
            shutil.rmtree(old)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{folder}: the checkpoint could not be written: {first_line(error)}") from None
    return folder


def restore_optimizer(folder: Path, model: Model, optimizer: torch.optim.Optimizer) -> None:
    """Put the optimizer back to where the checkpoint was written.

    Raises:
        CheckpointError: its file is missing or damaged.
    """
    try:
        tensors = load_file(folder / OPTIMIZER)
        for name, parameter in model.named_parameters():
            keys = [key.removeprefix(f"{name}/") for key in tensors if key.startswith(f"{name}/")]
            optimizer.state[parameter] = {key: tensors[f"{name}/{key}"] for key in keys}
            if "step" not in keys:
                raise KeyError(name)
    except (OSError, SafetensorError, KeyError) as error:
        raise CheckpointError(f"{folder / OPTIMIZER}: expected the optimizer's state: {error}") from None


def optimizer_tensors(model: Model, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state as named tensors."""
    return {
        f"{name}/{key}": tensor
        for name, parameter in model.named_parameters()
        for key, tensor in optimizer.state.get(parameter, {}).items()
    }


def _step_folders(run: Path) -> list[Path]:
    if not run.is_dir():
        return []
    return [
        entry for entry in run.iterdir() if _STEP_FOLDER.fullmatch(entry.name) and (entry / RECIPE).is_file()
    ]
