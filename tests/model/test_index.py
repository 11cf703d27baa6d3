"""The indexes behind one interface: each follows a memory that grows and changes, and finds what is there."""

import sys
from typing import Any

import numpy as np
import pytest

from samviz.errors import ConfigError
from samviz.kernels.pages import LONGEST_WORD, ONE_LIST_BELOW, candidate_count
from samviz.model.index import EXACT_BELOW, Index, choose_kind, make_index

Array = np.ndarray[Any, Any]

SLOTS, WORD, READS = ONE_LIST_BELOW + 3000, 16, 4


def random_words(count: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((count, WORD)).astype(np.float32)


def finds(index: Index, words: Array, slots: Array, element: int = 0) -> float:
    """How often the word of a slot finds its slot."""
    candidates = index.propose(element, words[slots])
    if candidates is None:
        return 1.0
    assert candidates.shape == (len(slots), candidate_count(READS))
    assert candidates.dtype == np.int32
    return float((candidates == slots[:, None]).any(axis=1).mean())


@pytest.mark.parametrize("kind", ["exact", "pages", "faiss"])
def test_an_index_follows_a_memory_that_grows_and_changes(kind: str) -> None:
    index, words = make_index(kind, 2, SLOTS, WORD, READS), np.zeros((SLOTS, WORD), np.float32)
    assert index.kind == kind
    random = np.random.default_rng(0)
    live = builds = 0
    for start in range(0, SLOTS, 2500):
        slots = np.arange(start, min(start + 2500, SLOTS))
        slots = np.concatenate([slots[::-1], random.integers(0, max(start, 1), 50)])
        slots = np.unique(slots)[::-1].astype(np.int32)
        words[slots] = random_words(len(slots), start)
        live = int(slots.max()) + 1
        index.update(1, slots, words[slots], live)
        if index.needs_build(1, live):
            index.build(1, words, live)
            builds += 1
        assert not index.needs_build(1, live)
        assert finds(index, words, random.integers(0, live, 100), 1) > 0.95
        candidates = index.propose(1, words[:3])
        assert candidates is None or candidates.max() < live
        untouched = index.propose(0, words[:3])
        assert untouched is None or (untouched == -1).all()
    assert builds == (0 if kind == "exact" else 1)


@pytest.mark.parametrize("kind", ["pages", "faiss"])
def test_a_word_that_changed_is_no_longer_found_where_it_was(kind: str) -> None:
    index, words = make_index(kind, 1, SLOTS, WORD, READS), random_words(SLOTS, 0)
    index.build(0, words, SLOTS)
    slots = np.array([5, 9, 17_000], np.int32)
    old = words[slots]
    words[slots] = np.stack([np.zeros(WORD), -old[1], old[0]])
    index.update(0, slots, words[slots], SLOTS)
    candidates = index.propose(0, np.stack([old[0], -old[1], old[2]]))
    assert candidates is not None
    assert 17_000 in candidates[0]
    assert 5 not in candidates[0]
    assert 9 in candidates[1]
    assert 17_000 not in candidates[2]


@pytest.mark.parametrize("kind", ["exact", "pages", "faiss"])
def test_a_clone_is_independent(kind: str) -> None:
    index, words = make_index(kind, 1, SLOTS, WORD, READS), random_words(SLOTS, 0)
    index.build(0, words, SLOTS)
    clone, before = index.clone(), index.propose(0, words[:4])
    assert clone.kind == kind
    slots = np.arange(0, SLOTS, dtype=np.int32)
    clone.update(0, slots, -words, SLOTS)
    after, cloned = index.propose(0, words[:4]), clone.propose(0, -words[:4])
    if before is None or after is None or cloned is None:
        assert kind == "exact"
    else:
        assert np.array_equal(before, after)
        assert (cloned[:, 0] == np.arange(4)).all()
        assert clone.needs_build(0, SLOTS)
        assert not index.needs_build(0, SLOTS)


def test_faiss_is_built_anew_when_the_words_have_drifted_into_few_lists() -> None:
    index, words = make_index("faiss", 1, SLOTS, WORD, READS), random_words(SLOTS, 0)
    index.build(0, words, SLOTS)
    slots = np.arange(0, SLOTS - 1000, dtype=np.int32)
    words[slots] = words[0] + np.float32(0.05) * words[slots]
    index.update(0, slots, words[slots], SLOTS)
    for _ in range(20):
        index.propose(0, words[:200])
    assert index.needs_build(0, SLOTS)
    index.build(0, words, SLOTS)
    index.propose(0, words[:200])
    assert not index.needs_build(0, SLOTS)


def test_auto_is_exact_where_that_is_as_fast() -> None:
    assert choose_kind("auto", EXACT_BELOW - 1) == "exact"
    assert choose_kind("auto", EXACT_BELOW) == "pages"
    assert make_index("auto", 1, 8, 4, 4).kind == "exact"
    assert choose_kind("faiss", 8) == "faiss"


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="index must be auto, exact, pages, faiss, found 'tree'"):
        make_index("tree", 1, 8, 4, 4)
    with pytest.raises(ConfigError, match=f"up to {LONGEST_WORD}, found {LONGEST_WORD + 1}"):
        make_index("pages", 1, 8, LONGEST_WORD + 1, 4)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ConfigError, match="pip install faiss-cpu"):
        make_index("faiss", 1, 8, 4, 4)
