"""Copy: some random bit vectors, an end mark, then the same vectors again (paper 4.2)."""

from dataclasses import dataclass

import numpy as np
import torch

from samviz.tasks.items import ItemSettings
from samviz.tasks.task import Batch, Field, one_group


@dataclass(frozen=True, kw_only=True)
class Copy(ItemSettings):
    """n vectors, one end mark, n answers without input: T = 2n + 1."""

    min_items: int = 1
    max_items: int = 20

    name = "copy"

    @property
    def description(self) -> str:
        """What is shown and what must be answered."""
        return (
            f"{self.min_items} to {self.max_items} random {self.bits}-bit vectors, an end mark, "
            "then the same vectors again in order."
        )

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The vector, then the end mark."""
        return (Field("item", "bits", 0, self.bits), Field("end", "flag", self.bits, self.bits + 1))

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The vector."""
        return (Field("item", "bits", 0, self.bits),)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B episodes of one random length; the source of answer k is the step that showed vector k."""
        n = self.draw_items(random, level)
        items = self.draw_bits(random, n, batch)
        steps = 2 * n + 1
        inputs = torch.zeros(steps, batch, self.bits + 1)
        inputs[:n, :, : self.bits] = items
        inputs[n, :, self.bits] = 1
        targets = torch.zeros(steps, batch, self.bits)
        targets[n + 1 :] = items
        question = torch.full((steps, batch), -1, dtype=torch.int32)
        question[n + 1 :] = 0
        source = torch.full((steps, batch, 1), -1, dtype=torch.int32)
        source[n + 1 :] = torch.arange(n, dtype=torch.int32)[:, None, None]
        return Batch(inputs, targets, question, source, one_group(question))
