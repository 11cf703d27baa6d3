"""Dense Access Memory: SAM whose heads read all slots, by ordinary autograd (Rae et al. 2016, section 3).

Shape legend: T steps, B batch, H heads, N slots, W word size, D hidden, I input, O output.
"""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from samviz.model.addressing import write_weight
from samviz.model.checks import check_batch, check_inputs, start_memory
from samviz.model.controller import Controller, Interface, lstm_step, read_out, split_interface
from samviz.model.dense_addressing import content_logits, cosines, least_used, lengths, write_all
from samviz.model.dense_config import DAMConfig
from samviz.model.dense_events import accessed, for_heads, live_slots
from samviz.model.dense_state import cloned
from samviz.model.dense_window import run_steps
from samviz.model.events import Events


class DAMState(NamedTuple):
    """What a DAM knows between two steps; a forward pass leaves it as it is."""

    memory: Tensor  # [B, N, W]
    live: Tensor  # [B] int64: slots 0..live-1 have been taken at least once
    usage: Tensor  # [B, N] discounted sum of all access weights, U^(1)
    last_access: Tensor  # [B, N] int32, -1 never
    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    read_word: Tensor  # [B, H, W]
    read_weight: Tensor  # [B, H, N]
    step: int = 0  # steps since the memory was fresh

    @property
    def batch(self) -> int:
        """B."""
        return self.hidden.shape[0]

    def clone(self) -> "DAMState":
        """An independent copy."""
        return cloned(self)


class Done(NamedTuple):
    """What one step asked for and did, beyond the state it led to."""

    ask: Interface
    taken: Tensor  # [B, H]
    entry: Tensor  # [B, H, N + 1] write weights, that of the slot taken last


class DAM(nn.Module):
    """Dense Access Memory: the same controller and equations as SAM, with soft reads over every live slot.

    The slots to erase are those of least usage U^(1)(i) = sum_t lambda^(T-t) sum_h (w^W_t(i) + w^R_t(i)),
    ties to the lower slot; no gradient passes through that choice.

    Example:
        >>> model = DAM(DAMConfig(input_size=11, output_size=8, slots=64))
        >>> output, state, events = model(torch.zeros(14, 1, 11), events=True)
    """

    def __init__(self, config: DAMConfig) -> None:
        super().__init__()
        self.config = config
        self.controller = Controller(config.as_sam())

    def initial_state(self, batch: int, memory: Tensor | None = None) -> DAMState:
        """A fresh state: everything zero and no slot live, or all slots live with the given words.

        Args:
            batch: B.
            memory: [B, N, W] or None.

        Raises:
            ConfigError: a batch below 1, or a memory of another shape or not finite.
        """
        sizes, like = self.config, self.controller.from_hidden.weight
        words = start_memory(memory, (batch, sizes.slots, sizes.word_size), like)
        return DAMState(
            memory=words,
            live=torch.full((batch,), 0 if memory is None else sizes.slots, device=like.device),
            usage=like.new_zeros(batch, sizes.slots),
            last_access=like.new_full((batch, sizes.slots), -1, dtype=torch.int32),
            hidden=like.new_zeros(batch, sizes.hidden_size),
            cell=like.new_zeros(batch, sizes.hidden_size),
            read_word=like.new_zeros(batch, sizes.heads, sizes.word_size),
            read_weight=like.new_zeros(batch, sizes.heads, sizes.slots),
        )

    def forward(
        self, inputs: Tensor, state: DAMState | None = None, events: bool | None = None
    ) -> tuple[Tensor, DAMState, Events | None]:
        """Run T steps.

        Args:
            inputs: [T, B, I], T >= 1.
            state: what an earlier window returned, or None to start afresh; no gradient passes through it.
            events: True to be told what the memory did: [T, B, H, N + 1, W] numbers and more.

        Returns:
            (output [T, B, O] before any squashing, the next state, events or None).

        Raises:
            ConfigError: inputs of a wrong shape, type or batch, or not finite.
        """
        check_inputs(inputs, self.config.input_size, self.controller.from_hidden.weight.dtype)
        state = self.initial_state(inputs.shape[1]) if state is None else state
        check_batch(state.batch, inputs.shape[1])
        hidden, word, state, told = run_steps(
            self.controller.from_input(inputs),
            state,
            partial(step, self.controller, self.config),
            events_of if events else None,
        )
        return read_out(self.controller, hidden, word), state, told


