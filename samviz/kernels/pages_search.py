"""Search an index of pages: which words have the highest approximate cosine (paper 3.5)."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled
from samviz.kernels.pages import AHEAD, NEAR_GROUPS, PROBES, TOLERATED, Counts, Pages
from samviz.kernels.pages_update import LENGTH, LOWEST, round_to_length
from samviz.kernels.products import norm
from samviz.kernels.vectors import PAGE, bits_above, count_bits, fetch_ahead, lowest_bit, score_page

Array = np.ndarray[Any, Any]

HIGHEST = 2**15 - 1
ABOUT_EQUAL = 16  # difference of scores, of some 30,000, that does not matter for which lists are scanned


@compiled
def propose(index: Pages, queries: Array, candidates: Array) -> None:
    """Find each head's live slots of highest approximate cosine, best first, each slot once.

    Args:
        queries: [H, W], any vectors; candidates: [H, C] int32 to fill, -1 where there are no more, C as in
            `empty_pages`.
    """
    length = _query_length(queries.shape[1])
    query = index.scratch.query
    for head in range(queries.shape[0]):
        round_to_length(queries[head], norm(queries[head]), length, query)
        probes = _choose_lists(index, query)
        count, words = _plan_route(index, probes)
        _scan(index, query, count, candidates[head])
        _note(index.counts, words)


@compiled
def _note(counts: Counts, words: int) -> None:
    """A search has scanned that many words."""
    counts.searches[0] += 1
    counts.scanned[0] += words
    counts.excess[0] = max(counts.excess[0] + words - TOLERATED * counts.expected[0], 0)


@compiled
def _query_length(word_size: int) -> float:
    """The greatest length of a query for which no partial sum of a product with a word leaves 16 bits."""
    rounding = np.sqrt(word_size) / 2
    return HIGHEST / (LENGTH + rounding) - rounding  # type: ignore[no-any-return]


@compiled
def _choose_lists(index: Pages, query: Array) -> int:
    """Write the lists nearest to a query into `scratch.chosen`; returns how many."""
    scores, chosen, route = index.scratch.group_score, index.scratch.chosen, index.scratch.route
    starts, groups = index.centres.start, index.centres.groups[0]
    for first in range(0, groups, PAGE):
        score_page(index.centres.of_group, first // PAGE, query, scores, first, LOWEST)
    near = choose(scores, groups, NEAR_GROUPS, chosen)
    count = 0
    for i in range(near):
        for page in range(starts[chosen[i]], starts[chosen[i] + 1]):
            route[count] = page
            count += 1
    scores = index.scratch.list_score
    _fetch_first(index.centres.of_list, route, count)
    for i in range(count):
        fetch_ahead(index.centres.of_list, route[i + AHEAD])
        score_page(index.centres.of_list, route[i], query, scores, i * PAGE, LOWEST)
    end = 0
    for i in range(near):
        lists = index.centres.lists[chosen[i]]
        used = end + lists
        end += starts[chosen[i] + 1] * PAGE - starts[chosen[i]] * PAGE
        scores[used:end] = LOWEST
    probes = choose(scores, end, PROBES, chosen)
    for i in range(probes):
        chosen[i] = route[chosen[i] // PAGE] * PAGE + chosen[i] % PAGE
    return probes  # type: ignore[no-any-return]


@compiled
def choose(scores: Array, count: int, wanted: int, chosen: Array) -> int:
    """Write the places of the `wanted` highest of `count` scores into `chosen`; returns how many.

    The very highest come first, else they are in no order. Of about equal scores the first are taken, and
    LOWEST ones never.

    Args:
        scores: int16, `count` rounded up to whole pages; what is beyond `count` is overwritten.
    """
    whole = (count + PAGE - 1) // PAGE * PAGE
    scores[count:whole] = LOWEST
    low, high = LOWEST, HIGHEST  # `wanted` or more are above low, `wanted` or fewer above high
    top = HIGHEST  # few are above it
    while high - low > ABOUT_EQUAL:
        bar = (low + high) // 2
        above = 0
        for first in range(0, whole, PAGE):
            above += count_bits(bits_above(scores, first, bar))
        if above >= wanted:
            low = bar
        if above <= wanted:
            high = bar
        if above <= wanted // 8:
            top = bar
    found = _collect(scores, whole, top, HIGHEST, wanted, 0, chosen)
    found = _collect(scores, whole, high, top, wanted, found, chosen)
    return _collect(scores, whole, low, high, wanted, found, chosen)  # type: ignore[no-any-return]


@compiled
def _collect(scores: Array, whole: int, low: int, high: int, wanted: int, found: int, chosen: Array) -> int:
    """Append the places of scores in (low, high] until there are `wanted`; returns how many there are now."""
    for first in range(0, whole, PAGE):
        bits = bits_above(scores, first, low) & ~bits_above(scores, first, high)
        while bits != 0 and found < wanted:
            chosen[found] = first + lowest_bit(bits)
            bits &= bits - 1
            found += 1
    return found


@compiled
def _plan_route(index: Pages, probes: int) -> tuple[int, int]:
    """Write the pages of the chosen lists into `scratch.route`; returns how many pages and how many words."""
    count, words = 0, 0
    for i in range(probes):
        words += index.lists.size[index.scratch.chosen[i]]
        page = index.lists.top[index.scratch.chosen[i]]
        while page >= 0:
            index.scratch.route[count] = page
            count += 1
            page = index.lists.below[page]
    return count, words


@compiled
def _fetch_first(codes: Array, route: Array, count: int) -> None:
    """Ask for the first pages of a route, and let it end in pages that do no harm when asked for."""
    for i in range(count, count + AHEAD):
        route[i] = 0
    for i in range(AHEAD):
        fetch_ahead(codes, route[i])


@compiled
def _scan(index: Pages, query: Array, count: int, candidates: Array) -> None:
    """Score the first `count` pages of the route and keep the best words, in order."""
    code, route = index.lists.code, index.scratch.route
    scores, best = index.scratch.page_score, index.scratch.best_score
    candidates[:] = -1
    best[:] = LOWEST
    bar = LOWEST
    _fetch_first(code, route, count)
    for i in range(count):
        page = route[i]
        fetch_ahead(code, route[i + AHEAD])
        bits = score_page(code, page, query, scores, 0, bar)
        if bits != 0:
            owner = index.lists.owner[page]
            if page == index.lists.top[owner]:
                bits &= (1 << ((index.lists.size[owner] - 1) % PAGE + 1)) - 1
        while bits != 0:
            position = lowest_bit(bits)
            bits &= bits - 1
            if scores[position] > bar:
                _keep(candidates, best, page * PAGE + position, scores[position])
                bar = best[best.shape[0] - 1]
    for k in range(candidates.shape[0]):
        if candidates[k] >= 0:
            candidates[k] = index.lists.slot[candidates[k] // PAGE, candidates[k] % PAGE]


@compiled
def _keep(candidates: Array, best: Array, place: int, score: int) -> None:
    """Put a place where it belongs among the best so far, dropping the last."""
    k = best.shape[0] - 1
    while k > 0 and score > best[k - 1]:
        best[k] = best[k - 1]
        candidates[k] = candidates[k - 1]
        k -= 1
    best[k] = score
    candidates[k] = place
