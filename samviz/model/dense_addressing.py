"""Content addressing over all slots at once, in matrix products: nothing larger than [B, H, N] is made.

Shape legend: B batch, H heads, N slots, W word size.
"""

import torch
from torch import Tensor
from torch.nn import functional

from samviz.kernels.exact import COSINE_EPSILON

FEW_NUMBERS = 2**15  # of a matrix in the cache: one call for the whole batch is worth more than a layout


def lengths(memory: Tensor) -> Tensor:
    """|M(i)| of every word, [B, N]; a word of length 0 passes no gradient.

    As distances from the origin: torch.cdist is one fused kernel each way and keeps the memory alone for the
    backward pass, where vector_norm would make three more tensors of the memory's size.
    """
    origin = memory.new_zeros(memory.shape[0], 1, memory.shape[2])
    distance = torch.cdist(memory, origin, compute_mode="donot_use_mm_for_euclid_dist")
    return distance.squeeze(-1)


def products(vectors: Tensor, rows: Tensor) -> Tensor:
    """Every vector times every row, [B, H, N].

    Large matrices go through `linear`, whose gradient has the layout of the rows; that of bmm comes out
    transposed, and adding it to the others takes as long as all the rest of a step.

    Args:
        vectors: [B, H, X]; rows: [B, N, X].
    """
    if rows[0].numel() < FEW_NUMBERS:
        return torch.bmm(vectors, rows.transpose(1, 2))
    if len(rows) == 1:
        return functional.linear(vectors.squeeze(0), rows.squeeze(0)).unsqueeze(0)
    return torch.stack(
        [functional.linear(*pair) for pair in zip(vectors.unbind(), rows.unbind(), strict=True)]
    )


def content_logits(query: Tensor, strength: Tensor, memory: Tensor, length: Tensor) -> Tensor:
    """strength * cosine of every query with every word: `addressing.cosine` for dense reads.

    A zero query or word has cosine 0 and passes no gradient.

    Args:
        query: [B, H, W]; strength: [B, H]; memory: [B, N, W]; length: [B, N] of `lengths`.

    Returns:
        [B, H, N].
    """
    query = torch.where((query != 0).any(-1, keepdim=True), query, 0)  # else q = 0 has a slope of m / epsilon
    product = products(query * strength.unsqueeze(-1), memory)
    epsilon = torch.where(length == 0, torch.inf, COSINE_EPSILON).to(length)  # x / inf: no value, no gradient
    query_length = torch.linalg.vector_norm(query, dim=-1, keepdim=True)  # [B, H, 1]
    epsilon = epsilon.unsqueeze(1).expand_as(product)
    return product / torch.baddbmm(epsilon, query_length, length.unsqueeze(1))


def content_weights(query: Tensor, strength: Tensor, memory: Tensor, length: Tensor) -> Tensor:
    """softmax over all slots of strength * cosine, [B, H, N]; arguments as for `content_logits`."""
    return torch.softmax(content_logits(query, strength, memory, length), dim=-1)


def cosines(query: Tensor, memory: Tensor, length: Tensor) -> Tensor:
    """The cosine of every query with every word, [B, H, N]."""
    return content_logits(query, torch.ones_like(query[..., 0]), memory, length)


def write_all(memory: Tensor, taken: Tensor, weight: Tensor, word: Tensor) -> Tensor:
    """M_t: all taken rows erased, then the heads' words added to every slot (SAM's eq. 8, 9, dense).

    Args:
        memory: [B, N, W]; taken: [B, H]; weight: [B, H, N]; word: [B, H, W].
    """
    rows = taken.unsqueeze(-1).expand(-1, -1, memory.shape[2])
    return memory.scatter(1, rows, 0).baddbmm_(weight.transpose(1, 2), word)


def least_used(usage: Tensor, heads: int) -> Tensor:
    """The H slots of smallest usage, smallest first, ties to the lower slot: [B, H].

    Args:
        usage: [B, N].
    """
    left, taken = usage.clone(), []
    for _ in range(heads):  # argmin promises the first of several; topk does not
        taken.append(left.argmin(dim=1, keepdim=True))
        left.scatter_(1, taken[-1], torch.inf)
    return torch.cat(taken, dim=1)
