"""What every task offers: random batches of episodes, and how to show and score them."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

LOG2_E = 1.4426950408889634


class Field(NamedTuple):
    """What channels [start, stop) of an input or an output mean."""

    name: str
    kind: str  # "bits" | "flag"
    start: int
    stop: int


class Batch(NamedTuple):
    """B episodes of T steps.

    Shape legend: T steps, B batch, I input, O output, S sources an answer can have.
    """

    inputs: Tensor  # [T, B, I]
    targets: Tensor  # [T, B, O]
    mask: Tensor  # [T, B] bool, where the target counts
    source: Tensor  # [T, B, S] int32, the steps of the episode that hold this answer, -1 none


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
        """How outputs are scored: "bits" or "classes"."""
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

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        ...

    def sample(self, random: np.random.Generator, batch: int) -> Batch:
        """A batch of random episodes, all of one length, determined by the generator alone."""
        ...


def input_size(task: Task) -> int:
    """I."""
    return task.input_fields[-1].stop


def output_size(task: Task) -> int:
    """O."""
    return task.output_fields[-1].stop


def loss_bits(output: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the answers in bits, per step: [T, B], 0 where no target counts."""
    against = torch.where(batch.targets > 0.5, -output, output)  # keeps small losses exact to the last bit
    return functional.softplus(against).sum(-1) * LOG2_E * batch.mask


def wrong_bits(output: Tensor, batch: Batch) -> Tensor:
    """How many answered bits are wrong, per step: [T, B] int64, 0 where no target counts."""
    return (((output > 0) != (batch.targets > 0.5)).sum(-1) * batch.mask).to(torch.int64)
