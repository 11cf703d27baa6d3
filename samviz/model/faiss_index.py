"""An index through faiss: inverted lists of unit words, kept in step with the memory (paper 3.5).

Much slower than the pages of the compiled loop; it is here to be compared with.
"""

from types import ModuleType
from typing import Any, Literal

import numpy as np

from samviz.errors import ConfigError
from samviz.kernels.pages import BUILD_COST, ONE_LIST_BELOW, TOLERATED

Array = np.ndarray[Any, Any]

PROBES = 16
FEWEST_TRAINING_WORDS = 39  # per list: with fewer faiss warns
MOST_TRAINING_WORDS = 64  # faiss would take 256, and train for minutes on a million words


def import_faiss() -> ModuleType:
    """The faiss module.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise ConfigError(
            "index 'faiss' needs the package faiss-cpu, which is not installed: pip install faiss-cpu"
        ) from error
    return faiss


def inverted_lists(words: Array, probes: int) -> Any:
    """An IndexIVFFlat of unit words [n, W] that can follow their changes."""
    faiss, size = import_faiss(), words.shape[1]
    lists = max(min(int(4 * np.sqrt(len(words))), len(words) // FEWEST_TRAINING_WORDS), 1)
    inverted = faiss.IndexIVFFlat(faiss.IndexFlatIP(size), size, lists, faiss.METRIC_INNER_PRODUCT)
    inverted.cp.max_points_per_centroid = MOST_TRAINING_WORDS
    inverted.nprobe = probes
    inverted.set_direct_map_type(faiss.DirectMap.Array)
    inverted.train(words)
    inverted.add(words)
    return inverted


class FaissIndex:
    """One IndexIVFFlat per batch element, by inner product of unit words; None until enough slots are live.

    Slots are faiss ids, which works because live slots are always 0..n-1: with an array as direct map, words
    can be replaced in O(1), but appended in order only.
    """

    kind: Literal["faiss"] = "faiss"

    def __init__(self, batch: int, slots: int, word_size: int, candidates: int, probes: int = PROBES) -> None:
        self.faiss = import_faiss()
        self.slots, self.word_size, self.candidates, self.probes = slots, word_size, candidates, probes
        self.inverted: list[Any] = [None] * batch
        self.built_live = [0] * batch
        self.insertions = [0] * batch
        self.excess = [0] * batch  # words scanned beyond TOLERATED times what a search should scan

    def propose(self, element: int, queries: Array) -> Array | None:
        inverted = self.inverted[element]
        if inverted is None:
            return None
        statistics = self.faiss.cvar.indexIVF_stats
        before = statistics.ndis
        _, slots = inverted.search(unit_words(queries), self.candidates)
        expected = inverted.ntotal * self.probes // inverted.nlist
        excess = statistics.ndis - before - len(queries) * TOLERATED * expected
        self.excess[element] = max(self.excess[element] + excess, 0)
        return slots.astype(np.int32)  # type: ignore[no-any-return]

    def update(self, element: int, slots: Array, words: Array, live: int) -> None:
        inverted = self.inverted[element]
        if inverted is None:
            return
        self.insertions[element] += len(slots)
        if live > inverted.ntotal:
            inverted.add(np.zeros((live - inverted.ntotal, self.word_size), np.float32))
        inverted.update_vectors(np.ascontiguousarray(slots, np.int64), unit_words(words))

    def needs_build(self, element: int, live: int) -> bool:
        if live < ONE_LIST_BELOW:
            return False
        return (
            self.insertions[element] >= self.slots
            or live >= 2 * self.built_live[element]
            or self.excess[element] > BUILD_COST * live
        )

    def build(self, element: int, words: Array, live: int) -> None:
        self.inverted[element] = None
        self.insertions[element] = self.excess[element] = 0
        self.built_live[element] = live
        if live >= ONE_LIST_BELOW:
            self.inverted[element] = inverted_lists(unit_words(words[:live]), self.probes)

    def clone(self) -> "FaissIndex":
        copy = FaissIndex(len(self.inverted), self.slots, self.word_size, self.candidates, self.probes)
        copy.inverted = [one and self.faiss.clone_index(one) for one in self.inverted]
        copy.built_live, copy.insertions, copy.excess = self.built_live[:], self.insertions[:], self.excess[:]
        return copy


def unit_words(words: Array) -> Array:
    """The words [n, W] at length 1, in the precision of faiss; zero words stay zero."""
    length = np.linalg.norm(words, axis=1, keepdims=True)
    return np.ascontiguousarray(words / np.where(length > 0, length, 1), np.float32)
