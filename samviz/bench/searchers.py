"""The kinds of index behind one interface, so that they can be compared; SEARCHERS names them all."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from samviz.kernels.exact import nearest

Array = np.ndarray[Any, Any]


class Searcher(Protocol):
    """An index over the words of one memory. Making it builds it."""

    def search(self, queries: Array, slots: Array, scores: Array) -> None:
        """Fill slots and scores, [H, K], with what it finds nearest to the queries, [H, W], best first."""

    def update(self, slots: Array, words: Array) -> None:
        """Take in that these slots, [U], now hold these words, [U, W]."""


class ExactScan:
    """One scan of all words for all heads; what the others are judged by."""

    def __init__(self, words: Array) -> None:
        self.words = words.copy()
        self.norms = np.linalg.norm(self.words, axis=1)

    def search(self, queries: Array, slots: Array, scores: Array) -> None:
        nearest(self.words, self.norms, len(self.words), queries, slots, scores)

    def update(self, slots: Array, words: Array) -> None:
        self.words[slots] = words
        self.norms[slots] = np.linalg.norm(words, axis=1)


# The approximate kinds go here: a class that is made from the words, [N, W].
SEARCHERS: dict[str, Callable[[Array], Searcher]] = {"exact": ExactScan}
