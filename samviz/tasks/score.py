"""How answers are scored: cross-entropy in bits, wrong elements, and wrong questions by group."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from samviz.tasks.task import Batch

LOG2_E = 1.4426950408889634


class Score(NamedTuple):
    """Counts of answers, by group [G]. An element is a bit, or the class that one step answers."""

    questions: NDArray[np.int64]
    wrong_questions: NDArray[np.int64]  # a question is wrong where any of its elements is
    elements: NDArray[np.int64]
    wrong_elements: NDArray[np.int64]

    def __add__(self, other: "Score") -> "Score":  # type: ignore[override]  # counts add up, tuples would join
        return Score(*(mine + its for mine, its in zip(self, other, strict=True)))


def loss_bits(output: Tensor, batch: Batch, kind: str) -> Tensor:
    """Cross-entropy of the answers in bits, per step: [T, B], 0 where no target counts.

    Args:
        output: [T, B, O] before squashing.
        kind: "bits": O independent bits; "classes": one of O.
    """
    if kind == "classes":
        return -(output.log_softmax(-1) * batch.targets).sum(-1) * LOG2_E * batch.mask
    against = torch.where(batch.targets > 0.5, -output, output)  # keeps small losses exact to the last bit
    return functional.softplus(against).sum(-1) * LOG2_E * batch.mask


def wrong_elements(output: Tensor, batch: Batch, kind: str) -> Tensor:
    """How many elements of the answer are wrong, per step: [T, B] int64, 0 where no target counts."""
    if kind == "classes":
        wrong = output.argmax(-1) != batch.targets.argmax(-1)
    else:
        wrong = ((output > 0) != (batch.targets > 0.5)).sum(-1)
    return (wrong * batch.mask).to(torch.int64)


def score(output: Tensor, batch: Batch, kind: str, groups: int) -> Score:
    """The counts of a batch, by group; `groups` is how many there are (at least 1)."""
    t, b = batch.mask.nonzero(as_tuple=True)
    wrong = wrong_elements(output, batch, kind)[t, b].numpy()
    group = batch.group[t, b].numpy()
    each = 1 if kind == "classes" else output.shape[-1]
    asked = np.stack([b.numpy(), batch.question[t, b].numpy()])  # [2, answers]
    _, first, which = np.unique(asked, axis=1, return_index=True, return_inverse=True)
    failed = np.bincount(which, wrong, len(first)) > 0
    return Score(
        np.bincount(group[first], minlength=groups),
        np.bincount(group[first][failed], minlength=groups),
        np.bincount(group, minlength=groups) * each,
        np.bincount(group, wrong, groups).astype(np.int64),
    )
