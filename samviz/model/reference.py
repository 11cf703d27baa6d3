"""SAM step by step, as the paper writes it: plain autograd, every step a new memory, the ring a list.

Slow on purpose. It is the twin that the fast path is compared with, outputs, gradients and events.
Shape legend: T B H N W K, D hidden, E = K + 1 write entries.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from samviz.kernels.usage import ring_from_order, ring_order
from samviz.model.addressing import gather_rows, nearest, read, write, write_weight
from samviz.model.config import SAMConfig
from samviz.model.controller import Controller, lstm_step, read_out, split_interface
from samviz.model.events import Events
from samviz.model.state import SAMState


class Usage:
    """Who was accessed when, one batch element after the other, in the slowest and plainest way."""

    def __init__(self, state: SAMState, delta: float) -> None:
        memory = state.memory.tensors
        self.delta = torch.tensor(delta, dtype=memory.word.dtype)
        self.order = [ring_order(after.cpu().numpy()) for after in memory.after]  # oldest access first
        self.last_access = memory.last_access.cpu().tolist()

    def take(self, heads: int) -> Tensor:
        """The H least recently accessed slots of each element, [B, H]."""
        return torch.tensor([order[:heads] for order in self.order])

    def before_this_step(self, slot: Tensor) -> Tensor:
        """When each slot was last accessed; -1 never or no entry. [B, H, entries] int32."""
        ages = [
            [[known[s] if s >= 0 else -1 for s in head] for head in element]
            for known, element in zip(self.last_access, slot.tolist(), strict=True)
        ]
        return torch.tensor(ages, dtype=torch.int32, device=slot.device)

    def access(self, slot: Tensor, weight: Tensor, step: int) -> None:
        """Move each slot that a head accessed, its entries merged, with a weight above delta to the back."""
        weight = weight.detach().cpu()
        for b, heads in enumerate(slot.tolist()):
            for head, entries in enumerate(heads):
                for entry in entries:
                    merged = sum(weight[b, head, i] for i, other in enumerate(entries) if other == entry)
                    if entry >= 0 and merged > self.delta:
                        self.order[b].remove(entry)
                        self.order[b].append(entry)
                        self.last_access[b][entry] = step

    def store(self, state: SAMState) -> None:
        """Put the ring and the last accesses back into the memory."""
        memory = state.memory.tensors
        for b, order in enumerate(self.order):
            after, before = ring_from_order(order)
            memory.after[b], memory.before[b] = torch.from_numpy(after), torch.from_numpy(before)
        memory.last_access.copy_(torch.tensor(self.last_access))


class Step(NamedTuple):
    """What travels from one step to the next."""

    memory: Tensor  # [B, N, W]
    live: Tensor  # [B]
    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    read_word: Tensor  # [B, H, W]
    read_slot: Tensor  # [B, H, K]
    read_weight: Tensor  # [B, H, K]


def run_window(
    controller: Controller, config: SAMConfig, inputs: Tensor, state: SAMState
) -> tuple[Tensor, SAMState, Events]:
    """T steps of SAM: controller, write, read, output (paper 3.1 to 3.3).

    Args:
        inputs: [T, B, I].
        state: consumed; its memory becomes that of the state returned.

    Returns:
        (output [T, B, O], state, events).
    """
    usage = Usage(state, config.access_threshold)
    now = Step(
        state.memory.word.clone(),
        state.memory.tensors.live.clone(),
        state.hidden,
        state.cell,
        state.read_word,
        state.read_slot.long(),
        state.read_weight,
    )
    outputs, events = [], []
    for t, x in enumerate(inputs):
        now, output, event = _step(controller, config, x, now, usage, state.step + t)
        outputs.append(output)
        events.append(event)
    stacked = Events(*(torch.stack(tensors).detach() for tensors in zip(*events, strict=True)))
    return torch.stack(outputs), _next_state(state, now, usage, len(inputs)), stacked


def _step(
    controller: Controller, config: SAMConfig, x: Tensor, last: Step, usage: Usage, step: int
) -> tuple[Step, Tensor, Events]:
    gates = (
        controller.from_input(x)
        + controller.from_read(last.read_word.flatten(1))
        + controller.from_hidden(last.hidden)
    )
    hidden, cell = lstm_step(gates, last.cell)
    ask = split_interface(controller.interface(hidden), config.heads, config.word_size)

    taken = usage.take(config.heads).to(x.device)  # [B, H]
    written = torch.cat([last.read_slot, taken.unsqueeze(-1)], dim=-1)  # [B, H, E]
    weight_written = write_weight(ask.alpha, ask.gamma, last.read_weight)
    memory = write(last.memory, taken, written, weight_written, ask.word)
    live = torch.maximum(last.live, taken.max(dim=1).values + 1)

    slot = nearest(ask.query, memory, live, config.reads)  # [B, H, K]
    weight, score, word = read(ask.query, ask.beta, slot, memory)

    usage_written, usage_read = usage.before_this_step(written), usage.before_this_step(slot)
    usage.access(written, weight_written, step)
    usage.access(slot, weight, step)

    row = gather_rows(memory, written).masked_fill((written < 0).unsqueeze(-1), 0)
    event = Events(
        read_slot=slot.int(),
        read_weight=weight,
        read_score=score,
        read_query=ask.query,
        read_word=word,
        read_usage=usage_read,
        write_slot=written.int(),
        write_weight=weight_written,
        write_row=row,
        write_word=ask.word,
        write_usage=usage_written,
        alpha=ask.alpha,
        gamma=ask.gamma,
        beta=ask.beta,
    )
    return (
        Step(memory, live, hidden, cell, word, slot, weight),
        read_out(controller, hidden, word),
        event,
    )


def _next_state(state: SAMState, end: Step, usage: Usage, steps: int) -> SAMState:
    """The state after the window: the same memory, its contents moved on, no gradient across."""
    memory = state.memory
    usage.store(state)
    memory.tensors.word.copy_(end.memory.detach())
    memory.tensors.norm.copy_(torch.linalg.vector_norm(end.memory.detach(), dim=-1))
    memory.tensors.live.copy_(end.live)
    memory.version += 1
    return SAMState(
        memory,
        end.hidden.detach(),
        end.cell.detach(),
        end.read_word.detach(),
        end.read_slot.int(),
        end.read_weight.detach(),
        state.step + steps,
        memory.version,
    )
