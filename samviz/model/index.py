"""Indexes of a memory: which slots may be nearest to a query (paper 3.5), one index per batch element.

An index only proposes; cosines and weights are computed from the true rows. It follows every change of the
memory (`update`) and is built anew from it when `needs_build` says so. This is the interface for stepping;
the compiled sequence loop uses the kernels under `PagesIndex` directly.
"""

from typing import Any, Literal, Protocol, Self

import numpy as np

from samviz.errors import ConfigError
from samviz.kernels.pages import (
    EXACT_BELOW,
    LONGEST_WORD,
    Pages,
    candidate_count,
    copy_pages,
    empty_pages,
    needs_build,
)
from samviz.kernels.pages import element as one_index
from samviz.kernels.pages_build import build
from samviz.kernels.pages_search import propose
from samviz.kernels.pages_update import update_word
from samviz.model.faiss_index import FaissIndex

Array = np.ndarray[Any, Any]
Kind = Literal["exact", "pages", "faiss"]

KINDS: tuple[Kind, ...] = ("exact", "pages", "faiss")


class Index(Protocol):
    """What a model that runs step by step asks of an index. All arrays are numpy arrays on the CPU."""

    @property
    def kind(self) -> Kind: ...

    def propose(self, element: int, queries: Array) -> Array | None:
        """Candidates [H, C] int32 for queries [H, W], -1 for none; or None: look at all live slots."""

    def update(self, element: int, slots: Array, words: Array, live: int) -> None:
        """The words [n, W] of the slots [n] have changed; slots 0..live-1 are live now."""

    def needs_build(self, element: int, live: int) -> bool:
        """Whether to build before the next search."""

    def build(self, element: int, words: Array, live: int) -> None:
        """Start again from the memory [N, W], of which slots 0..live-1 are live."""

    def clone(self) -> Self:
        """An independent copy."""


class ExactIndex:
    """No index: every live word is looked at."""

    kind: Kind = "exact"

    def propose(self, element: int, queries: Array) -> Array | None:
        return None

    def update(self, element: int, slots: Array, words: Array, live: int) -> None:
        pass

    def needs_build(self, element: int, live: int) -> bool:
        return False

    def build(self, element: int, words: Array, live: int) -> None:
        pass

    def clone(self) -> "ExactIndex":
        return self


class PagesIndex:
    """The index of the compiled sequence loop; `pages` is what its kernels work on."""

    kind: Kind = "pages"

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.elements = [one_index(pages, b) for b in range(len(pages.lists.place))]

    def propose(self, element: int, queries: Array) -> Array | None:
        candidates = np.empty((len(queries), self.pages.scratch.best_score.shape[1]), np.int32)
        propose(self.elements[element], np.ascontiguousarray(queries), candidates)
        return candidates

    def update(self, element: int, slots: Array, words: Array, live: int) -> None:
        for slot, word in zip(slots, np.ascontiguousarray(words), strict=True):
            update_word(self.elements[element], int(slot), word, np.linalg.norm(word))

    def needs_build(self, element: int, live: int) -> bool:
        return bool(needs_build(self.elements[element], live))

    def build(self, element: int, words: Array, live: int) -> None:
        build(self.elements[element], np.ascontiguousarray(words), np.linalg.norm(words, axis=1), live)

    def clone(self) -> "PagesIndex":
        return PagesIndex(copy_pages(self.pages))

    @property
    def nbytes(self) -> int:
        """Bytes that the index takes beside the memory."""
        return sum(array.nbytes for part in self.pages for array in part)


def choose_kind(index: str, slots: int) -> Kind:
    """What "auto" stands for in a memory of that many slots; any other kind stands for itself.

    Raises:
        ConfigError: an unknown kind.
    """
    if index == "auto":
        return "exact" if slots < EXACT_BELOW else "pages"
    for kind in KINDS:
        if kind == index:
            return kind
    raise ConfigError(f"index must be auto, {', '.join(KINDS)}, found {index!r}")


def make_index(index: str, batch: int, slots: int, word_size: int, reads: int) -> Index:
    """Indexes of B memories that hold no words yet; `kind` of the result says what "auto" has become.

    Args:
        index: "auto", "exact", "pages" or "faiss".
        reads: K, the nearest slots that a read wants.

    Raises:
        ConfigError: an unknown kind, words that are too long for it, or faiss is not installed.
    """
    kind = choose_kind(index, slots)
    if kind == "exact":
        return ExactIndex()
    if kind == "faiss":
        return FaissIndex(batch, slots, word_size, candidate_count(reads))
    if word_size > LONGEST_WORD:
        raise ConfigError(
            f"index 'pages' takes a word_size of up to {LONGEST_WORD}, found {word_size}: use index 'exact'"
        )
    return PagesIndex(empty_pages(batch, slots, word_size, candidate_count(reads)))


def candidates(
    index: Index, element: int, changed: Array, words: Array, live: int, queries: Array
) -> Array | None:
    """Bring an index up to date with one step and let it propose, as the compiled loop does by itself.

    Args:
        changed: [n] the slots whose words the step has changed, -1 for none; words: [N, W]; live: slots
            0..live-1 are live; queries: [H, W].

    Returns:
        [H, C] int32, -1 for none; or None: look at all live slots.
    """
    changed = changed[changed >= 0]
    index.update(element, changed, words[changed], live)
    if index.needs_build(element, live):
        index.build(element, words, live)
    return index.propose(element, queries) if live > EXACT_BELOW else None
