"""Small models in place of the real ones, so that these tests depend on no model but themselves."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from samviz.bench import subjects
from samviz.errors import ConfigError


class ToyDense(nn.Module):
    """Reads and fades all of its memory at every step, and keeps each step's memory for the backward pass."""

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self.settings = settings
        self.query = nn.Parameter(torch.randn(settings["word_size"]))
        self.output = nn.Linear(settings["word_size"], settings["output_size"])

    def initial_state(self, batch: int, memory: Tensor) -> Tensor:
        return memory.clone()

    def forward(self, inputs: Tensor, state: Tensor, events: Any = None) -> tuple[Tensor, Tensor, None]:
        outputs = []
        for _ in inputs:
            weight = (state @ self.query).softmax(-1)  # [B, N]
            read = torch.einsum("bn,bnw->bw", weight, state)
            state = state * (1 - weight[..., None])
            outputs.append(self.output(read))
        return torch.stack(outputs), state.detach(), None


class ToySparse(ToyDense):
    """The same of the first four slots only; its state says which index it searches."""

    def __init__(self, settings: dict[str, Any]) -> None:
        if settings["index"] not in ("auto", "exact"):
            raise ConfigError(f"index must be one of auto, exact, found {settings['index']!r}")
        super().__init__(settings)

    def forward(self, inputs: Tensor, state: Tensor, events: Any = None) -> tuple[Tensor, Tensor, None]:
        output, _, _ = super().forward(inputs, state[:, :4])
        return output, state, None


TOYS = {"sam": ToySparse, "sdnc": ToySparse, "dam": ToyDense}


def use_toys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the benchmarks find these models and no others."""

    def make(name: str, settings: dict[str, Any]) -> nn.Module:
        return TOYS[name](settings)

    monkeypatch.setattr(subjects, "MODELS", TOYS)
    monkeypatch.setattr(subjects, "make_model", make)
