"""The curriculum: episodes of any length up to a horizon that doubles when they are mastered (paper 4.3)."""

from collections import deque
from statistics import fmean
from typing import Any

import numpy as np

from samviz.errors import ConfigError

SPAN = 100  # minibatches over which the loss is averaged


class Curriculum:
    """Level ~ U(lowest, h); h doubles whenever the mean loss of 100 minibatches at h is under a threshold.

    Args:
        levels: the levels that the task has.
        horizon: h at the start.
        threshold_bits: mean cross-entropy below which h doubles, in bits for each step that is answered: what
            is mastered does not depend on how long the episodes are.
        highest: h grows no further; 0 for no limit but the task's.

    Raises:
        ConfigError: the task has no levels, or not those.
    """

    def __init__(self, levels: range | None, horizon: int, threshold_bits: float, highest: int = 0) -> None:
        if levels is None:
            raise ConfigError("this task has no levels for a curriculum: leave --curriculum out")
        if highest and highest not in levels:
            raise ConfigError(f"max_level must be from {levels[0]} to {levels[-1]:,}, found {highest}")
        self.lowest, self.highest = levels[0], highest or levels[-1]
        self.horizon = min(horizon, self.highest)
        self.threshold_bits = threshold_bits
        self._recent: deque[float] = deque(maxlen=SPAN)

    def draw(self, random: np.random.Generator) -> int:
        """The level of a minibatch."""
        return int(random.integers(self.lowest, self.horizon + 1))

    def learn(self, loss_bits: float) -> None:
        """Take the loss of one minibatch into account, in bits for each step that is answered."""
        self._recent.append(loss_bits)
        if len(self._recent) == SPAN and fmean(self._recent) < self.threshold_bits:
            self.horizon = min(2 * self.horizon, self.highest)
            self._recent.clear()

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs, for JSON (which keeps every bit of a float)."""
        return {"horizon": self.horizon, "recent_loss_bits": list(self._recent)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from `state()`."""
        self.horizon = int(state["horizon"])
        self._recent = deque(state["recent_loss_bits"], maxlen=SPAN)
