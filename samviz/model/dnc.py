"""The Differentiable Neural Computer, by ordinary autograd (Graves et al., Nature 538, 2016).

Shape legend: T steps, B batch, H read heads, N slots, W word size, D hidden, I input, O output.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from samviz.model.checks import check_batch, check_inputs, start_memory
from samviz.model.controller import read_out
from samviz.model.dense_addressing import content_weights, cosines, lengths
from samviz.model.dense_config import DNCConfig
from samviz.model.dense_controller import DenseController
from samviz.model.dense_events import accessed, every_slot, for_heads
from samviz.model.dense_state import cloned
from samviz.model.dense_window import run_steps
from samviz.model.dnc_addressing import (
    Interface,
    allocation,
    followed,
    linked,
    preceding,
    split_interface,
    used,
)
from samviz.model.events import Events


class DNCState(NamedTuple):
    """What a DNC knows between two steps; a forward pass leaves it as it is."""

    memory: Tensor  # [B, N, W]
    length: Tensor  # [B, N] |M(i)|
    usage: Tensor  # [B, N] in [0, 1]
    link: Tensor  # [B, N, N] how much slot i was written right after slot j
    precedence: Tensor  # [B, N]
    last_access: Tensor  # [B, N] int32, -1 never
    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    read_word: Tensor  # [B, H, W]
    read_weight: Tensor  # [B, H, N]
    write_weight: Tensor  # [B, N]
    step: int = 0  # steps since the memory was fresh

    @property
    def batch(self) -> int:
        """B."""
        return self.hidden.shape[0]

    def clone(self) -> "DNCState":
        """An independent copy."""
        return cloned(self)


class DNC(nn.Module):
    """Differentiable Neural Computer with an LSTM controller, one write head and H read heads.

    A step writes before it reads: the write key is compared with M_{t-1}, the read keys with M_t.

    Example:
        >>> model = DNC(DNCConfig(input_size=11, output_size=8, slots=64))
        >>> output, state, events = model(torch.zeros(14, 1, 11), events=True)
    """

    def __init__(self, config: DNCConfig) -> None:
        super().__init__()
        self.config = config
        self.controller = DenseController(config)

    def initial_state(self, batch: int, memory: Tensor | None = None) -> DNCState:
        """A fresh state: everything zero, or zero but for the given words, in slots that count as free.

        Args:
            batch: B.
            memory: [B, N, W] or None.

        Raises:
            ConfigError: a batch below 1, or a memory of another shape or not finite.
        """
        sizes, like = self.config, self.controller.output.weight
        words = start_memory(memory, (batch, sizes.slots, sizes.word_size), like)
        return DNCState(
            memory=words,
            length=lengths(words),
            usage=like.new_zeros(batch, sizes.slots),
            link=like.new_zeros(batch, sizes.slots, sizes.slots),
            precedence=like.new_zeros(batch, sizes.slots),
            last_access=like.new_full((batch, sizes.slots), -1, dtype=torch.int32),
            hidden=like.new_zeros(batch, sizes.hidden_size),
            cell=like.new_zeros(batch, sizes.hidden_size),
            read_word=like.new_zeros(batch, sizes.heads, sizes.word_size),
            read_weight=like.new_zeros(batch, sizes.heads, sizes.slots),
            write_weight=like.new_zeros(batch, sizes.slots),
        )

    def forward(
        self, inputs: Tensor, state: DNCState | None = None, events: bool | None = None
    ) -> tuple[Tensor, DNCState, Events | None]:
        """Run T steps.

        Args:
            inputs: [T, B, I], T >= 1.
            state: what an earlier window returned, or None to start afresh; no gradient passes through it.
            events: True to be told what the memory did: the one write head as head 0, the others with no
                entry (-1); gates alpha and gamma mean nothing here.

        Returns:
            (output [T, B, O] before any squashing, the next state, events or None).

        Raises:
            ConfigError: inputs of a wrong shape, type or batch, or not finite.
        """
        check_inputs(inputs, self.config.input_size, self.controller.output.weight.dtype)
        state = self.initial_state(inputs.shape[1]) if state is None else state
        check_batch(state.batch, inputs.shape[1])
        hidden, word, state, told = run_steps(
            inputs, state, partial(step, self.controller, self.config), events_of if events else None
        )
        return read_out(self.controller, hidden, word), state, told


def step(
    controller: DenseController, config: DNCConfig, x: Tensor, last: DNCState
) -> tuple[DNCState, Interface]:
    """One step: controller, write, link, read.

    Args:
        x: [B, I].
    """
    hidden, cell = controller(x, last.read_word, last.hidden, last.cell)
    ask = split_interface(controller.interface(hidden), config)

    usage = used(last.usage, last.write_weight, last.read_weight, ask.free)
    content = content_weights(ask.write_key, ask.write_strength, last.memory, last.length).squeeze(1)
    written = ask.write * torch.lerp(content, allocation(usage), ask.allocate)  # [B, N]
    erased = last.memory * (1 - written.unsqueeze(2) * ask.erase)
    memory = erased.baddbmm_(written.unsqueeze(2), ask.word)
    length = lengths(memory)

    link = linked(last.link, last.precedence, written)
    found = content_weights(ask.read_key, ask.read_strength, memory, length)
    weight = followed(ask.mode, found, link, last.read_weight)  # [B, H, N]
    delta = config.access_threshold
    now = DNCState(
        memory=memory,
        length=length,
        usage=usage,
        link=link,
        precedence=preceding(last.precedence, written),
        last_access=accessed(last.last_access, written.unsqueeze(1), weight, delta, last.step),
        hidden=hidden,
        cell=cell,
        read_word=torch.bmm(weight, memory),
        read_weight=weight,
        write_weight=written,
        step=last.step + 1,
    )
    return now, ask


@torch.no_grad()
def events_of(last: DNCState, now: DNCState, ask: Interface) -> Events:
    """The events of one step; the write is head 0's, the other heads have none."""
    batch, heads, slots = now.read_weight.shape
    slot = every_slot(batch, heads, slots, now.memory.device)
    age = for_heads(last.last_access, heads)
    return Events(
        read_slot=slot,
        read_weight=now.read_weight,
        read_score=cosines(ask.read_key, now.memory, now.length),
        read_query=ask.read_key,
        read_word=now.read_word,
        read_usage=age,
        write_slot=first_head_only(slot[:, 0], heads, -1),
        write_weight=first_head_only(now.write_weight, heads, 0),
        write_row=first_head_only(now.memory, heads, 0),
        write_word=first_head_only(ask.word.squeeze(1), heads, 0),
        write_usage=first_head_only(last.last_access, heads, -1),
        beta=ask.read_strength,
        mode=ask.mode,
    )


def first_head_only(told: Tensor, heads: int, rest: int) -> Tensor:
    """[B, ...] of the one write head as [B, H, ...], `rest` for heads that do not write."""
    others = (0, 0) * (told.ndim - 1) + (0, heads - 1)
    return functional.pad(told.unsqueeze(1), others, value=rest)
