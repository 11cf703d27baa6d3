"""The Neural Turing Machine, by ordinary autograd (Graves et al. 2014, arXiv:1410.5401).

Shape legend: T steps, B batch, H heads, N slots, W word size, D hidden, I input, O output.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from samviz.model.checks import check_batch, check_inputs, start_memory
from samviz.model.controller import read_out
from samviz.model.dense_addressing import cosines, lengths
from samviz.model.dense_config import NTMConfig
from samviz.model.dense_controller import DenseController
from samviz.model.dense_events import accessed, every_slot, for_heads
from samviz.model.dense_state import cloned
from samviz.model.dense_window import run_steps
from samviz.model.events import Events
from samviz.model.ntm_addressing import Interface, place, retained, split_interface


class NTMState(NamedTuple):
    """What an NTM knows between two steps; a forward pass leaves it as it is."""

    memory: Tensor  # [B, N, W]
    length: Tensor  # [B, N] |M(i)|
    last_access: Tensor  # [B, N] int32, -1 never
    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    read_word: Tensor  # [B, H, W]
    read_weight: Tensor  # [B, H, N]
    write_weight: Tensor  # [B, H, N]
    step: int = 0  # steps since the memory was fresh

    @property
    def batch(self) -> int:
        """B."""
        return self.hidden.shape[0]

    def clone(self) -> "NTMState":
        """An independent copy."""
        return cloned(self)


class NTM(nn.Module):
    """Neural Turing Machine with an LSTM controller and H pairs of a read head and a write head.

    Each head has its own addressing. A step writes before it reads, as the paper's r_t reads M_t: the write
    heads look at M_{t-1} and the read heads at M_t. All heads start at slot 0, which tells the slots of an
    empty memory apart.

    Example:
        >>> model = NTM(NTMConfig(input_size=11, output_size=8, slots=64))
        >>> output, state, events = model(torch.zeros(14, 1, 11), events=True)
    """

    def __init__(self, config: NTMConfig) -> None:
        super().__init__()
        self.config = config
        self.controller = DenseController(config)

    def initial_state(self, batch: int, memory: Tensor | None = None) -> NTMState:
        """A fresh state: all heads at slot 0 of a memory of zeros, or of the given words.

        Args:
            batch: B.
            memory: [B, N, W] or None.

        Raises:
            ConfigError: a batch below 1, or a memory of another shape or not finite.
        """
        sizes, like = self.config, self.controller.output.weight
        words = start_memory(memory, (batch, sizes.slots, sizes.word_size), like)
        at_first_slot = like.new_zeros(batch, sizes.heads, sizes.slots)
        at_first_slot[..., 0] = 1
        return NTMState(
            memory=words,
            length=lengths(words),
            last_access=like.new_full((batch, sizes.slots), -1, dtype=torch.int32),
            hidden=like.new_zeros(batch, sizes.hidden_size),
            cell=like.new_zeros(batch, sizes.hidden_size),
            read_word=like.new_zeros(batch, sizes.heads, sizes.word_size),
            read_weight=at_first_slot,
            write_weight=at_first_slot.clone(),
        )

    def forward(
        self, inputs: Tensor, state: NTMState | None = None, events: bool | None = None
    ) -> tuple[Tensor, NTMState, Events | None]:
        """Run T steps.

        Args:
            inputs: [T, B, I], T >= 1.
            state: what an earlier window returned, or None to start afresh; no gradient passes through it.
            events: True to be told what the memory did; gates alpha and gamma mean nothing here.

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
    controller: DenseController, config: NTMConfig, x: Tensor, last: NTMState
) -> tuple[NTMState, Interface]:
    """One step: controller, write, read.

    Args:
        x: [B, I].
    """
    hidden, cell = controller(x, last.read_word, last.hidden, last.cell)
    ask = split_interface(controller.interface(hidden), config)

    written = place(ask.write, last.write_weight, last.memory, last.length)
    memory = last.memory * retained(written, ask.erase)
    memory = memory.baddbmm_(written.transpose(1, 2), ask.add)  # eq. 4
    length = lengths(memory)

    weight = place(ask.read, last.read_weight, memory, length)
    now = NTMState(
        memory=memory,
        length=length,
        last_access=accessed(last.last_access, written, weight, config.access_threshold, last.step),
        hidden=hidden,
        cell=cell,
        read_word=torch.bmm(weight, memory),  # eq. 2
        read_weight=weight,
        write_weight=written,
        step=last.step + 1,
    )
    return now, ask


@torch.no_grad()
def events_of(last: NTMState, now: NTMState, ask: Interface) -> Events:
    """The events of one step; every slot is an entry of every read and every write."""
    batch, heads, slots = now.read_weight.shape
    slot = every_slot(batch, heads, slots, now.memory.device)
    age = for_heads(last.last_access, heads)
    return Events(
        read_slot=slot,
        read_weight=now.read_weight,
        read_score=cosines(ask.read.key, now.memory, now.length),
        read_query=ask.read.key,
        read_word=now.read_word,
        read_usage=age,
        write_slot=slot,
        write_weight=now.write_weight,
        write_row=for_heads(now.memory, heads),
        write_word=ask.add,
        write_usage=age,
        beta=ask.read.strength,
    )
