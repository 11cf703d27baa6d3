"""The loops around exact scan and pages: a call from Python for every step would cost as much as a search.

Shape legend: Q steps, H heads, N slots, W word size, K reads, C candidates, U changed slots.
"""

from typing import Any

import numpy as np

from samviz.kernels.best_of import best_of
from samviz.kernels.compiled import compiled
from samviz.kernels.exact import nearest
from samviz.kernels.pages import Pages, element
from samviz.kernels.pages_build import build
from samviz.kernels.pages_search import propose
from samviz.kernels.pages_update import update
from samviz.kernels.products import norm

Array = np.ndarray[Any, Any]


@compiled
def scan(words: Array, norms: Array, queries: Array, found: Array, scores: Array) -> None:
    """Fill found [Q, H, K] with the slots nearest to queries [Q, H, W]; scores [H, K] is scratch."""
    for i in range(queries.shape[0]):
        nearest(words, norms, words.shape[0], queries[i], found[i], scores)


@compiled
def write(words: Array, norms: Array, slots: Array, changed: Array) -> None:
    """Give slots [Q, U] new words [Q, U, W]."""
    for i in range(slots.shape[0]):
        _write_step(words, norms, slots[i], changed[i])


@compiled
def build_pages(pages: Pages, words: Array, norms: Array) -> None:
    """Build from all words."""
    build(element(pages, 0), words, norms, words.shape[0])


@compiled
def search_pages(
    pages: Pages, words: Array, norms: Array, queries: Array, candidates: Array, found: Array, scores: Array
) -> None:
    """What `scan` does, by pages and the true words of what they propose; candidates [H, C] is scratch."""
    for i in range(queries.shape[0]):
        propose(element(pages, 0), queries[i], candidates)
        best_of(words, norms, candidates, queries[i], found[i], scores)


@compiled
def write_to_pages(pages: Pages, words: Array, norms: Array, slots: Array, changed: Array) -> None:
    """What `write` does, the pages being told of every step."""
    for i in range(slots.shape[0]):
        _write_step(words, norms, slots[i], changed[i])
        update(element(pages, 0), slots[i], words, norms)


@compiled
def _write_step(words: Array, norms: Array, slots: Array, changed: Array) -> None:
    for k in range(slots.shape[0]):
        words[slots[k]] = changed[k]
        norms[slots[k]] = norm(changed[k])
