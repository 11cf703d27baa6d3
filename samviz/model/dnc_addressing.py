"""How a Differentiable Neural Computer allocates slots and follows its writing (Graves et al. 2016, Methods).

Shape legend: B batch, H read heads, N slots, W word size.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from samviz.model.dense_addressing import products
from samviz.model.dense_config import DNCConfig


class Interface(NamedTuple):
    """What the controller asks of the memory at one step."""

    read_key: Tensor  # [B, H, W]
    read_strength: Tensor  # [B, H] >= 1
    write_key: Tensor  # [B, 1, W]
    write_strength: Tensor  # [B, 1] >= 1
    erase: Tensor  # [B, 1, W] in [0, 1]
    word: Tensor  # [B, 1, W] the write vector
    free: Tensor  # [B, H, 1] free gates
    allocate: Tensor  # [B, 1] allocation gate
    write: Tensor  # [B, 1] write gate
    mode: Tensor  # [B, H, 3] backward, content, forward; sums of 1


def split_interface(numbers: Tensor, config: DNCConfig) -> Interface:
    """The interface's numbers, [B, WH + 3W + 5H + 3], as what they mean."""
    heads, word = config.heads, config.word_size
    sizes = [heads * (word + 5), word, 1, word, word, 1, 1]
    reads, write_key, write_strength, erase, write_word, allocate, write = numbers.split(sizes, dim=-1)
    read_key, read_strength, free, mode = reads.unflatten(-1, (heads, word + 5)).split(
        [word, 1, 1, 3], dim=-1
    )
    return Interface(
        read_key=read_key,
        read_strength=1 + functional.softplus(read_strength.squeeze(-1)),
        write_key=write_key.unsqueeze(1),
        write_strength=1 + functional.softplus(write_strength),
        erase=erase.sigmoid().unsqueeze(1),
        word=write_word.unsqueeze(1),
        free=free.sigmoid(),
        allocate=allocate.sigmoid(),
        write=write.sigmoid(),
        mode=mode.softmax(-1),
    )


def used(usage: Tensor, written: Tensor, read: Tensor, free: Tensor) -> Tensor:
    """u_t = (u + w^W - u w^W) prod_h (1 - f_h w^R_h), all of step t - 1 but the free gates f: [B, N].

    Args:
        usage, written: [B, N]; read: [B, H, N]; free: [B, H, 1].
    """
    kept = (1 - free * read).prod(dim=1)
    return (usage + written - usage * written) * kept


def allocation(usage: Tensor) -> Tensor:
    """a(phi_j) = (1 - u(phi_j)) prod_{i<j} u(phi_i), phi the slots by rising usage: [B, N].

    Ties go to the lower slot; no gradient passes through the order.
    """
    rising, order = usage.sort(dim=1, stable=True)
    before = functional.pad(rising[:, :-1].cumprod(dim=1), (1, 0), value=1.0)
    return torch.zeros_like(usage).scatter(1, order, (1 - rising) * before)


def linked(link: Tensor, precedence: Tensor, written: Tensor) -> Tensor:
    """L_t(i, j) = (1 - w(i) - w(j)) L_{t-1}(i, j) + w(i) p_{t-1}(j), L_t(i, i) = 0: [B, N, N].

    The factor 1 - w(i) - w(j) is never made as a matrix, so that a step keeps one N x N tensor, not two.

    Args:
        link: [B, N, N]; precedence, written: [B, N].
    """
    row, column = written.unsqueeze(2), written.unsqueeze(1)
    new = (link * (1 - row)).add_(link * -column).baddbmm_(row, precedence.unsqueeze(1))
    new.diagonal(dim1=1, dim2=2).zero_()
    return new


def preceding(precedence: Tensor, written: Tensor) -> Tensor:
    """p_t = (1 - sum_i w(i)) p_{t-1} + w: [B, N]."""
    return (1 - written.sum(1, keepdim=True)) * precedence + written


def followed(mode: Tensor, content: Tensor, link: Tensor, read: Tensor) -> Tensor:
    """w^R = pi_b L^T w^R_{t-1} + pi_c c + pi_f L w^R_{t-1}: [B, H, N].

    Args:
        mode: [B, H, 3]; content: [B, H, N]; link: [B, N, N]; read: [B, H, N] of the step before.
    """
    backward, same, forward = mode.split(1, dim=-1)  # [B, H, 1]
    behind = torch.bmm(backward * read, link)
    return behind.add_(same * content).add_(products(forward * read, link))
