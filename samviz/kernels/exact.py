"""Which slots a read may return: the exact index, one scan of the live words for all heads (paper 3.5)."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled_exactly, inlined, inlined_exactly
from samviz.kernels.products import dot, norm
from samviz.kernels.vectors import LINE, line_product, lowest_bit, score_words

Array = np.ndarray[Any, Any]

COSINE_EPSILON = 1e-6


@compiled_exactly
def nearest(words: Array, norms: Array, live: int, queries: Array, slots: Array, scores: Array) -> None:
    """Find each head's K live slots of largest cosine, best first, ties to the lower slot.

    Missing entries get slot -1 and score 0. Arrays are contiguous. Nothing here may be reordered, so that
    words scored together and alone get the same score.

    Args:
        words: [N, W]; norms: [N]; live: how many slots, from 0, are live.
        queries: [H, W]; slots: [H, K] to fill; scores: [H, K] to fill with the cosines
            q.m / (|q||m| + 1e-6).
    """
    heads, reads = slots.shape
    together = LINE // words.itemsize  # words that are scored together
    scratch = np.empty(heads + together, words.dtype)
    lengths, cosines = scratch[:heads], scratch[heads:]
    for head in range(heads):
        lengths[head] = norm(queries[head])
        for k in range(reads):
            slots[head, k] = -1
            scores[head, k] = 0
    if words.shape[1] < together:
        _scan_short(words, norms, live, queries, lengths, slots, scores)
        return
    rest = live % together
    for first in range(0, live - rest, together):
        for head in range(heads):
            bits = score_words(
                words,
                norms,
                first,
                queries[head],
                lengths[head],
                words.dtype.type(COSINE_EPSILON),
                cosines,
                _bar(slots[head], scores[head]),
            )
            while bits != 0:
                i = lowest_bit(bits)
                bits &= bits - 1
                _offer(slots[head], scores[head], first + i, cosines[i])
    for slot in range(live - rest, live):
        for head in range(heads):
            product = line_product(words[slot], queries[head])
            _offer(slots[head], scores[head], slot, _cosine(product, norms[slot], lengths[head]))


@inlined
def _scan_short(
    words: Array, norms: Array, live: int, queries: Array, lengths: Array, slots: Array, scores: Array
) -> None:
    """Score words that do not fill a line, one at a time."""
    for slot in range(live):
        for head in range(queries.shape[0]):
            product = dot(words[slot], queries[head])
            _offer(slots[head], scores[head], slot, _cosine(product, norms[slot], lengths[head]))


@inlined_exactly
def cosine(word: Array, size: float, query: Array, length: float) -> float:
    """The cosine of a word and a query of known norms, bit for bit as `nearest` has it."""
    product = line_product(word, query) if word.shape[0] >= LINE // word.itemsize else dot(word, query)
    return _cosine(product, size, length)  # type: ignore[no-any-return]


@inlined_exactly
def _cosine(product: float, size: float, length: float) -> float:
    """As in `score_words`, which rounds after every operation."""
    return product / (length * size + type(product)(COSINE_EPSILON))


@inlined
def _bar(slots: Array, scores: Array) -> float:
    """What a score must exceed to get into a sorted list."""
    return scores[-1] if slots[-1] >= 0 else -np.inf


@inlined
def _offer(slots: Array, scores: Array, slot: int, score: float) -> None:
    """Take a slot into a list sorted by score if it is better than the last entry."""
    if slots[-1] == -1 or score > scores[-1]:
        _insert(slots, scores, slot, score)


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
