"""Where to write and what to read, in plain torch: the equations as the paper has them.

Shape legend: B batch, H heads, N slots, W word size, K reads, E = K + 1 write entries. A slot of -1 marks an
unused entry of weight 0.
"""

import torch
from torch import Tensor

from samviz.kernels.exact import COSINE_EPSILON


def cosine(query: Tensor, words: Tensor) -> Tensor:
    """q.m / (|q||m| + 1e-6) (eq. 4); 0 and without gradient where the query or the word is zero.

    Args:
        query: [B, H, 1, W].
        words: [B, H or 1, n, W].

    Returns:
        [B, H, n].
    """
    known = (query != 0).any(-1) & (words != 0).any(-1)  # [B, H, n]
    one = torch.ones((), dtype=words.dtype, device=words.device)
    query, words = (torch.where(known.unsqueeze(-1), vector, one) for vector in (query, words))
    lengths = torch.linalg.vector_norm(query, dim=-1) * torch.linalg.vector_norm(words, dim=-1)
    return torch.where(known, (query * words).sum(-1) / (lengths + COSINE_EPSILON), 0)


def nearest(query: Tensor, memory: Tensor, allowed: Tensor, reads: int) -> Tensor:
    """The K allowed slots of largest cosine, best first, ties to the lower slot; -1 where there are fewer.

    Args:
        query: [B, H, W]; memory: [B, N, W]; allowed: [B, H, N] the slots to look at.

    Returns:
        [B, H, K] int64.
    """
    with torch.no_grad():
        score = cosine(query.unsqueeze(2), memory.unsqueeze(1))  # [B, H, N]
        score = score.masked_fill(~allowed, -torch.inf)
        best, slot = score.sort(dim=-1, descending=True, stable=True)
        return slot[..., :reads].masked_fill(best[..., :reads] == -torch.inf, -1)


def gather_rows(memory: Tensor, slot: Tensor) -> Tensor:
    """The rows at the given slots, [B, H, K, W]; row 0 where the slot is -1."""
    batch = torch.arange(memory.shape[0], device=memory.device)[:, None, None]
    return memory[batch, slot.clamp(min=0)]


def read_weight(query: Tensor, beta: Tensor, slot: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
    """Read weights over the K proposed slots (eq. 2, 4).

    Returns:
        (weight [B, H, K], cosine [B, H, K]).
    """
    unused = slot < 0
    score = cosine(query.unsqueeze(2), gather_rows(memory, slot)).masked_fill(unused, 0)  # [B, H, K]
    logit = (beta.unsqueeze(-1) * score).masked_fill(unused, -torch.inf)
    logit = torch.where(unused.all(-1, keepdim=True), 0, logit)  # a head without any entry reads 0
    return torch.softmax(logit, dim=-1).masked_fill(unused, 0), score


def read_words(memory: Tensor, slot: Tensor, weight: Tensor) -> Tensor:
    """r = sum_k w^R(s_k) M(s_k) (eq. 2), [B, H, W]."""
    return (weight.unsqueeze(-1) * gather_rows(memory, slot)).sum(2)


def write_weight(alpha: Tensor, gamma: Tensor, previous_read: Tensor) -> Tensor:
    """alpha * (gamma * w^R_{t-1} + (1 - gamma) * 1[least recently accessed slot]) (eq. 5), [B, H, E]."""
    alpha, gamma = alpha.unsqueeze(-1), gamma.unsqueeze(-1)
    return torch.cat([alpha * (gamma * previous_read), alpha * (1 - gamma)], dim=-1)


def write(memory: Tensor, taken: Tensor, slot: Tensor, weight: Tensor, word: Tensor) -> Tensor:
    """M_t: all taken rows erased, then the heads' words added (eq. 8, 9).

    Args:
        memory: [B, N, W]; taken: [B, H]; slot, weight: [B, H, E]; word: [B, H, W].
    """
    batch, slots, size = memory.shape
    kept = torch.ones(batch, slots, dtype=memory.dtype, device=memory.device).scatter(1, taken, 0)
    added = (weight.unsqueeze(-1) * word.unsqueeze(2)).flatten(1, 2)  # [B, H*E, W]
    target = slot.clamp(min=0).flatten(1, 2).unsqueeze(-1).expand(-1, -1, size)
    return (memory * kept.unsqueeze(-1)).scatter_add(1, target, added)
