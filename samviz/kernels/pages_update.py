"""Keep an index of pages in step with the memory: a word leaves its list and enters another, in O(1) in N."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled
from samviz.kernels.pages import Centres, Lists, Pages
from samviz.kernels.vectors import PAGE, lowest_bit, score_page

Array = np.ndarray[Any, Any]

LENGTH = 127  # of a word, so that a component fits a byte
LOWEST = -(2**15)


@compiled
def update(index: Pages, slots: Array, words: Array, norms: Array) -> None:
    """The words of these slots have changed. A zero word is in no list and is not found.

    Args:
        slots: [n], -1 where there is none; words: [N, W] all of the memory; norms: [N].
    """
    for slot in slots:
        if slot >= 0:
            update_word(index, slot, words[slot], norms[slot])


@compiled
def update_word(index: Pages, slot: int, word: Array, norm: float) -> None:
    """The word [W] of one slot has changed; `norm` is its length."""
    index.counts.insertions[0] += 1
    if index.lists.place[slot] >= 0:
        _remove(index.lists, slot)
    if norm > 0:
        query = index.scratch.query
        round_to_length(word, norm, LENGTH, query)
        owner = nearest_list(index.centres, query, index.scratch.page_score)
        _insert(index.lists, slot, query, owner)


@compiled
def round_to_length(vector: Array, norm: float, length: float, out: Array) -> None:
    """The vector in whole numbers, `length` long, into `out` [W]; a zero vector stays one."""
    scale = length / norm if norm > 0 else 0.0
    for w in range(vector.shape[0]):
        # a component can exceed the norm where squares underflow
        out[w] = np.int16(np.rint(min(max(vector[w] * scale, -length), length)))


@compiled
def nearest_list(centres: Centres, query: Array, scores: Array) -> int:
    """The list that a word belongs to: that of the nearest centre in the nearest group."""
    group = nearest_centre(centres.of_group, 0, centres.groups[0], query, scores)
    start = centres.start[group]
    nearest = nearest_centre(centres.of_list, start, centres.lists[group], query, scores)
    return start * PAGE + nearest  # type: ignore[no-any-return]


@compiled
def nearest_centre(centres: Array, start: int, count: int, query: Array, scores: Array) -> int:
    """Which of `count` centres a query [W] is nearest to, the first of equals.

    Args:
        centres: [pages, W, PAGE], those to look at begin at page `start`; scores: [PAGE] scratch.
    """
    best, bar = 0, LOWEST
    for first in range(0, count, PAGE):
        above = score_page(centres, start + first // PAGE, query, scores, 0, bar)
        if count - first < PAGE:
            above &= (1 << (count - first)) - 1
        while above != 0:
            position = lowest_bit(above)
            above &= above - 1
            if scores[position] > bar:
                best, bar = first + position, scores[position]
    return best


@compiled
def _insert(lists: Lists, slot: int, word: Array, owner: int) -> None:
    """Add a word to the list's first page, or to a new one if that is full."""
    position = lists.size[owner] % PAGE
    if position == 0:
        lists.free_pages[0] -= 1
        page = lists.free[lists.free_pages[0]]
        lists.owner[page] = owner
        lists.below[page] = lists.top[owner]
        lists.top[owner] = page
    page = lists.top[owner]
    lists.size[owner] += 1
    lists.slot[page, position] = slot
    lists.place[slot] = page * PAGE + position
    for w in range(word.shape[0]):
        lists.code[page, w, position] = word[w]


@compiled
def _remove(lists: Lists, slot: int) -> None:
    """Take a word out, and fill its place with the last word of its list's first page."""
    page, position = lists.place[slot] // PAGE, lists.place[slot] % PAGE
    owner = lists.owner[page]
    lists.size[owner] -= 1
    top, last = lists.top[owner], lists.size[owner] % PAGE
    moved = lists.slot[top, last]
    if moved != slot:
        for w in range(lists.code.shape[1]):
            lists.code[page, w, position] = lists.code[top, w, last]
        lists.slot[page, position] = moved
        lists.place[moved] = page * PAGE + position
    lists.slot[top, last] = -1
    lists.place[slot] = -1
    if last == 0:
        lists.top[owner] = lists.below[top]
        lists.free[lists.free_pages[0]] = top
        lists.free_pages[0] += 1
