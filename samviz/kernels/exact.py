"""Which slots a read may return: the exact index, one scan of the live words for all heads (paper 3.5)."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.products import dot, norm

Array = np.ndarray[Any, Any]

COSINE_EPSILON = 1e-6


@compiled
def nearest(words: Array, norms: Array, live: int, queries: Array, slots: Array, scores: Array) -> None:
    """Find each head's K live slots of largest cosine, best first, ties to the lower slot.

    Missing entries get slot -1 and score 0.

    Args:
        words: [N, W]; norms: [N]; live: how many slots, from 0, are live.
        queries: [H, W]; slots: [H, K] to fill; scores: [H, K] to fill with the cosines
            q.m / (|q||m| + 1e-6).
    """
    heads, reads = slots.shape
    number = words.dtype.type
    lengths = np.empty(heads, words.dtype)
    for head in range(heads):
        lengths[head] = norm(queries[head])
        for k in range(reads):
            slots[head, k] = -1
            scores[head, k] = 0
    for slot in range(live):
        for head in range(heads):
            product = dot(words[slot], queries[head])
            cosine = product / (lengths[head] * norms[slot] + number(COSINE_EPSILON))
            if slots[head, reads - 1] == -1 or cosine > scores[head, reads - 1]:
                _insert(slots[head], scores[head], slot, cosine)


@inlined
def _insert(slots: Array, scores: Array, slot: int, score: float) -> None:
    """Put a slot into its place of a list sorted by score, dropping the last entry."""
    k = slots.shape[0] - 1
    while k > 0 and (slots[k - 1] == -1 or score > scores[k - 1]):
        slots[k] = slots[k - 1]
        scores[k] = scores[k - 1]
        k -= 1
    slots[k] = slot
    scores[k] = score
