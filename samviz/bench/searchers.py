"""The kinds of index behind one interface, so that they can be compared; SEARCHERS names them all.

Each returns the K slots of the highest true cosines that it finds. Exact scan and pages run in a compiled
loop, as in a model's sequence loop, and pages look up the true words of what they propose. A faiss index is
called from Python once a step, and is asked for K slots only: it keeps unit words as floats, so its scores
are true cosines and there is nothing to look up. (The model with index 'faiss' does more: it asks for as many
candidates as of pages, and looks them up.)
"""

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any, Protocol

import numpy as np

from samviz.bench import index_loop
from samviz.bench.clock import Times, now
from samviz.kernels.pages import candidate_count, empty_pages
from samviz.model.faiss_index import import_faiss, inverted_lists, unit_words

Array = np.ndarray[Any, Any]

HEADS, READS = 4, 4
LARGEST_GRAPH = 2**16  # slots: building a graph of more takes minutes


class Searcher(Protocol):
    """An index over the words [N, W] of one memory. Making it builds it."""

    index: Any  # what an update changes; searchers may share one
    build: Times
    follows: bool  # whether it can be updated

    def search_all(self, queries: Array, found: Array) -> float:
        """Fill found [Q, H, K] with what is nearest to queries [Q, H, W], best first, -1 for none.

        Returns:
            With how many words each query was compared.
        """

    def update_all(self, slots: Array, words: Array) -> None:
        """Take in, step by step, that slots [Q, U] now hold words [Q, U, W]."""


class ExactScan:
    """One scan of all words for all heads; what the others are judged by."""

    follows = True

    def __init__(self, words: Array) -> None:
        start = now()
        self.index = self.words = words.copy()
        self.norms = np.linalg.norm(words, axis=1)
        self.build = now().since(start)
        self.scores = np.zeros((HEADS, READS), words.dtype)

    def search_all(self, queries: Array, found: Array) -> float:
        index_loop.scan(self.words, self.norms, queries, found, self.scores)
        return len(self.words)

    def update_all(self, slots: Array, words: Array) -> None:
        index_loop.write(self.words, self.norms, slots, words)


class PagesSearch:
    """The pages of the sequence loop."""

    follows = True

    def __init__(self, words: Array) -> None:
        self.words = words.copy()
        self.norms = np.linalg.norm(words, axis=1)
        self.scores = np.zeros((HEADS, READS), words.dtype)
        self.candidates = np.zeros((HEADS, candidate_count(READS)), np.int32)
        self._build(1)  # so that compiling is not timed
        self.build = self._build(len(words))

    def _build(self, slots: int) -> Times:
        self.index = empty_pages(1, slots, self.words.shape[1], candidate_count(READS))
        start = now()
        index_loop.build_pages(self.index, self.words[:slots], self.norms[:slots])
        return now().since(start)

    def search_all(self, queries: Array, found: Array) -> float:
        scanned = int(self.index.counts.scanned[0, 0])
        index_loop.search_pages(
            self.index, self.words, self.norms, queries, self.candidates, found, self.scores
        )
        return (int(self.index.counts.scanned[0, 0]) - scanned) / (len(queries) * HEADS)

    def update_all(self, slots: Array, words: Array) -> None:
        index_loop.write_to_pages(self.index, self.words, self.norms, slots, words)


class FaissSearch:
    """What the indexes of faiss have in common: a call for every step."""

    follows = False

    def __init__(self, words: Array) -> None:
        self.faiss = import_faiss()
        start = now()
        self.index = self.make(unit_words(words))
        self.build = now().since(start)

    def make(self, words: Array) -> Any:
        """The index of unit words."""
        raise NotImplementedError

    def compared(self) -> int:
        """A running count of comparisons with words."""
        raise NotImplementedError

    def search_all(self, queries: Array, found: Array) -> float:
        before = self.compared()
        for query, slots in zip(queries, found, strict=True):
            slots[:] = self.index.search(query, READS)[1]
        return (self.compared() - before) / (len(queries) * HEADS)

    def update_all(self, slots: Array, words: Array) -> None:
        for changed, held in zip(slots.astype(np.int64), words, strict=True):
            self.index.update_vectors(changed, unit_words(held))


class FaissLists(FaissSearch):
    """IVFFlat, as the model has it: about 4 sqrt(N) lists of which some are probed, and a direct map."""

    follows = True

    def __init__(self, words: Array, probes: int) -> None:
        self.probes = probes
        super().__init__(words)

    def make(self, words: Array) -> Any:
        return inverted_lists(words, self.probes)

    def probing(self, probes: int) -> "FaissLists":
        """The same lists, of which a search probes another number: training them again would take long."""
        other = copy(self)
        other.probes = probes
        return other

    def compared(self) -> int:
        return int(self.faiss.cvar.indexIVF_stats.ndis)

    def search_all(self, queries: Array, found: Array) -> float:
        self.index.nprobe = self.probes
        return super().search_all(queries, found)


class FaissFlat(FaissSearch):
    """A scan of all words."""

    def make(self, words: Array) -> Any:
        index = self.faiss.IndexFlatIP(words.shape[1])
        index.add(words)
        return index

    def compared(self) -> int:
        return 0

    def search_all(self, queries: Array, found: Array) -> float:
        super().search_all(queries, found)
        return int(self.index.ntotal)


class FaissGraph(FaissSearch):
    """A small-world graph, HNSW16 with efSearch 64: it can grow, but not follow changes."""

    def make(self, words: Array) -> Any:
        index = self.faiss.IndexHNSWFlat(words.shape[1], 16, self.faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efSearch = 64
        index.add(words)
        return index

    def compared(self) -> int:
        return int(self.faiss.cvar.hnsw_stats.ndis)


PROBES = {"faiss": 16, "faiss-64": 64, "faiss-128": 128}
GRAPH = "faiss-hnsw"
SEARCHERS: dict[str, Callable[[Array], Searcher]] = {
    "exact": ExactScan,
    "pages": PagesSearch,
    **{name: partial(FaissLists, probes=probes) for name, probes in PROBES.items()},
    "faiss-flat": FaissFlat,
    GRAPH: FaissGraph,
}


def make_searcher(name: str, words: Array, others: list[Searcher]) -> Searcher:
    """A searcher of that kind, with the inverted lists of another if there is one that has any."""
    for other in others:
        if name in PROBES and isinstance(other, FaissLists):
            return other.probing(PROBES[name])
    return SEARCHERS[name](words)
