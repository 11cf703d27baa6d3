"""How a Neural Turing Machine places its heads and erases (Graves et al. 2014, section 3; its equations).

Shape legend: B batch, H heads, N slots, W word size, S shifts.
"""

from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from samviz.model.dense_addressing import content_weights
from samviz.model.dense_config import NTMConfig

HEADS_AT_ONCE = 4  # 2^4 columns in the product below, half a word
TINY = 1e-16  # a weight of 0 has a logarithm


class Placing(NamedTuple):
    """What the controller asks of H heads' addressing."""

    key: Tensor  # [B, H, W]
    strength: Tensor  # [B, H] beta > 0
    gate: Tensor  # [B, H] share of content in [0, 1]
    shift: Tensor  # [B, H, S] shares of moving by -S//2 to S//2 slots
    sharpness: Tensor  # [B, H] gamma >= 1


class Interface(NamedTuple):
    """What the controller asks of the memory at one step."""

    read: Placing
    write: Placing
    erase: Tensor  # [B, H, W] in [0, 1]
    add: Tensor  # [B, H, W]


def split_interface(numbers: Tensor, config: NTMConfig) -> Interface:
    """The interface's numbers, [B, 2H * (addressing + W)], as what they mean."""
    placing, word = config.addressing_size, config.word_size
    per_head = numbers.unflatten(-1, (config.heads, 2 * (placing + word)))
    read, write, erase, add = per_head.split([placing, placing, word, word], dim=-1)
    return Interface(_placing(read, config), _placing(write, config), erase.sigmoid(), add)


def _placing(numbers: Tensor, config: NTMConfig) -> Placing:
    key, strength, gate, shift, sharpness = numbers.split([config.word_size, 1, 1, config.shifts, 1], dim=-1)
    return Placing(
        key=key,
        strength=functional.softplus(strength.squeeze(-1)),
        gate=gate.squeeze(-1).sigmoid(),
        shift=shift.softmax(-1),
        sharpness=1 + functional.softplus(sharpness.squeeze(-1)),
    )


def place(ask: Placing, previous: Tensor, memory: Tensor, length: Tensor) -> Tensor:
    """Where H heads go from where they were: content, interpolation, shift, sharpening (eq. 5 to 9).

    Args:
        previous: [B, H, N] weights of the step before; memory: [B, N, W]; length: [B, N].

    Returns:
        [B, H, N], sums of 1.
    """
    content = content_weights(ask.key, ask.strength, memory, length)
    gated = torch.lerp(previous, content, ask.gate.unsqueeze(-1))
    return sharpened(shifted(gated, ask.shift), ask.sharpness)


def shifted(weight: Tensor, shift: Tensor) -> Tensor:
    """w~(i) = sum_j w(i - j) s(j), circular, j = -S//2 to S//2 (eq. 8).

    Args:
        weight: [B, H, N]; shift: [B, H, S].
    """
    reach = shift.shape[-1] // 2
    moved = torch.stack([weight.roll(by, -1) for by in range(-reach, reach + 1)], dim=2)  # [B, H, S, N]
    product = torch.bmm(shift.flatten(0, 1).unsqueeze(1), moved.flatten(0, 1))
    return product.view_as(weight)


def sharpened(weight: Tensor, sharpness: Tensor) -> Tensor:
    """w(i)^gamma / sum_j w(j)^gamma (eq. 9), as a softmax of gamma log w: no power, and no 0 / 0."""
    return torch.softmax(sharpness.unsqueeze(-1) * torch.log(weight + TINY), dim=-1)


def retained(weight: Tensor, erase: Tensor) -> Tensor:
    """What the heads' erasures leave of every number: prod_h (1 - w_h(i) e_h(j)) (eq. 3), [B, N, W].

    Multiplied out, the product over H heads is a sum over their 2^H subsets, each an outer product: one
    matrix product, where head after head would keep two tensors of the memory's size for each.

    Args:
        weight: [B, H, N]; erase: [B, H, W].
    """
    parts = zip(weight.split(HEADS_AT_ONCE, dim=1), erase.split(HEADS_AT_ONCE, dim=1), strict=True)
    return reduce(torch.mul, (_product_of_complements(w, e) for w, e in parts))


def _product_of_complements(weight: Tensor, erase: Tensor) -> Tensor:
    left, right = torch.ones_like(weight[:, :1]), torch.ones_like(erase[:, :1])  # the empty subset
    for w, e in zip(weight.neg().split(1, dim=1), erase.split(1, dim=1), strict=True):
        left = torch.cat([left, left * w], dim=1)  # [B, 2^h, N]
        right = torch.cat([right, right * e], dim=1)  # [B, 2^h, W]
    return torch.bmm(left.transpose(1, 2), right)
