"""Settings and episodes that are made of random bit vectors, the items."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from samviz.errors import ConfigError
from samviz.tasks.task import Batch

MOST_ITEMS = 2**20


@dataclass(frozen=True, kw_only=True)
class ItemSettings:
    """How many items an episode has, drawn evenly, and how many bits an item has.

    Every episode is drawn afresh, so there is no end of them and nothing to hold out.

    Raises:
        ConfigError: a setting below 1, or fewer items at most than at least.
    """

    min_items: int
    max_items: int
    bits: int = 8

    output_kind = "bits"
    unit = "sequence"
    groups = ()
    episodes = None
    source_size = 1

    def __post_init__(self) -> None:
        for name in ("min_items", "max_items", "bits"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, found {value!r}")
        if self.max_items < self.min_items:
            raise ConfigError(
                f"max_items must be at least min_items = {self.min_items}, found {self.max_items}"
            )
        if self.max_items not in self.levels:
            raise ConfigError(
                f"max_items must be at most {self.levels[-1]:,}{self._why_so_few()}, found {self.max_items}"
            )
        if self.min_items not in self.levels:
            raise ConfigError(f"min_items must be at least {self.levels[0]}, found {self.min_items}")

    @property
    def levels(self) -> range:
        """How many items an episode can have."""
        return range(1, MOST_ITEMS + 1)

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)

    def held_out(self) -> Self:
        """The task itself."""
        return self

    def episode(self, number: int) -> Batch:
        """The episode that its number determines, B = 1."""
        return self.sample(np.random.default_rng(number), 1)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B random episodes of one length."""
        raise NotImplementedError

    def draw_items(self, random: np.random.Generator, level: int | None) -> int:
        """How many items the next episodes have."""
        return int(random.integers(self.min_items, self.max_items + 1)) if level is None else level

    def draw_bits(self, random: np.random.Generator, *shape: int) -> Tensor:
        """Random items, [*shape, bits]."""
        return torch.from_numpy(random.integers(0, 2, (*shape, self.bits))).float()

    def _why_so_few(self) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class DifferentItems(ItemSettings):
    """Items (or keys) of an episode all differ, so that a cue has one right answer."""

    @property
    def levels(self) -> range:
        """How many items an episode can have: as many as differ."""
        return range(1, min(2**self.bits, MOST_ITEMS) + 1)

    def draw_different(self, random: np.random.Generator, n: int, batch: int) -> Tensor:
        """[n, B, bits]: n items that differ within each episode."""
        numbers = [random.choice(2**self.bits, n, replace=False) for _ in range(batch)]
        return torch.from_numpy((np.stack(numbers, axis=1)[..., None] >> np.arange(self.bits)) & 1).float()

    def _why_so_few(self) -> str:
        return " = 2**bits for the items of an episode to differ"
