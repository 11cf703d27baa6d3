"""What is measured: a model with a full memory, and the state that it carries from window to window."""

from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from samviz.bench import rivals
from samviz.bench.row import subject_name
from samviz.errors import ConfigError
from samviz.model.registry import MODELS, make_model

SPARSE = ("sam", "sdnc")
DENSE = ("dam", "ntm", "dnc")
BARE = ("lstm",)  # without a memory
KNOWN = SPARSE + DENSE + BARE


class Sizes(NamedTuple):
    """Sizes of a subject; all but the first two as in the paper's figure 1."""

    slots: int  # N
    batch: int  # B
    heads: int = 4  # H
    reads: int = 4  # K
    word_size: int = 32  # W
    hidden_size: int = 100  # D
    io_size: int = 8  # I = O


@dataclass(frozen=True)
class Entry:
    """A model and, where it has one, its index."""

    model: str
    index: str = ""

    def __str__(self) -> str:
        return subject_name(self.model, self.index)


class Subject(Protocol):
    """A model that runs one window after the other."""

    index: str  # what really searches

    def forward(self, steps: int) -> Tensor:
        """Run a window from where the last one ended: its output, [T, B, O]."""

    def backward(self, output: Tensor) -> None:
        """Differentiate that window."""

    def forget_gradients(self) -> None:
        """Drop the parameters' gradients."""

    def state(self) -> Any:
        """What is carried from window to window."""


def require_known(models: tuple[str, ...]) -> None:
    """Raise ConfigError at a name that is neither a model of samviz nor of the package dnc."""
    known = KNOWN + rivals.NAMES
    for name in models:
        if name not in known:
            raise ConfigError(f"models must be of {', '.join(known)}, found {name!r}")


def why_missing(model: str) -> str:
    """Why a known model cannot be measured here, or nothing."""
    if model in rivals.NAMES:
        return "" if rivals.installed() else "the package dnc is not installed"
    return "" if model in MODELS else f"no model named {model} in this build"


def entries(models: tuple[str, ...], indexes: tuple[str, ...]) -> list[Entry]:
    """The models, the sparse ones once per index; those of the package dnc with indexes of their own."""
    own = dict.fromkeys(SPARSE, indexes) | dict.fromkeys(rivals.SEARCHING, tuple(rivals.INDEXES))
    return [Entry(model, index) for model in models for index in own.get(model, ("",))]


def make_subject(entry: Entry, sizes: Sizes, steps: int) -> Subject:
    """The subject with all its slots live, ready for windows of up to `steps` steps.

    Raises:
        ConfigError: a size or an index that the model refuses.
    """
    torch.manual_seed(0)
    inputs = torch.rand(steps, sizes.batch, sizes.io_size)
    words = None if entry.model in BARE else live_words(sizes)
    if entry.model in rivals.NAMES:
        return rivals.Rival(
            entry.model, entry.index, inputs, words, hidden_size=sizes.hidden_size, heads=sizes.heads
        )
    return _Ours(entry, sizes, inputs, words)


def make_model_of(entry: Entry, sizes: Sizes) -> Any:
    """The model of the registry, of that size.

    Raises:
        ConfigError: a size or an index that it refuses.
    """
    return make_model(entry.model, _settings(entry, sizes))


def live_words(sizes: Sizes) -> Tensor:
    """Random words of length about 1, [B, N, W]."""
    return torch.randn(sizes.batch, sizes.slots, sizes.word_size) / sqrt(sizes.word_size)


class _Ours:
    """A model of the registry."""

    def __init__(self, entry: Entry, sizes: Sizes, inputs: Tensor, words: Tensor | None) -> None:
        self.model = make_model_of(entry, sizes)
        self.inputs = inputs
        self.carried = self.model.initial_state(sizes.batch, **({} if words is None else {"memory": words}))
        self.index = _picked_index(self.carried, entry.index)

    def forward(self, steps: int) -> Tensor:
        output, self.carried, _ = self.model(self.inputs[:steps], self.carried)
        return output  # type: ignore[no-any-return]

    def backward(self, output: Tensor) -> None:
        output.backward(torch.ones_like(output))

    def forget_gradients(self) -> None:
        self.model.zero_grad(set_to_none=True)

    def state(self) -> Any:
        return self.carried


def _settings(entry: Entry, sizes: Sizes) -> dict[str, Any]:
    """The settings that a model of that name takes."""
    settings: dict[str, Any] = {
        "input_size": sizes.io_size,
        "output_size": sizes.io_size,
        "hidden_size": sizes.hidden_size,
    }
    if entry.model not in BARE:
        settings |= {"slots": sizes.slots, "word_size": sizes.word_size, "heads": sizes.heads}
    if entry.model in SPARSE:
        settings |= {"reads": sizes.reads, "index": entry.index}
    return settings


def _picked_index(state: Any, asked: str) -> str:
    """The index that `auto` picked, where the state or its memory tells."""
    for holder in (state, getattr(state, "memory", None)):
        kind = getattr(getattr(holder, "index", None), "kind", None)
        if isinstance(kind, str):
            return kind
    return asked
