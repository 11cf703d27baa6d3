"""Settings and episodes that are made of random bit vectors, the items."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from samviz.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ItemSettings:
    """How many items an episode has, drawn evenly, and how many bits an item has.

    Raises:
        ConfigError: a setting below 1, or fewer items at most than at least.
    """

    min_items: int
    max_items: int
    bits: int = 8

    def __post_init__(self) -> None:
        for name in ("min_items", "max_items", "bits"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, found {value!r}")
        if self.max_items < self.min_items:
            raise ConfigError(
                f"max_items must be at least min_items = {self.min_items}, found {self.max_items}"
            )

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for JSON."""
        return asdict(self)

    def draw_length(self, random: np.random.Generator) -> int:
        """How many items the next episodes have."""
        return int(random.integers(self.min_items, self.max_items + 1))
