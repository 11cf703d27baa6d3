"""Associative recall: pairs of key and value, then one of the keys again; answer its value (paper 4.2)."""

from dataclasses import dataclass

import numpy as np
import torch

from samviz.tasks.items import DifferentItems
from samviz.tasks.task import Batch, Field, one_group


@dataclass(frozen=True, kw_only=True)
class Recall(DifferentItems):
    """n pairs, each a key step and a value step, then the cue, then one answer: T = 2n + 2.

    The keys of an episode differ, so that every cue has one right answer.

    Raises:
        ConfigError: more items than there are keys of so few bits.
    """

    min_items: int = 3
    max_items: int = 6

    name = "recall"

    @property
    def description(self) -> str:
        """What is shown and what must be answered."""
        return (
            f"{self.min_items} to {self.max_items} pairs of {self.bits}-bit key and value, "
            "then one key again as the cue; answer its value."
        )

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The item, then a flag each for key, value and cue."""
        bits = self.bits
        flags = (
            Field(name, "flag", bits + i, bits + i + 1) for i, name in enumerate(("key", "value", "cue"))
        )
        return (Field("item", "bits", 0, bits), *flags)

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The value."""
        return (Field("value", "bits", 0, self.bits),)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B episodes of one random length; the source of the answer is the step that showed its value."""
        n, bits, elements = self.draw_items(random, level), self.bits, torch.arange(batch)
        keys = self.draw_different(random, n, batch)
        values = self.draw_bits(random, n, batch)
        cued = torch.from_numpy(random.integers(0, n, batch))  # [B]
        inputs = torch.zeros(2 * n + 2, batch, bits + 3)
        inputs[0 : 2 * n : 2, :, :bits] = keys
        inputs[0 : 2 * n : 2, :, bits] = 1
        inputs[1 : 2 * n : 2, :, :bits] = values
        inputs[1 : 2 * n : 2, :, bits + 1] = 1
        inputs[2 * n, :, :bits] = keys[cued, elements]
        inputs[2 * n, :, bits + 2] = 1
        targets = torch.zeros(2 * n + 2, batch, bits)
        targets[-1] = values[cued, elements]
        question = torch.full((2 * n + 2, batch), -1, dtype=torch.int32)
        question[-1] = 0
        source = torch.full((2 * n + 2, batch, 1), -1, dtype=torch.int32)
        source[-1, :, 0] = 2 * cued + 1
        return Batch(inputs, targets, question, source, one_group(question))
