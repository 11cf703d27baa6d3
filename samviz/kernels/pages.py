"""The approximate index inside the sequence loop: lists of similar words, kept in pages (paper 3.5).

Unit words are divided by two levels of spherical k-means. A query is compared with the group centres, then
with the list centres of the nearest groups, then with the words of the nearest lists. Words are kept as one
byte a dimension, in pages of PAGE words: enough to propose candidates, whose weights are then computed from
the true rows. With few live slots there is one list, and all of it is scanned.

Shape legend: B batch, H heads, N slots, W word size, K reads, C candidates a head, P pages, L lists,
G groups, F pages of list centres. The centre of list l is at position l % PAGE of page l // PAGE, and the
lists of a group begin a page.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.compiled import compiled
from samviz.kernels.vectors import PAGE

Array = np.ndarray[Any, Any]

LONGEST_WORD = 8192  # longer ones could overflow the 16-bit sums of vectors.py
EXACT_BELOW = 24_576  # live slots: a scan of all words costs no more than search and updates together
ONE_LIST_BELOW = 16_384  # live slots: scanning so many costs no more than looking for the right lists
WORDS_PER_LIST = 64  # two pages: smaller lists are better aimed, but half a page of each is empty
NEAR_GROUPS = 24  # groups whose list centres a query is compared with
PROBES = 192  # lists whose words a query is compared with
AHEAD = 8  # pages that are on their way from memory while one is scored
TOLERATED = 3  # times the words that a search should scan
BUILD_COST = 400  # words that can be scanned in the time in which one is built in


class Lists(NamedTuple):
    """Where every word is."""

    code: Any  # [B, P, W, PAGE] int8, the words of a page, dimension by dimension
    slot: Any  # [B, P, PAGE] int32, whose words they are, -1 nobody's
    owner: Any  # [B, P] int32, the list that a page belongs to
    below: Any  # [B, P] int32, the next page of the same list, -1 at its end
    free: Any  # [B, P] int32, the stack of unused pages
    free_pages: Any  # [B, 1] int64, the stack's height
    place: Any  # [B, N] int32, where a slot's word is: page * PAGE + position, -1 nowhere
    top: Any  # [B, L] int32, a list's first page, the only one that can have room; -1 none
    size: Any  # [B, L] int32, words in a list


class Centres(NamedTuple):
    """What the words are divided by."""

    of_list: Any  # [B, F, W, PAGE] int8
    of_group: Any  # [B, G/PAGE, W, PAGE] int8
    start: Any  # [B, G+1] int32, a group's first page of list centres
    lists: Any  # [B, G] int32, lists in a group
    groups: Any  # [B, 1] int64, groups in use


class Counts(NamedTuple):
    """What tells when to build anew, all [B, 1] int64."""

    built_lists: Any  # what `list_count` said at the last build
    insertions: Any  # words that changed since the last build
    searches: Any  # searches (one a head) since the last build
    scanned: Any  # words that they compared with their queries
    expected: Any  # words that a search should scan, by the last build
    excess: Any  # words scanned beyond TOLERATED times that


class Scratch(NamedTuple):
    """Room to work in."""

    query: Any  # [B, W] int16
    group_score: Any  # [B, G] int16
    list_score: Any  # [B, L] int16
    page_score: Any  # [B, PAGE] int16
    best_score: Any  # [B, C] int16
    chosen: Any  # [B, L] int32
    route: Any  # [B, max(P, F) + AHEAD] int32, pages in the order in which they are scored


class Pages(NamedTuple):
    """One index per batch element, or that of one element, without the axis B.

    With N = 0 there is nothing in it: the stand-in in memories that are searched exactly.
    """

    lists: Lists
    centres: Centres
    counts: Counts
    scratch: Scratch


def candidate_count(reads: int) -> int:
    """How many candidates C a head needs, so that rounding to bytes hides hardly any of the K nearest.

    With half of 64k words in a cone of cosines about 0.96, 4K find 84 % of them and 8K find 95 %.
    """
    return 8 * reads


@compiled
def element(pages: Pages, b: int) -> Pages:
    """The index of one element, which is what the kernels take: once a step, for slicing is not free."""
    return Pages(
        Lists(
            pages.lists.code[b],
            pages.lists.slot[b],
            pages.lists.owner[b],
            pages.lists.below[b],
            pages.lists.free[b],
            pages.lists.free_pages[b],
            pages.lists.place[b],
            pages.lists.top[b],
            pages.lists.size[b],
        ),
        Centres(
            pages.centres.of_list[b],
            pages.centres.of_group[b],
            pages.centres.start[b],
            pages.centres.lists[b],
            pages.centres.groups[b],
        ),
        Counts(
            pages.counts.built_lists[b],
            pages.counts.insertions[b],
            pages.counts.searches[b],
            pages.counts.scanned[b],
            pages.counts.expected[b],
            pages.counts.excess[b],
        ),
        Scratch(
            pages.scratch.query[b],
            pages.scratch.group_score[b],
            pages.scratch.list_score[b],
            pages.scratch.page_score[b],
            pages.scratch.best_score[b],
            pages.scratch.chosen[b],
            pages.scratch.route[b],
        ),
    )


@compiled
def list_count(live: int) -> int:
    """How many lists an index of that many live words is divided into."""
    return 1 if live < ONE_LIST_BELOW else live // WORDS_PER_LIST


@compiled
def group_count(lists: int) -> int:
    """As many groups as lists in a group, so that finding either costs the same."""
    return int(np.ceil(np.sqrt(lists)))


def empty_pages(batch: int, slots: int, word_size: int, candidates: int) -> Pages:
    """Indexes of B memories of N slots that hold no words yet; with slots = 0 the stand-in for exact search.

    Args:
        candidates: C, how many candidates a search proposes for a head.
    """
    if slots == 0:
        return _each(empty_pages(batch, 1, 1, 1), lambda array: array[:, :0])
    lists = list_count(slots)
    groups = _rounded_up(group_count(lists))
    centre_pages = _rounded_up(lists) // PAGE + groups  # the last page of a group may be nearly empty
    most = _rounded_up(slots) // PAGE + min(lists + groups, slots)  # and so may the first page of a list

    def full(value: int, kind: Any, *shape: int) -> Array:
        return np.full((batch, *shape), value, kind)

    pages = Pages(
        Lists(
            code=full(0, np.int8, most, word_size, PAGE),
            slot=full(-1, np.int32, most, PAGE),
            owner=full(0, np.int32, most),
            below=full(-1, np.int32, most),
            free=full(0, np.int32, most),
            free_pages=full(most, np.int64, 1),
            place=full(-1, np.int32, slots),
            top=full(-1, np.int32, centre_pages * PAGE),
            size=full(0, np.int32, centre_pages * PAGE),
        ),
        Centres(
            of_list=full(0, np.int8, centre_pages, word_size, PAGE),
            of_group=full(0, np.int8, groups // PAGE, word_size, PAGE),
            start=full(0, np.int32, groups + 1),
            lists=full(0, np.int32, groups),
            groups=full(1, np.int64, 1),
        ),
        Counts(*(full(0, np.int64, 1) for _ in Counts._fields)),
        Scratch(
            query=full(0, np.int16, word_size),
            group_score=full(0, np.int16, groups),
            list_score=full(0, np.int16, centre_pages * PAGE),
            page_score=full(0, np.int16, PAGE),
            best_score=full(0, np.int16, candidates),
            chosen=full(0, np.int32, centre_pages * PAGE),
            route=full(0, np.int32, max(most, centre_pages) + AHEAD),
        ),
    )
    pages.lists.free[:] = np.arange(most)[::-1]
    pages.centres.start[:, 1:] = 1  # one group of one list
    pages.centres.lists[:, 0] = 1
    pages.counts.built_lists[:] = 1
    return pages


def copy_pages(pages: Pages) -> Pages:
    """An independent copy."""
    return _each(pages, np.copy)


def _each(pages: Pages, change: Callable[[Array], Array]) -> Pages:
    return Pages(
        Lists(*map(change, pages.lists)),
        Centres(*map(change, pages.centres)),
        Counts(*map(change, pages.counts)),
        Scratch(*map(change, pages.scratch)),
    )


def _rounded_up(count: int) -> int:
    return -(-count // PAGE) * PAGE


@compiled
def needs_build(index: Pages, live: int) -> bool:
    """Whether an index should be built anew before it is searched again.

    It should after N insertions (paper 3.5); when the live slots have become enough for twice as many lists;
    and when the words have drifted into few lists, so that what was scanned beyond TOLERATED times the
    expected would have paid for a build.
    """
    slots, wanted = index.lists.place.shape[0], list_count(live)
    if slots == 0 or (wanted == 1 and index.counts.built_lists[0] == 1):
        return False
    return (  # type: ignore[no-any-return]
        index.counts.insertions[0] >= slots
        or wanted >= 2 * index.counts.built_lists[0]
        or index.counts.excess[0] > BUILD_COST * live
    )
