"""The state that a model carries from one window to the next, and the memory that it owns."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from samviz.errors import StateError
from samviz.kernels.arrays import LinkArrays, MemoryArrays
from samviz.kernels.link_tables import empty_links
from samviz.kernels.usage import fresh_ring
from samviz.model.checks import start_memory
from samviz.model.config import SAMConfig
from samviz.model.index import Index, make_index

Array = np.ndarray[Any, Any]


@dataclass
class Memory:
    """One memory per batch element, changed in place by whoever holds its current state.

    `version` grows with every window, so that a state or a backward pass can tell whether the memory is
    still the one it knew.
    """

    tensors: MemoryArrays
    links: LinkArrays
    index: Index
    version: int = 0

    @property
    def word(self) -> Tensor:
        """M, [B, N, W]."""
        return self.tensors.word  # type: ignore[no-any-return]

    def arrays(self) -> MemoryArrays:
        """The same memory as numpy arrays, which is what kernels take."""
        return MemoryArrays(*(tensor.numpy() for tensor in self.tensors))

    def link_arrays(self) -> LinkArrays:
        """The same links as numpy arrays."""
        return LinkArrays(*(tensor.numpy() for tensor in self.links))

    def clone(self) -> "Memory":
        """An independent copy."""
        return Memory(
            MemoryArrays(*(tensor.clone() for tensor in self.tensors)),
            LinkArrays(*(tensor.clone() for tensor in self.links)),
            self.index.clone(),
        )


@dataclass
class SAMState:
    """What a SAM or SDNC knows between two steps. A forward pass consumes it and returns the next one.

    Shape legend: B batch, N slots, W word size, H heads, R read entries, D hidden.
    """

    memory: Memory = field(repr=False)
    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    read_word: Tensor  # [B, H, W]
    read_slot: Tensor  # [B, H, R] int32, -1 where there is no entry
    read_weight: Tensor  # [B, H, R]
    step: int = 0  # steps since the memory was fresh
    version: int = 0

    @property
    def consumed(self) -> bool:
        """Whether a forward pass has taken this state's memory on."""
        return self.version != self.memory.version

    @property
    def batch(self) -> int:
        """B."""
        return self.hidden.shape[0]

    def require_current(self) -> None:
        """Raise StateError if this state was already consumed."""
        if self.consumed:
            raise StateError(
                "this state was already consumed by a forward pass: use the state that pass returned, "
                "or call state.clone() before it"
            )

    def clone(self) -> "SAMState":
        """An independent copy of the state and its memory.

        Raises:
            StateError: the state was already consumed.
        """
        self.require_current()
        return SAMState(
            self.memory.clone(),
            self.hidden.clone(),
            self.cell.clone(),
            self.read_word.clone(),
            self.read_slot.clone(),
            self.read_weight.clone(),
            self.step,
        )


def initial_state(config: SAMConfig, batch: int, memory: Tensor | None, like: Tensor) -> SAMState:
    """Everything zero, no read entries, no live slots; or all slots live with the given words.

    Args:
        memory: [B, N, W] words to start from, or None for an empty memory.
        like: a tensor of the dtype and device to use.

    Raises:
        ConfigError: a batch below 1 or a memory of another shape.
    """
    heads, word = config.heads, config.word_size
    return SAMState(
        memory=_initial_memory(config, batch, memory, like),
        hidden=like.new_zeros(batch, config.hidden_size),
        cell=like.new_zeros(batch, config.hidden_size),
        read_word=like.new_zeros(batch, heads, word),
        read_slot=like.new_full((batch, heads, config.read_entries), -1, dtype=torch.int32),
        read_weight=like.new_zeros(batch, heads, config.read_entries),
    )


def _initial_memory(config: SAMConfig, batch: int, memory: Tensor | None, like: Tensor) -> Memory:
    words = start_memory(memory, (batch, config.slots, config.word_size), like).contiguous()
    after, before = (
        torch.from_numpy(links).to(like.device).repeat(batch, 1) for links in fresh_ring(config.slots)
    )
    tensors = MemoryArrays(
        word=words,
        norm=torch.linalg.vector_norm(words, dim=-1),
        after=after,
        before=before,
        last_access=torch.full((batch, config.slots), -1, dtype=torch.int32, device=like.device),
        mark=torch.full((batch, config.slots), -1, dtype=torch.int32, device=like.device),
        live=torch.full((batch,), 0 if memory is None else config.slots, device=like.device),
    )
    number = torch.empty((), dtype=like.dtype).numpy().dtype
    links = empty_links(batch, config.heads, config.slots, config.links_per_slot, number)
    return Memory(
        tensors,
        LinkArrays(*(torch.from_numpy(part).to(like.device) for part in links)),
        _initial_index(config, words, memory is not None),
    )


def _initial_index(config: SAMConfig, words: Tensor, filled: bool) -> Index:
    """The index of the memory's words; auto picks its kind by the size."""
    index = make_index(config.index, words.shape[0], config.slots, config.word_size, config.reads)
    for b, element in enumerate(words.cpu().numpy() if filled else ()):
        index.build(b, element, config.slots)
    return index
