"""What every task offers: random batches of episodes, and how to show and score them."""

from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import torch
from torch import Tensor


class Field(NamedTuple):
    """What channels [start, stop) of an input or an output mean, and how to draw them."""

    name: str
    kind: str  # "bits" | "flag" | "value" in [-1, 1] | "words" one of, by `labels` | "image" of `shape`
    start: int
    stop: int
    labels: tuple[str, ...] = ()  # what each channel of "words" stands for
    shape: tuple[int, ...] = ()  # (rows, columns) of an "image"

    def as_dict(self) -> dict[str, Any]:
        """The field for JSON: labels and shape where it has them."""
        return {name: value for name, value in self._asdict().items() if value != ()}


class Batch(NamedTuple):
    """B episodes of T steps.

    Shape legend: T steps, B batch, I input, O output, S sources an answer can have.
    """

    inputs: Tensor  # [T, B, I]
    targets: Tensor  # [T, B, O]
    question: Tensor  # [T, B] int32, which question of the episode the step answers, -1 none
    source: Tensor  # [T, B, S] int32, the steps of the episode that hold this answer, -1 none
    group: Tensor  # [T, B] int32, the row of the task's error table that the answer counts in

    @property
    def mask(self) -> Tensor:
        """[T, B] bool: where the target counts."""
        return self.question >= 0


class Task(Protocol):
    """One task. Its settings are the fields of a frozen dataclass, checked once.

    Shape legend: T steps, B batch, I input, O output, S sources.
    """

    @property
    def name(self) -> str:
        """The word that names the task on the command line."""
        ...

    @property
    def description(self) -> str:
        """One sentence: what is shown and what must be answered."""
        ...

    @property
    def output_kind(self) -> str:
        """How outputs are scored: "bits" (each by its sign) or "classes" (the largest)."""
        ...

    @property
    def unit(self) -> str:
        """What a question is, in the singular: "sequence", "question", "label"."""
        ...

    @property
    def groups(self) -> tuple[str, ...]:
        """The rows of the error table; () where there is but one."""
        ...

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The meaning of all I input channels."""
        ...

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The meaning of all O output channels."""
        ...

    @property
    def source_size(self) -> int:
        """S, the sources an answer can have; 0 where the task does not know them."""
        ...

    @property
    def levels(self) -> range | None:
        """The levels that a curriculum can ask for, None where the task has none."""
        ...

    @property
    def episodes(self) -> int | None:
        """How many different episodes there are, None where they are drawn without end."""
        ...

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        ...

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """A batch of random episodes of one length (or padded to one), determined by the generator alone.

        level: how many items the episodes have; drawn from the settings where it is not given.
        """
        ...

    def episode(self, number: int) -> Batch:
        """One of the `episodes`, B = 1."""
        ...

    def held_out(self) -> Self:
        """The task over data that training never draws; itself where every episode is drawn afresh."""
        ...


def input_size(task: Task) -> int:
    """I."""
    return task.input_fields[-1].stop


def output_size(task: Task) -> int:
    """O."""
    return task.output_fields[-1].stop


def one_group(question: Tensor) -> Tensor:
    """The `group` of a task whose error table has one row."""
    return torch.zeros_like(question)