def step(controller: Controller, config: DAMConfig, gates: Tensor, last: DAMState) -> tuple[DAMState, Done]:
    """One step: controller, write, read (paper 3.1 to 3.3).

    Args:
        gates: [B, 4D], the input's share of the LSTM gates.
    """
    gates = gates + controller.from_read(last.read_word.flatten(1)) + controller.from_hidden(last.hidden)
    hidden, cell = lstm_step(gates, last.cell)
    ask = split_interface(controller.interface(hidden), config.heads, config.word_size)

    taken = least_used(last.usage, config.heads)  # [B, H]
    entry = write_weight(ask.alpha, ask.gamma, last.read_weight)  # [B, H, N + 1]
    written = entry[..., :-1].scatter_add(2, taken.unsqueeze(-1), entry[..., -1:])  # [B, H, N]
    memory = write_all(last.memory, taken, written, ask.word)
    live = torch.maximum(last.live, taken.amax(1) + 1)

    logit = content_logits(ask.query, ask.beta, memory, lengths(memory))  # [B, H, N]
    if bool((live < config.slots).any()):
        dead = torch.arange(config.slots, device=live.device) >= live.unsqueeze(1)  # [B, N]
        logit = logit.masked_fill_(dead.unsqueeze(1), -torch.inf)
    weight = torch.softmax(logit, dim=-1)
    now = DAMState(
        memory=memory,
        live=live,
        usage=discounted(last.usage, config.usage_decay, written, weight),
        last_access=accessed(last.last_access, written, weight, config.access_threshold, last.step),
        hidden=hidden,
        cell=cell,
        read_word=torch.bmm(weight, memory),
        read_weight=weight,
        step=last.step + 1,
    )
    return now, Done(ask, taken, entry)


@torch.no_grad()
def discounted(usage: Tensor, decay: float, written: Tensor, read: Tensor) -> Tensor:
    """U_t = lambda U_{t-1} + the step's write and read weights of all heads (paper 3.2): [B, N]."""
    return (usage * decay).add_(written.sum(1)).add_(read.sum(1))


@torch.no_grad()
def events_of(last: DAMState, now: DAMState, done: Done) -> Events:
    """The events of one step; a previous read has entries for the slots that were live then."""
    heads, slots = now.read_weight.shape[1:]
    taken = done.taken.unsqueeze(-1)  # [B, H, 1]
    read_slot = for_heads(live_slots(now.live, slots), heads)
    write_slot = for_heads(live_slots(last.live, slots), heads)
    age = for_heads(last.last_access, heads)
    row = for_heads(now.memory, heads)  # [B, H, N, W]
    taken_row = row.gather(2, taken.unsqueeze(-1).expand(-1, -1, -1, row.shape[-1]))
    score = cosines(done.ask.query, now.memory, lengths(now.memory))
    return Events(
        read_slot=read_slot,
        read_weight=now.read_weight,
        read_score=score.masked_fill(read_slot < 0, 0),
        read_query=done.ask.query,
        read_word=now.read_word,
        read_usage=age.masked_fill(read_slot < 0, -1),
        write_slot=torch.cat([write_slot, taken.int()], dim=-1),
        write_weight=done.entry,
        write_row=torch.cat([row.masked_fill((write_slot < 0).unsqueeze(-1), 0), taken_row], dim=2),
        write_word=done.ask.word,
        write_usage=torch.cat([age.masked_fill(write_slot < 0, -1), age.gather(2, taken)], dim=-1),
        alpha=done.ask.alpha,
        gamma=done.ask.gamma,
        beta=done.ask.beta,
    )
