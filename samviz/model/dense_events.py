"""What a dense memory did, in the same words as a sparse one: every slot is an entry.

Shape legend: T steps, B batch, H heads, N slots, W word size, E write entries (N + 1 in DAM, else N).
"""

from typing import NamedTuple

import torch
from torch import Tensor


class DenseEvents(NamedTuple):
    """The fields of `samviz.model.events.Events` with R = N: entry i is slot i, in reads and in writes.

    A gate that means nothing in a model is None.
    """

    read_slot: Tensor  # [T, B, H, N] int32, -1 where the slot is not live
    read_weight: Tensor  # [T, B, H, N]
    read_score: Tensor  # [T, B, H, N] cosine of query and word, 0 where there is no entry
    read_query: Tensor  # [T, B, H, W]
    read_word: Tensor  # [T, B, H, W]
    read_usage: Tensor  # [T, B, H, N] int32, step of the access before this one, -1 never
    write_slot: Tensor  # [T, B, H, E] int32
    write_weight: Tensor  # [T, B, H, E]
    write_row: Tensor  # [T, B, H, E, W] the slot's content at the end of the step
    write_word: Tensor  # [T, B, H, W]
    write_usage: Tensor  # [T, B, H, E] int32
    alpha: Tensor | None = None  # [T, B, H] write gate
    gamma: Tensor | None = None  # [T, B, H] interpolation gate of previous reads and least used slot
    beta: Tensor | None = None  # [T, B, H] read strength
    mode: Tensor | None = None  # [T, B, H, 3] backward, content, forward


def stacked(steps: list[DenseEvents]) -> DenseEvents:
    """The events of T steps as one, detached from the graph."""
    fields = zip(*steps, strict=True)
    return DenseEvents(*(None if field[0] is None else torch.stack(field).detach() for field in fields))  # type: ignore[arg-type]


def for_heads(per_slot: Tensor, heads: int) -> Tensor:
    """[B, N, ...], the same for every head, as [B, H, N, ...], not copied."""
    return per_slot.unsqueeze(1).expand(-1, heads, *per_slot.shape[1:])


def live_slots(live: Tensor, slots: int) -> Tensor:
    """Each slot's own number, -1 where it is not live: [B, N] int32.

    Args:
        live: [B], how many slots, from 0, are live.
    """
    number = torch.arange(slots, dtype=torch.int32, device=live.device)
    return torch.where(number < live.unsqueeze(1), number, -1)


def every_slot(batch: int, heads: int, slots: int, device: torch.device) -> Tensor:
    """Entry i names slot i: [B, H, N] int32."""
    return torch.arange(slots, dtype=torch.int32, device=device).expand(batch, heads, slots)


@torch.no_grad()
def accessed(last_access: Tensor, written: Tensor, read: Tensor, delta: float, step: int) -> Tensor:
    """The last access of every slot once this step's weights above delta count too: [B, N] int32.

    Args:
        last_access: [B, N] int32, -1 never.
        written: [B, heads, N]; read: [B, H, N].
    """
    strongest = torch.maximum(written.amax(1), read.amax(1))
    return last_access.masked_fill(strongest > delta, step)
