"""How a model is trained: checked once, stored whole in the checkpoints."""

from dataclasses import dataclass, field
from typing import Any

from samviz.errors import ConfigError

OPTIMIZERS = ("adam", "rmsprop")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a model is trained. The paper's minibatch is 8.

    Raises:
        ConfigError: a number that makes no sense.
    """

    task: str
    task_settings: dict[str, Any] = field(default_factory=dict)
    model: str = "sam"
    model_settings: dict[str, Any] = field(default_factory=dict)
    batch: int = 8
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    warm_up: int = 0  # minibatches over which the learning rate rises to its full height
    half_life: int = 0  # minibatches after which the learning rate has halved, 0: it stays
    clip_norm: float = 10.0
    curriculum_bits: float = 0.0  # a step's answer costs less where the curriculum moves on, 0: none
    max_level: int = 0  # where the curriculum ends, 0: where the task does
    seed: int = 0

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ConfigError(f"batch must be at least 1, found {self.batch}")
        if self.optimizer not in OPTIMIZERS:
            raise ConfigError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, found {self.optimizer!r}")
        for name in ("learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above 0, found {getattr(self, name)}")
        for name in ("warm_up", "half_life", "curriculum_bits", "max_level"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} must be at least 0, found {getattr(self, name)}")
        if self.max_level and not self.curriculum_bits:
            raise ConfigError("max_level needs a curriculum: give curriculum_bits")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed must be from 0 to 2**63 - 1, found {self.seed}")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of minibatch `step` (from 0 on); how long the run will be plays no part."""
        rise = min((step + 1) / self.warm_up, 1.0) if self.warm_up else 1.0
        fall = 0.5 ** (step / self.half_life) if self.half_life else 1.0
        return self.learning_rate * rise * fall
