"""The paper's tasks. Each is a frozen dataclass of its settings that follows the `Task` protocol."""

from dataclasses import fields
from typing import Any

from samviz.errors import ConfigError
from samviz.tasks.babi import Babi
from samviz.tasks.copy import Copy
from samviz.tasks.follow import Follow
from samviz.tasks.omniglot import Omniglot
from samviz.tasks.recall import Recall
from samviz.tasks.score import Score, loss_bits, score, wrong_elements
from samviz.tasks.sort import Sort
from samviz.tasks.task import Batch, Field, Task, input_size, output_size

TASKS: dict[str, Any] = {
    "copy": Copy,
    "recall": Recall,
    "sort": Sort,
    "follow": Follow,
    "babi": Babi,
    "omniglot": Omniglot,
}

__all__ = [
    "TASKS",
    "Babi",
    "Batch",
    "Copy",
    "Field",
    "Follow",
    "Omniglot",
    "Recall",
    "Score",
    "Sort",
    "Task",
    "input_size",
    "loss_bits",
    "make_task",
    "output_size",
    "score",
    "wrong_elements",
]


def make_task(name: str, settings: dict[str, Any]) -> Task:
    """The task of that name with the given settings, the others at their defaults.

    Raises:
        ConfigError: an unknown task or setting, or a bad value.
    """
    if name not in TASKS:
        raise ConfigError(f"task must be one of {', '.join(sorted(TASKS))}, found {name!r}")
    known = [field.name for field in fields(TASKS[name])]
    for setting in settings:
        if setting not in known:
            raise ConfigError(f"task {name} has the settings {', '.join(known)}, found {setting!r}")
    return TASKS[name](**settings)  # type: ignore[no-any-return]
