"""Indexes of faiss on the CPU behind the interface of the package dnc's own index classes."""

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

TRAINING_WORDS, TRAINING_ROUNDS = 39, 2  # per list; the fewest that faiss takes without a warning


class _Index:
    """What the package asks of an index; K nearest words of the memory that was added last."""

    def __init__(self, index: Any, reads: int) -> None:
        self.index = index
        self.reads = reads

    @property
    def nbytes(self) -> int:
        """What the index holds, without the little that does not grow with N."""
        return int(self.index.ntotal * self.index.d * 4)

    def reset(self) -> None:
        self.index.reset()

    def add(self, words: Tensor, positions: None = None, last: int | None = None) -> None:
        self.index.add(words.detach().numpy()[:last])

    def search(self, query: Tensor, k: int | None = None) -> tuple[Tensor, Tensor]:
        far, slots = self.index.search(query.detach().numpy(), k or self.reads)
        return torch.from_numpy(far), torch.from_numpy(slots.astype(np.int64))


class Flat(_Index):
    """One scan of all words."""

    def __init__(self, cell_size: int, K: int, **_: Any) -> None:
        import faiss

        super().__init__(faiss.IndexFlatL2(cell_size), K)


class InvertedLists(_Index):
    """The package's own choice: N / 100 inverted lists, 32 of them searched.

    Set-up takes less than the package's, which trains on N random words; that is not part of a step.
    """

    def __init__(self, cell_size: int, K: int, num_lists: int, probes: int, **_: Any) -> None:
        import faiss

        super().__init__(faiss.clone_index(_trained(cell_size, max(1, num_lists))), K)
        self.index.nprobe = probes


@cache
def _trained(word_size: int, lists: int) -> Any:
    """Empty inverted lists, trained on random words as in the package."""
    import faiss

    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(word_size), word_size, lists)
    index.cp.niter = TRAINING_ROUNDS
    index.cp.max_points_per_centroid = TRAINING_WORDS
    words = np.random.default_rng(0).standard_normal((lists * TRAINING_WORDS, word_size), np.float32)
    index.train(words)
    return index
