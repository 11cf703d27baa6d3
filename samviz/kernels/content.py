"""The content read inside the loop: the nearest live words and their softmax (eq. 2, 4)."""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.best_of import best_of
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.exact import nearest
from samviz.kernels.pages import EXACT_BELOW, Pages, element, needs_build
from samviz.kernels.pages_build import build
from samviz.kernels.pages_search import propose
from samviz.kernels.pages_update import update

Array = np.ndarray[Any, Any]


@compiled
def search(memory: MemoryArrays, pages: Pages, candidates: Array, journal: Journal, t: int, b: int) -> None:
    """Find each head's K nearest live slots, among all or among what the index proposes (paper 3.5)."""
    words, norms, live = memory.word[b], memory.norm[b], memory.live[b]
    if pages.lists.place.shape[1] > 0:
        index = element(pages, b)
        update(index, journal.changed_slot[t, b], words, norms)
        if needs_build(index, live):
            build(index, words, norms, live)
        if live > EXACT_BELOW:
            propose(index, journal.query[t, b], candidates[b])
            choose_slots(memory, candidates, journal, t, b)
            return
    slots, scores = journal.content_slot[t, b], journal.content_score[t, b]
    nearest(words, norms, live, journal.query[t, b], slots, scores)


@inlined
def choose_slots(memory: MemoryArrays, candidates: Array, journal: Journal, t: int, b: int) -> None:
    """The K nearest among the candidates."""
    slots, scores = journal.content_slot[t, b], journal.content_score[t, b]
    best_of(memory.word[b], memory.norm[b], candidates[b], journal.query[t, b], slots, scores)


@inlined
def weigh_content(journal: Journal, t: int, b: int) -> None:
    """Softmax of strength times cosine over the K slots found (eq. 2, 4)."""
    heads, reads = journal.content_slot.shape[2:]
    slots, weights = journal.content_slot[t, b], journal.content_weight[t, b]
    scores = journal.content_score[t, b]
    for head in range(heads):
        beta = journal.beta[t, b, head]
        total = scores.dtype.type(0)
        for k in range(reads):
            if slots[head, k] >= 0:
                weights[head, k] = np.exp(beta * (scores[head, k] - scores[head, 0]))
                total += weights[head, k]
            else:
                weights[head, k] = 0
        for k in range(reads):
            if slots[head, k] >= 0:
                weights[head, k] /= total
