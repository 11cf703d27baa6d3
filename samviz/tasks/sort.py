"""Priority sort: random bit vectors with priorities; answer the highest, in order (paper 4.2)."""

from dataclasses import dataclass

import numpy as np
import torch

from samviz.tasks.items import ItemSettings
from samviz.tasks.task import Batch, Field, one_group


@dataclass(frozen=True, kw_only=True)
class Sort(ItemSettings):
    """n vectors with a priority each in [-1, 1], one end mark, then the 4n/5 of highest priority, in order.

    With the paper's n = 20 that is its 16 of 20. T = n + 1 + max(4n // 5, 1).
    """

    min_items: int = 20
    max_items: int = 20

    name = "sort"

    @property
    def description(self) -> str:
        """What is shown and what must be answered."""
        count = f"{self.min_items} to {self.max_items}" if self.min_items < self.max_items else self.max_items
        return (
            f"{count} random {self.bits}-bit vectors with a priority each, an end mark, "
            "then four fifths of them, the highest priority first."
        )

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The vector, its priority, then the end mark."""
        bits = self.bits
        return (
            Field("item", "bits", 0, bits),
            Field("priority", "value", bits, bits + 1),
            Field("end", "flag", bits + 1, bits + 2),
        )

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The vector."""
        return (Field("item", "bits", 0, self.bits),)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B episodes of one random length; the source of an answer is the step that showed the vector."""
        n, bits, elements = self.draw_items(random, level), self.bits, torch.arange(batch)
        items = self.draw_bits(random, n, batch)  # [n, B, bits]
        priority = torch.from_numpy(random.uniform(-1, 1, (n, batch))).float()
        kept = max(4 * n // 5, 1)
        steps = n + 1 + kept
        order = priority.argsort(dim=0, descending=True, stable=True)[:kept]  # [kept, B]
        inputs = torch.zeros(steps, batch, bits + 2)
        inputs[:n, :, :bits] = items
        inputs[:n, :, bits] = priority
        inputs[n, :, bits + 1] = 1
        targets = torch.zeros(steps, batch, bits)
        targets[n + 1 :] = items[order, elements]
        question = torch.full((steps, batch), -1, dtype=torch.int32)
        question[n + 1 :] = 0
        source = torch.full((steps, batch, 1), -1, dtype=torch.int32)
        source[n + 1 :, :, 0] = order.to(torch.int32)
        return Batch(inputs, targets, question, source, one_group(question))
