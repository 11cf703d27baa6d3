"""Which of the proposed slots a read may return: true cosines of the true rows (paper 3.5)."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled
from samviz.kernels.exact import cosine
from samviz.kernels.products import norm

Array = np.ndarray[Any, Any]


@compiled
def best_of(
    words: Array, norms: Array, candidates: Array, queries: Array, slots: Array, scores: Array
) -> None:
    """What `exact.nearest` does, among each head's candidates only.

    Args:
        words: [N, W]; norms: [N]; candidates: [H, C], different slots in any order, -1 none.
        queries: [H, W]; slots: [H, K] to fill, best first, ties to the lower slot, -1 missing; scores: [H, K]
            to fill with the cosines, 0 where missing.
    """
    for head in range(slots.shape[0]):
        for k in range(slots.shape[1]):
            slots[head, k], scores[head, k] = -1, 0
        length = norm(queries[head])
        for slot in candidates[head]:
            if slot >= 0:
                score = cosine(words[slot], norms[slot], queries[head], length)
                _insert(slots[head], scores[head], slot, score)


@compiled
def _insert(slots: Array, scores: Array, slot: int, score: float) -> None:
    """Put a slot into its place of a list sorted by score, then slot; the last entry drops out."""
    k = slots.shape[0]
    while k > 0 and (
        slots[k - 1] < 0 or score > scores[k - 1] or (score == scores[k - 1] and slot < slots[k - 1])
    ):
        if k < slots.shape[0]:
            slots[k] = slots[k - 1]
            scores[k] = scores[k - 1]
        k -= 1
    if k < slots.shape[0]:
        slots[k] = slot
        scores[k] = score
