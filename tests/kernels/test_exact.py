"""The exact scan: the K nearest by a brute force in higher precision, and exactly what best_of finds."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.kernels.best_of import best_of
from samviz.kernels.exact import COSINE_EPSILON, nearest

Array = np.ndarray[Any, Any]

TYPES = [np.float32, np.float64]


@st.composite
def memories(draw: Any) -> tuple[Array, int, Array, int]:
    """Words [N, W], how many are live, queries [H, W] and K; some words are zero, some equal to others."""
    slots, word, heads = draw(st.integers(1, 120)), draw(st.integers(1, 70)), draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    dtype = draw(st.sampled_from(TYPES))
    words = random.standard_normal((slots, word)).astype(dtype)
    queries = random.standard_normal((heads, word)).astype(dtype)
    if draw(st.booleans()):
        words *= dtype(10) ** random.integers(-15, 15, (slots, 1)).astype(dtype)
    if draw(st.booleans()):
        words = words[random.integers(0, max(slots // 3, 1), slots)]
    words[random.random(slots) < draw(st.sampled_from([0, 0.2, 1]))] = 0
    queries[random.random(heads) < draw(st.sampled_from([0, 0.3]))] = 0
    return words, draw(st.integers(0, slots)), queries, draw(st.integers(1, 9))


def scan(words: Array, live: int, queries: Array, reads: int) -> tuple[Array, Array]:
    slots = np.full((len(queries), reads), 7, np.int32)
    scores = np.full((len(queries), reads), 7, words.dtype)
    nearest(words, np.linalg.norm(words, axis=1), live, queries, slots, scores)
    return slots, scores


def cosines(words: Array, queries: Array) -> Array:
    words, queries = words.astype(np.longdouble), queries.astype(np.longdouble)
    lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(words, axis=1)
    return queries @ words.T / (lengths + COSINE_EPSILON)


@given(memories())
@settings(max_examples=300, deadline=None)  # compiles
def test_the_nearest_are_those_of_a_brute_force(memory: tuple[Array, int, Array, int]) -> None:
    words, live, queries, reads = memory
    slots, scores = scan(words, live, queries, reads)
    expected = cosines(words[:live], queries)
    tolerance = 4 * words.shape[1] * np.finfo(words.dtype).eps
    found = min(live, reads)
    assert (slots[:, found:] == -1).all()
    assert (scores[:, found:] == 0).all()
    for head in range(len(queries)):
        chosen = slots[head, :found]
        assert len(set(chosen.tolist())) == found
        assert np.abs(scores[head, :found] - expected[head, chosen]).max(initial=0) < tolerance
        best = np.sort(expected[head])[::-1][:found]
        assert np.abs(best - expected[head, chosen]).max(initial=0) < tolerance
        for k in range(1, found):
            assert (-scores[head, k - 1], chosen[k - 1]) < (-scores[head, k], chosen[k])


@given(memories())
@settings(max_examples=300, deadline=None)  # compiles
def test_the_best_of_all_live_slots_are_the_nearest(memory: tuple[Array, int, Array, int]) -> None:
    words, live, queries, reads = memory
    slots, scores = scan(words, live, queries, reads)
    random = np.random.default_rng(live)
    candidates = np.stack([random.permutation(live) for _ in queries]).astype(np.int32)
    chosen, cosines = np.empty_like(slots), np.empty_like(scores)
    best_of(words, np.linalg.norm(words, axis=1), candidates, queries, chosen, cosines)
    assert np.array_equal(slots, chosen)
    assert np.array_equal(scores, cosines)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("word", [5, 16, 21, 32])
def test_equal_words_have_equal_scores_wherever_they_are(dtype: Any, word: int) -> None:
    row = np.random.default_rng(word).standard_normal(word).astype(dtype)
    slots, scores = scan(np.tile(row, (39, 1)), 39, np.stack([row, -row, 0 * row]), 39)
    assert (slots == np.arange(39)).all()
    assert (scores == scores[:, :1]).all()


@pytest.mark.parametrize("word", [5, 16, 21])
def test_no_word_beyond_the_live_ones_is_looked_at(word: int) -> None:
    words = np.full((64, word), np.nan, np.float32)
    words[:35] = np.random.default_rng(0).standard_normal((35, word))
    for live in range(36):
        slots, scores = scan(words, live, words[:2], 40)
        assert np.isfinite(scores).all()
        assert sorted(slots[0, :live]) == list(range(live))


def test_arrays_with_gaps_are_refused() -> None:
    words = np.ones((20, 64), np.float32)[:, ::2]
    with pytest.raises(Exception, match="contiguous"):
        scan(words, 20, words[:2], 3)
