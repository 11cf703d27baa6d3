"""Temporal links in plain torch, as dense matrices of which only the kept entries are not zero.

Lambda(i, j) says how much slot i was written right after slot j: the DNC's link matrix (paper eq. 13, kept to
L entries a row and column as in supplement D). No gradient passes through the links or the precedence.
Shape legend: B batch, H heads, N slots, L links per slot, K reads, R entries of a read, E of a write.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from samviz.kernels.arrays import LinkArrays


class Links(NamedTuple):
    """What is known of the order of the writes."""

    link: Tensor  # [B, H, N, N] Lambda
    precedence: Tensor  # [B, H, N] p


@torch.no_grad()
def advance(links: Links, taken: Tensor, slot: Tensor, weight: Tensor, most: int) -> Links:
    """One step of the links: forget the taken slots, then link what was written to what was before it.

    Args:
        taken: [B, H] the slots that lost their content in this step.
        slot, weight: [B, H, E] what was written, -1 and 0 where there is no entry.
        most: L.
    """
    slots = links.precedence.shape[-1]
    written = dense(slot, weight, slots)  # [B, H, N] w^W
    gone = torch.zeros(taken.shape[0], slots, dtype=torch.bool, device=taken.device).scatter(1, taken, True)
    link = links.link.masked_fill(gone[:, None, :, None] | gone[:, None, None, :], 0)
    before = links.precedence.masked_fill(gone[:, None], 0)
    later, earlier = written.unsqueeze(-1), written.unsqueeze(-2)
    link = link * (1 - later - earlier).clamp(min=0) + later * before.unsqueeze(-2)
    link = link.masked_fill(torch.eye(slots, dtype=torch.bool, device=taken.device), 0)
    link = torch.where(later > 0, largest(link, most), link)
    columns = largest(link.mT, most).mT
    link = torch.where(before.unsqueeze(-2) > 0, columns, link)
    precedence = (1 - written.sum(-1, keepdim=True)).clamp(min=0) * before + written
    return Links(link, largest(precedence, most))


def dense(slot: Tensor, weight: Tensor, slots: int) -> Tensor:
    """Entries as a vector over all slots, [..., N]; entries of one slot are added."""
    empty = weight.new_zeros(*weight.shape[:-1], slots)
    return empty.scatter_add(-1, slot.clamp(min=0), weight.masked_fill(slot < 0, 0))


def largest(values: Tensor, most: int) -> Tensor:
    """The values with all but the `most` largest of the last axis set to 0, ties to the lower slot."""
    order = values.argsort(dim=-1, descending=True, stable=True)[..., :most]
    return torch.zeros_like(values).scatter(-1, order, values.gather(-1, order))


def follow(link: Tensor, slot: Tensor, weight: Tensor, reads: int) -> tuple[Tensor, Tensor]:
    """The K slots that a read leads to most strongly: Lambda w, its largest entries; -1 and 0 where none.

    Args:
        link: [B, H, N, N] Lambda for the forward direction, its transpose for the backward one.
        slot, weight: [B, H, R] the read to start from; gradients pass to its weights.

    Returns:
        (slot [B, H, K], weight [B, H, K]), largest first, ties to the lower slot.
    """
    found = (link @ dense(slot, weight, link.shape[-1]).unsqueeze(-1)).squeeze(-1)  # [B, H, N]
    missing = max(0, reads - found.shape[-1])
    found = torch.nn.functional.pad(found, (0, missing))
    order = found.detach().argsort(dim=-1, descending=True, stable=True)[..., :reads]
    value = found.gather(-1, order)
    return order.masked_fill(value <= 0, -1), value.masked_fill(value <= 0, 0)


def mix(
    mode: Tensor,
    content: tuple[Tensor, Tensor],
    forward: tuple[Tensor, Tensor],
    backward: tuple[Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """w^R = pi_b b + pi_c c + pi_f f with each slot once, in the order content, forward, backward.

    Args:
        mode: [B, H, 3] shares of backward, content, forward.
        content, forward, backward: (slot [B, H, K], weight [B, H, K]) each.

    Returns:
        (slot [B, H, 3K], weight [B, H, 3K]), what is left over -1 and 0.
    """
    slot = torch.cat([content[0], forward[0], backward[0]], dim=-1)  # [B, H, R]
    shares = (mode[..., 1:2] * content[1], mode[..., 2:3] * forward[1], mode[..., 0:1] * backward[1])
    weight = torch.cat(shares, dim=-1)
    same = (slot.unsqueeze(-1) == slot.unsqueeze(-2)) & (slot >= 0).unsqueeze(-1)  # [B, H, R, R]
    merged = (same * weight.unsqueeze(-2)).sum(-1)
    first = same.float().argmax(dim=-1) == torch.arange(slot.shape[-1], device=slot.device)
    used = first & (slot >= 0)
    order = (~used).long().argsort(dim=-1, stable=True)  # used entries to the front, in their order
    used = used.gather(-1, order)
    return (
        slot.gather(-1, order).masked_fill(~used, -1),
        merged.gather(-1, order).masked_fill(~used, 0),
    )


def to_dense(tables: LinkArrays, slots: int) -> Links:
    """The links of a state as dense matrices."""
    batch, heads = tables.precedence_slot.shape[:2]
    if tables.before_slot.shape[2] == 0:
        empty = tables.precedence_weight.new_zeros
        return Links(empty(batch, heads, 0, 0), empty(batch, heads, 0))
    slot, weight = tables.before_slot.flatten(3).long(), tables.before_weight.flatten(3)
    return Links(
        dense(slot, weight, slots),
        dense(tables.precedence_slot.long(), tables.precedence_weight, slots),
    )


def store(links: Links, tables: LinkArrays, most: int) -> None:
    """Put dense links back into the tables of a state."""
    for matrix, slot, weight in (
        (links.link, tables.before_slot.flatten(3), tables.before_weight.flatten(3)),
        (links.link.mT, tables.after_slot.flatten(3), tables.after_weight.flatten(3)),
        (links.precedence, tables.precedence_slot, tables.precedence_weight),
    ):
        found = matrix.argsort(dim=-1, descending=True, stable=True)[..., :most]
        value = matrix.gather(-1, found)
        kept = found.shape[-1]
        slot.fill_(-1)
        weight.zero_()
        slot[..., :kept] = found.masked_fill(value <= 0, -1).int()
        weight[..., :kept] = value.masked_fill(value <= 0, 0)
