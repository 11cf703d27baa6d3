"""What a dense memory did, in the same words as a sparse one: every slot is an entry.

Shape legend: T steps, B batch, H heads, N slots, W word size, E write entries (N + 1 in DAM, else N).
"""

import torch
from torch import Tensor


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
