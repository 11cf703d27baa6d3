"""Build an index of pages anew from the memory: train the centres, then fill the lists."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled
from samviz.kernels.pages import PROBES, Lists, Pages, group_count, list_count
from samviz.kernels.pages_train import train
from samviz.kernels.pages_update import LENGTH, nearest_list, round_to_length
from samviz.kernels.vectors import PAGE

Array = np.ndarray[Any, Any]


@compiled
def build(index: Pages, words: Array, norms: Array, live: int) -> None:
    """Build one element's index anew from the slots 0..live-1 of words [N, W] with their norms [N]."""
    lists = list_count(live)
    if lists == 1:
        index.centres.groups[0] = 1
        index.centres.start[1] = 1
        index.centres.lists[0] = 1
    else:
        train(index.centres, index.scratch.page_score, words, norms, live, lists, group_count(lists))
    order = _sort_by_list(index, words, norms, live)
    used = _fill(index.lists, index.scratch.query, words, norms, order)
    index.lists.free_pages[0] = 0
    for page in range(index.lists.free.shape[0] - 1, used - 1, -1):
        index.lists.free[index.lists.free_pages[0]] = page
        index.lists.free_pages[0] += 1
    index.counts.built_lists[0] = lists
    index.counts.expected[0] = _expected_words(index.lists.size)
    index.counts.insertions[0] = 0
    index.counts.searches[0] = 0
    index.counts.scanned[0] = 0
    index.counts.excess[0] = 0


@compiled
def _sort_by_list(index: Pages, words: Array, norms: Array, live: int) -> Array:
    """The slots of all words that are not zero, list by list; `lists.size` tells how many in each."""
    size, query = index.lists.size, index.scratch.query
    owner = np.empty(live, np.int32)
    size[:] = 0
    for slot in range(live):
        owner[slot] = -1
        if norms[slot] > 0:
            round_to_length(words[slot], norms[slot], LENGTH, query)
            owner[slot] = nearest_list(index.centres, query, index.scratch.page_score)
            size[owner[slot]] += 1
    end = np.cumsum(size)
    order = np.empty(end[-1], np.int32)
    for slot in range(live - 1, -1, -1):
        if owner[slot] >= 0:
            end[owner[slot]] -= 1
            order[end[owner[slot]]] = slot
    return order


@compiled
def _fill(lists: Lists, query: Array, words: Array, norms: Array, order: Array) -> int:
    """Put each list in pages one after the other, the first of them with room; returns the pages used."""
    lists.place[:] = -1
    lists.slot[:] = -1
    page, done = 0, 0
    for owner in range(lists.size.shape[0]):
        end = done + lists.size[owner]
        lists.top[owner] = page if done < end else -1
        while done < end:
            count = (end - done - 1) % PAGE + 1
            _fill_page(lists, query, page, words, norms, order[done : done + count])
            done += count
            lists.owner[page] = owner
            lists.below[page] = page + 1 if done < end else -1
            page += 1
    return page


@compiled
def _fill_page(lists: Lists, query: Array, page: int, words: Array, norms: Array, slots: Array) -> None:
    for position in range(slots.shape[0]):
        slot = slots[position]
        round_to_length(words[slot], norms[slot], LENGTH, query)
        for w in range(query.shape[0]):
            lists.code[page, w, position] = query[w]
        lists.slot[page, position] = slot
        lists.place[slot] = page * PAGE + position


@compiled
def _expected_words(size: Array) -> int:
    """How many words a search for a stored word should scan: those of its own list and of average others."""
    words, squares, lists = 0, 0, 0
    for i in range(size.shape[0]):
        words += size[i]
        squares += np.int64(size[i]) * size[i]
        lists += size[i] > 0
    if words == 0:
        return 0
    return min(words, squares // words + PROBES * words // lists)
