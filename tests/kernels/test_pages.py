"""The index of pages: what it holds after any changes, what it proposes, when it wants to be built anew."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.kernels.best_of import best_of
from samviz.kernels.exact import nearest
from samviz.kernels.pages import (
    BUILD_COST,
    ONE_LIST_BELOW,
    PAGE,
    WORDS_PER_LIST,
    Pages,
    copy_pages,
    element,
    empty_pages,
    needs_build,
)
from samviz.kernels.pages_build import build
from samviz.kernels.pages_search import choose, propose
from samviz.kernels.pages_update import LENGTH, LOWEST, update

Array = np.ndarray[Any, Any]

HEADS, READS = 3, 4


def words_of(kind: str, slots: int, word: int, seed: int) -> Array:
    random = np.random.default_rng(seed)
    words = random.standard_normal((slots, word)).astype(np.float32)
    if kind == "equal":
        words[:] = words[0]
    elif kind == "zero":
        words[:] = 0
    elif kind == "some zero":
        words[random.random(slots) < 0.3] = 0
    elif kind == "twice":
        words[slots // 2 :] = words[: slots - slots // 2]
    elif kind == "cone":
        words = (words[:1] + 0.2 * words).astype(np.float32)
    elif kind == "clustered":
        centres = random.standard_normal((max(slots // 64, 1), word)).astype(np.float32)
        words = centres[random.integers(0, len(centres), slots)] + np.float32(0.3) * words
    elif kind == "sizes":
        words *= np.float32(10.0) ** random.integers(-18, 18, (slots, 1)).astype(np.float32)
    return words


KINDS = ["random", "equal", "zero", "some zero", "twice", "cone", "clustered", "sizes"]


def built(words: Array, live: int, candidates: int) -> Pages:
    index = element(empty_pages(1, len(words), words.shape[1], candidates), 0)
    build(index, words, np.linalg.norm(words, axis=1), live)
    return index


def search(index: Pages, words: Array, queries: Array) -> tuple[Array, Array, Array]:
    candidates = np.zeros((len(queries), index.scratch.best_score.shape[0]), np.int32)
    slots, scores = np.zeros((len(queries), READS), np.int32), np.zeros((len(queries), READS), words.dtype)
    propose(index, queries, candidates)
    best_of(words, np.linalg.norm(words, axis=1), candidates, queries, slots, scores)
    return candidates, slots, scores


def exactly(words: Array, live: int, queries: Array) -> tuple[Array, Array]:
    slots, scores = np.zeros((len(queries), READS), np.int32), np.zeros((len(queries), READS), words.dtype)
    nearest(words, np.linalg.norm(words, axis=1), live, queries, slots, scores)
    return slots, scores


def check_holds(index: Pages, words: Array, live: int) -> None:
    """Every live word that is not zero is in one place, as it is now, and nothing else is anywhere."""
    lists, norms = index.lists, np.linalg.norm(words, axis=1)
    held = np.flatnonzero(norms[:live] > 0)
    pages, positions = np.nonzero(lists.slot >= 0)
    assert sorted(lists.slot[pages, positions]) == held.tolist()
    assert (lists.place[lists.slot[pages, positions]] == pages * PAGE + positions).all()
    assert (np.delete(lists.place, held) == -1).all()
    codes = lists.code[pages, :, positions]
    slots = lists.slot[pages, positions]
    assert np.abs(codes - words[slots] * (LENGTH / norms[slots])[:, None]).max(initial=0) < 0.51
    seen = []
    for owner in range(len(lists.size)):
        page, rest = lists.top[owner], lists.size[owner]
        while page >= 0:
            here = (rest - 1) % PAGE + 1
            assert lists.owner[page] == owner
            assert (lists.slot[page] >= 0).tolist() == [True] * here + [False] * (PAGE - here)
            seen.append(page)
            rest -= here
            page = lists.below[page]
        assert rest == 0
    free = lists.free[: lists.free_pages[0]]
    assert sorted([*seen, *free]) == list(range(len(lists.below)))


@given(st.sampled_from(KINDS), st.integers(1, 90), st.integers(1, 40), st.integers(0, 1000), st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_held_follows_any_changes(kind: str, slots: int, word: int, seed: int, data: Any) -> None:
    words = words_of(kind, slots, word, seed)
    live = data.draw(st.integers(0, slots))
    words[live:] = 0
    index = built(words, live, READS)
    check_holds(index, words, live)
    for round_ in range(4):
        changed = np.array(data.draw(st.lists(st.integers(0, slots - 1), max_size=12)), np.int32)
        if len(changed):
            live = max(live, int(changed.max()) + 1)
            words[changed] = words_of(data.draw(st.sampled_from(KINDS)), slots, word, seed + round_)[changed]
        update(index, np.append(changed, np.int32(-1)), words, np.linalg.norm(words, axis=1))
        check_holds(index, words, live)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_follows_changes_of_many_lists(kind: str) -> None:
    slots = ONE_LIST_BELOW + 500
    words = words_of(kind, slots, 8, 1)
    index = built(words, slots, READS)
    assert index.centres.groups[0] > 1
    assert (index.lists.size > 0).sum() <= index.centres.lists.sum()
    check_holds(index, words, slots)
    random = np.random.default_rng(2)
    for other in ("random", "cone", "some zero", "equal"):
        changed = random.integers(0, slots, slots // 3).astype(np.int32)
        words[changed] = words_of(other, slots, 8, 3)[changed]
        update(index, changed, words, np.linalg.norm(words, axis=1))
    check_holds(index, words, slots)
    search(index, words, words[:HEADS])


@given(st.sampled_from(KINDS), st.integers(1, 60), st.integers(1, 40), st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_with_as_many_candidates_as_words_the_nearest_are_found(
    kind: str, slots: int, word: int, seed: int
) -> None:
    words = words_of(kind, slots, word, seed)
    queries = np.random.default_rng(seed).standard_normal((HEADS, word)).astype(np.float32)
    candidates, found, scores = search(built(words, slots, slots + 2), words, queries)
    held = np.flatnonzero(np.linalg.norm(words, axis=1) > 0)
    for row in candidates:
        assert sorted(row[row >= 0]) == held.tolist()
        assert (row[: len(held)] >= 0).all()
    words = words[held]  # a zero word, whose cosine is 0, need not be found
    expected, cosines = exactly(words, len(words), queries)
    assert np.array_equal(found, np.where(expected >= 0, np.append(held, -1)[expected], -1))
    assert np.array_equal(scores, cosines)


@given(st.sampled_from(KINDS), st.integers(1, 40), st.integers(0, 1000))
@settings(deadline=None)  # compiles
def test_the_best_of_all_slots_in_any_order_are_the_nearest(kind: str, slots: int, seed: int) -> None:
    for words in (words_of(kind, slots, 5, seed), words_of(kind, slots, 5, seed).astype(np.float64)):
        random = np.random.default_rng(seed)
        queries = random.standard_normal((HEADS, 5)).astype(words.dtype)
        queries[0] = 0
        candidates = np.stack([random.permutation(np.append(np.arange(slots), -1)) for _ in range(HEADS)])
        found, scores = exactly(words, 0, queries)
        assert (found == -1).all()
        assert (scores == 0).all()
        best_of(words, np.linalg.norm(words, axis=1), candidates.astype(np.int32), queries, found, scores)
        expected, cosines = exactly(words, slots, queries)
        assert np.array_equal(found, expected)
        assert np.array_equal(scores, cosines)


@given(st.lists(st.integers(-32000, 32000), min_size=1, max_size=100), st.integers(0, 100), st.booleans())
@settings(deadline=None)  # compiles
def test_the_chosen_are_the_highest(scores: list[int], wanted: int, coarse: bool) -> None:
    scores = [score // 8000 * 8000 if coarse else score for score in scores]
    padded = np.zeros(128, np.int16)
    padded[: len(scores)] = scores
    chosen = np.full(128, -1, np.int32)
    count = choose(padded, len(scores), wanted, chosen)
    assert count == min(wanted, len(scores))
    assert len(set(chosen[:count].tolist())) == count
    if 0 < count < len(scores):
        left_out = np.delete(np.array(scores), chosen[:count])
        assert left_out.max() - np.array(scores)[chosen[:count]].min() < 17
    assert choose(np.full(PAGE, LOWEST, np.int16), PAGE, wanted, chosen) == 0


@pytest.mark.parametrize("word", [1, 3, 32, 100, 700])
def test_no_score_overflows(word: int) -> None:
    words = np.zeros((2 * word, word), np.float32)
    words[np.arange(word), np.arange(word)] = 3
    words[word:] = 1  # the sum over all dimensions is the greatest there is
    words[word:, 0] += np.arange(word) / word
    index = built(words, len(words), READS)
    candidates, _, _ = search(index, words, np.concatenate([words[:1], words[word : word + 1], -words[:1]]))
    assert word < 2 or candidates[0, 0] == 0
    assert candidates[1].min() >= word or word < READS
    assert 0 not in candidates[2] or 2 * word <= READS


def test_a_query_of_zero_proposes_something() -> None:
    words = words_of("random", 50, 4, 0)
    candidates, found, scores = search(built(words, 50, READS), words, np.zeros((1, 4), np.float32))
    assert (candidates >= 0).all()
    assert (found >= 0).all()
    assert (scores == 0).all()


def test_with_no_words_nothing_is_proposed() -> None:
    index = element(empty_pages(1, 5, 4, READS), 0)
    candidates, found, _ = search(index, np.zeros((5, 4), np.float32), np.ones((HEADS, 4), np.float32))
    assert (candidates == -1).all()
    assert (found == -1).all()


def arrays(pages: Pages) -> list[Array]:
    return [array for part in (pages.lists, pages.centres, pages.counts) for array in part]


def test_a_build_is_deterministic_and_forgets_everything() -> None:
    words = words_of("clustered", ONE_LIST_BELOW, 8, 0)
    first, second = (
        built(words, len(words), READS),
        built(words_of("random", len(words), 8, 5), len(words), READS),
    )
    update(second, np.arange(3000, dtype=np.int32), words, np.linalg.norm(words, axis=1))
    build(second, words, np.linalg.norm(words, axis=1), len(words))
    queries = words[:HEADS] + np.float32(0.1)
    assert np.array_equal(search(first, words, queries)[0], search(second, words, queries)[0])
    for name in ("slot", "place", "top", "size", "free_pages"):
        assert np.array_equal(getattr(first.lists, name), getattr(second.lists, name)), name
    for name, one, other in zip(first.counts._fields, first.counts, second.counts, strict=True):
        assert one == other, name


def test_elements_and_copies_are_independent() -> None:
    words = words_of("random", 60, 6, 0)
    norms = np.linalg.norm(words, axis=1)
    pages = empty_pages(3, 60, 6, READS)
    build(element(pages, 1), words, norms, 60)
    before = copy_pages(pages)
    copy = copy_pages(pages)
    update(element(copy, 1), np.arange(20, dtype=np.int32), -words, norms)
    update(element(copy, 2), np.arange(9, dtype=np.int32), words, norms)
    assert all(np.array_equal(*pair) for pair in zip(arrays(pages), arrays(before), strict=True))
    check_holds(element(pages, 0), np.zeros_like(words), 60)
    check_holds(element(pages, 1), words, 60)
    check_holds(element(copy, 1), np.concatenate([-words[:20], words[20:]]), 60)
    check_holds(element(copy, 2), words, 9)


def test_the_stand_in_has_the_types_of_a_true_index_and_nothing_in_it() -> None:
    from numba import typeof

    assert typeof(empty_pages(2, 0, 7, 5)) == typeof(empty_pages(3, 100, 7, 5))
    assert all(array.size == 0 for part in empty_pages(2, 0, 7, 5) for array in part)


def test_a_build_is_due_when_the_live_slots_double() -> None:
    slots = 3 * ONE_LIST_BELOW
    words = words_of("random", slots, 4, 0)
    index = element(empty_pages(1, slots, 4, READS), 0)
    assert not needs_build(index, 0)
    assert not needs_build(index, ONE_LIST_BELOW - 1)
    assert needs_build(index, ONE_LIST_BELOW)
    build(index, words, np.linalg.norm(words, axis=1), ONE_LIST_BELOW)
    assert not needs_build(index, 2 * ONE_LIST_BELOW - WORDS_PER_LIST)
    assert needs_build(index, 2 * ONE_LIST_BELOW)


def test_a_build_is_due_after_as_many_insertions_as_slots() -> None:
    words = words_of("random", ONE_LIST_BELOW, 4, 0)
    norms, index = np.linalg.norm(words, axis=1), built(words, ONE_LIST_BELOW, READS)
    update(index, np.zeros(ONE_LIST_BELOW - 1, np.int32), words, norms)
    assert not needs_build(index, ONE_LIST_BELOW)
    update(index, np.zeros(1, np.int32), words, norms)
    assert needs_build(index, ONE_LIST_BELOW)
    build(index, words, norms, ONE_LIST_BELOW)
    assert not needs_build(index, ONE_LIST_BELOW)
    small = built(words[:100], 100, READS)
    update(small, np.zeros(1000, np.int32), words, norms)
    assert not needs_build(small, 100)  # one list cannot decay


def test_a_build_is_due_when_the_words_have_drifted_into_few_lists() -> None:
    slots = 5 * ONE_LIST_BELOW
    words = words_of("random", slots, 8, 0)
    index, norms = built(words, slots, READS), np.ones(slots, np.float32)
    cone = words_of("cone", slots, 8, 1)
    candidates = np.zeros((100, READS), np.int32)
    propose(index, cone[:100], candidates)
    assert index.counts.excess == 0
    moved = np.arange(slots - 1000, dtype=np.int32)
    words[moved] = cone[moved]
    norms = np.linalg.norm(words, axis=1)
    update(index, moved, words, norms)
    searches = 0
    while not needs_build(index, slots):
        propose(index, cone[:100], candidates)
        searches += 100
        assert searches < 10_000
    assert index.counts.excess > BUILD_COST * slots
    assert searches > 100  # building costs more than a few slow searches
    build(index, words, norms, slots)
    propose(index, cone[:100], candidates)
    assert not needs_build(index, slots)


@pytest.mark.parametrize("kind", ["equal", "zero", "twice"])
def test_a_memory_that_cannot_be_divided_is_not_built_for_ever(kind: str) -> None:
    slots = 4 * ONE_LIST_BELOW
    words = words_of(kind, slots, 4, 0)
    index = built(words, slots, READS)
    candidates = np.zeros((200, READS), np.int32)
    for _ in range(5):
        propose(index, np.ascontiguousarray(words[:200]), candidates)
    assert not needs_build(index, slots)


@pytest.mark.parametrize(("kind", "least"), [("random", 0.95), ("clustered", 0.95), ("cone", 0.7)])
def test_recall(kind: str, least: float) -> None:
    words = words_of(kind, ONE_LIST_BELOW, 32, 0)
    random = np.random.default_rng(1)
    queries = words[:100] + 0.3 * random.standard_normal((100, 32)).astype(np.float32)
    if kind == "cone":
        queries = words[:100] + np.float32(0.001)
    _, found, _ = search(built(words, len(words), 4 * READS), words, queries)
    expected, _ = exactly(words, len(words), queries)
    recall = (found[:, :, None] == expected[:, None]).any(axis=1).mean()
    assert recall >= least
    assert (found[:, 0] == expected[:, 0]).mean() >= least
