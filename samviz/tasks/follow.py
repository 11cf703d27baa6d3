"""Follow: items, then one of them again; answer those after it (Graves et al. 2014, 4.3, continued)."""

from dataclasses import dataclass

import numpy as np
import torch

from samviz.errors import ConfigError
from samviz.tasks.items import DifferentItems
from samviz.tasks.task import Batch, Field, one_group


@dataclass(frozen=True, kw_only=True)
class Follow(DifferentItems):
    """n items, one of them as the cue, then the items after it without input: T = n + 1 + answers.

    Its natural solution finds the cue by content and then follows the forward links.

    Raises:
        ConfigError: more items than differ in so few bits, or too few to answer with.
    """

    min_items: int = 4
    max_items: int = 8
    answers: int = 3

    name = "follow"

    def __post_init__(self) -> None:
        given: object = self.answers  # as a checkpoint has it
        if not isinstance(given, int) or given < 1:
            raise ConfigError(f"answers must be a whole number of at least 1, found {self.answers!r}")
        super().__post_init__()

    @property
    def levels(self) -> range:
        """How many items an episode can have: the cue, its successors, and what else differs."""
        return range(self.answers + 1, super().levels.stop)

    @property
    def description(self) -> str:
        """What is shown and what must be answered."""
        return (
            f"{self.min_items} to {self.max_items} different {self.bits}-bit items, then one of them "
            f"as the cue; answer the next {self.answers} in order."
        )

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The item, then a flag each for a shown item and for the cue."""
        bits = self.bits
        return (
            Field("item", "bits", 0, bits),
            Field("shown", "flag", bits, bits + 1),
            Field("cue", "flag", bits + 1, bits + 2),
        )

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The item."""
        return (Field("item", "bits", 0, self.bits),)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B episodes of one random length; the source of an answer is the step that showed the item."""
        n, bits, elements = self.draw_items(random, level), self.bits, torch.arange(batch)
        items = self.draw_different(random, n, batch)  # [n, B, bits]
        cued = torch.from_numpy(random.integers(0, n - self.answers, batch))  # [B]
        steps = n + 1 + self.answers
        inputs = torch.zeros(steps, batch, bits + 2)
        inputs[:n, :, :bits] = items
        inputs[:n, :, bits] = 1
        inputs[n, :, :bits] = items[cued, elements]
        inputs[n, :, bits + 1] = 1
        after = cued + torch.arange(1, self.answers + 1)[:, None]  # [answers, B]
        targets = torch.zeros(steps, batch, bits)
        targets[n + 1 :] = items[after, elements]
        question = torch.full((steps, batch), -1, dtype=torch.int32)
        question[n + 1 :] = 0
        source = torch.full((steps, batch, 1), -1, dtype=torch.int32)
        source[n + 1 :, :, 0] = after.to(torch.int32)
        return Batch(inputs, targets, question, source, one_group(question))
