"""SAM and SDNC step by step, as the paper writes them: plain autograd, every step a new memory.

Slow on purpose. It is the twin that the fast path is compared with, outputs, gradients and events; it also
runs on a GPU. Shape legend: T B H N W K R L, D hidden, E = R + 1 write entries.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from samviz.kernels.usage import ring_from_order, ring_order
from samviz.model import linkage
from samviz.model.addressing import gather_rows, nearest, read_weight, read_words, write, write_weight
from samviz.model.config import SAMConfig
from samviz.model.controller import Controller, Interface, lstm_step, read_out, split_interface
from samviz.model.events import Events, stacked
from samviz.model.index import Index, candidates
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
    links: linkage.Links
    hidden: Tensor  # [B, D]
    cell: Tensor  # [B, D]
    read_word: Tensor  # [B, H, W]
    read_slot: Tensor  # [B, H, R]
    read_weight: Tensor  # [B, H, R]


class Read(NamedTuple):
    """What the heads read in a step, and what an SDNC tells about it."""

    slot: Tensor  # [B, H, R]
    weight: Tensor  # [B, H, R]
    score: Tensor  # [B, H, R]
    told: dict[str, Tensor]


def run_window(
    controller: Controller, config: SAMConfig, inputs: Tensor, state: SAMState
) -> tuple[Tensor, SAMState, Events]:
    """T steps: controller, write, links, read, output (paper 3.1 to 3.3, supplement D).

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
        linkage.to_dense(state.memory.links, config.slots),
        state.hidden,
        state.cell,
        state.read_word,
        state.read_slot.long(),
        state.read_weight,
    )
    outputs, events = [], []
    for t, x in enumerate(inputs):
        now, output, event = _step(controller, config, x, now, usage, state.memory.index, state.step + t)
        outputs.append(output)
        events.append(event)
    return torch.stack(outputs), _next_state(state, now, usage, config, len(inputs)), stacked(events)


def _step(
    controller: Controller,
    config: SAMConfig,
    x: Tensor,
    last: Step,
    usage: Usage,
    index: Index,
    step: int,
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
    links = last.links
    if config.links_per_slot:
        links = linkage.advance(links, taken, written, weight_written, config.links_per_slot)

    allowed = _allowed(index, written, memory, live, ask.query)
    found = _read(ask, config, memory, allowed, links, last)
    word = read_words(memory, found.slot, found.weight)

    usage_written, usage_read = usage.before_this_step(written), usage.before_this_step(found.slot)
    usage.access(written, weight_written, step)
    usage.access(found.slot, found.weight, step)

    row = gather_rows(memory, written).masked_fill((written < 0).unsqueeze(-1), 0)
    event = Events(
        read_slot=found.slot.int(),
        read_weight=found.weight,
        read_score=found.score,
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
        **found.told,
    )
    return (
        Step(memory, live, links, hidden, cell, word, found.slot, found.weight),
        read_out(controller, hidden, word),
        event,
    )


def _read(
    ask: Interface, config: SAMConfig, memory: Tensor, allowed: Tensor, links: linkage.Links, last: Step
) -> Read:
    """The K nearest words, in an SDNC mixed with where the links lead from the last read."""
    slot = nearest(ask.query, memory, allowed, config.reads)  # [B, H, K]
    weight, score = read_weight(ask.query, ask.beta, slot, memory)
    if not config.links_per_slot:
        return Read(slot, weight, score, {})
    forward = linkage.follow(links.link, last.read_slot, last.read_weight, config.reads)
    backward = linkage.follow(links.link.mT, last.read_slot, last.read_weight, config.reads)
    mixed, weight = linkage.mix(ask.mode, (slot, weight), forward, backward)
    precedence_slot, precedence_weight = _sorted_entries(links.precedence, config.links_per_slot)
    told = {
        "mode": ask.mode,
        "precedence_slot": precedence_slot.int(),
        "precedence_weight": precedence_weight,
        "forward_slot": forward[0].int(),
        "forward_weight": forward[1],
        "backward_slot": backward[0].int(),
        "backward_weight": backward[1],
    }
    return Read(mixed, weight, _scores(mixed, slot, score), told)


def _allowed(index: Index, written: Tensor, memory: Tensor, live: Tensor, query: Tensor) -> Tensor:
    """The live slots that the index lets each head look at, [B, H, N]."""
    slots = torch.arange(memory.shape[1], device=memory.device)
    allowed = (slots < live[:, None]).unsqueeze(1).repeat(1, query.shape[1], 1)
    if index.kind == "exact":
        return allowed
    for b, words in enumerate(memory.detach().cpu().numpy()):
        changed = np.array(list(dict.fromkeys(written[b].flatten().tolist())))  # each once, in their order
        queries = query[b].detach().cpu().numpy()
        found = candidates(index, b, changed, words, int(live[b]), queries)
        if found is not None:
            proposed = torch.from_numpy(found).to(slots).unsqueeze(-1)  # [H, C, 1]
            allowed[b] &= (proposed == slots).any(1)
    return allowed


def _sorted_entries(values: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The entries above 0 of a vector over slots, largest first, as (slot, weight), each [..., most]."""
    values = torch.nn.functional.pad(values, (0, max(0, most - values.shape[-1])))
    order = values.argsort(dim=-1, descending=True, stable=True)[..., :most]
    weight = values.gather(-1, order)
    return order.masked_fill(weight <= 0, -1), weight


def _scores(mixed: Tensor, slot: Tensor, score: Tensor) -> Tensor:
    """The cosine of each entry that was found by content, NaN for others, 0 where there is no entry."""
    same = (mixed.unsqueeze(-1) == slot.unsqueeze(-2)) & (slot >= 0).unsqueeze(-2)  # [B, H, R, K]
    known = (same * score.detach().unsqueeze(-2)).sum(-1)
    return known.masked_fill(~same.any(-1), torch.nan).masked_fill(mixed < 0, 0)


def _next_state(state: SAMState, end: Step, usage: Usage, config: SAMConfig, steps: int) -> SAMState:
    """The state after the window: the same memory, its contents moved on, no gradient across."""
    memory = state.memory
    usage.store(state)
    memory.tensors.word.copy_(end.memory.detach())
    memory.tensors.norm.copy_(torch.linalg.vector_norm(end.memory.detach(), dim=-1))
    memory.tensors.live.copy_(end.live)
    if config.links_per_slot:
        linkage.store(end.links, memory.links, config.links_per_slot)
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
