"""The trained models that come with samviz."""

from dataclasses import fields
from pathlib import Path

from samviz.checkpoint import Checkpoint, load_checkpoint
from samviz.errors import CheckpointError
from samviz.tasks import TASKS

SHIPPED = Path(__file__).parents[1] / "checkpoints"


def shipped_checkpoint(task: str, model: str) -> Checkpoint:
    """The trained model that comes with samviz.

    Raises:
        CheckpointError: none comes for this task and model.
    """
    folder = SHIPPED / f"{task}-{model}"
    if not folder.is_dir():
        known = ", ".join(sorted(entry.name for entry in SHIPPED.iterdir() if entry.is_dir()))
        data = " --data PATH" if any(setting.name == "data" for setting in fields(TASKS[task])) else ""
        raise CheckpointError(
            f"no trained {model} for {task} comes with samviz (there is {known}): train one with "
            f"`samviz train --task {task} --model {model}{data} --out runs/{task}` "
            f"and add --checkpoint runs/{task}"
        )
    return load_checkpoint(folder)
