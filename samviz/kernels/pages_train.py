"""Divide words into groups and lists: two levels of spherical k-means on a sample.

Everything is drawn by a fixed hash, so that the same memory always gives the same index.
"""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled
from samviz.kernels.pages import Centres
from samviz.kernels.pages_update import LENGTH, nearest_centre, round_to_length
from samviz.kernels.vectors import PAGE

Array = np.ndarray[Any, Any]

SAMPLE_OF_LIST = 32  # sampled words per list
SAMPLE_OF_GROUP = 128  # and per group, of which there are few
ROUNDS_OF_LISTS = 2  # more gain little: recall@4 .01, for half the training time again
ROUNDS_OF_GROUPS = 6


@compiled
def train(
    centres: Centres, scores: Array, words: Array, norms: Array, live: int, lists: int, groups: int
) -> None:
    """Place about `lists` list centres in `groups` groups, each group as many as its share of the words."""
    sample = _sample(words, norms, live, SAMPLE_OF_LIST * lists)
    count = sample.shape[0]
    few = np.empty(min(count, SAMPLE_OF_GROUP * groups), np.int64)
    for i in range(few.shape[0]):
        few[i] = i * count // few.shape[0]
    _k_means(sample, few, groups, ROUNDS_OF_GROUPS, centres.of_group, 0, scores)
    members, start = _sort_by_group(sample, centres.of_group, groups, scores)
    page = 0
    for group in range(groups):
        own = members[start[group] : start[group + 1]]
        share = max(own.shape[0] * lists // count, 1)
        _k_means(sample, own, share, ROUNDS_OF_LISTS, centres.of_list, page, scores)
        centres.start[group] = page
        centres.lists[group] = share
        page += (share + PAGE - 1) // PAGE
    centres.start[groups] = page
    centres.groups[0] = groups


@compiled
def _hash(number: int) -> int:
    """A number from 0 to 2^31 - 1 that looks random."""
    number = (number + 1) * 0x9E3779B1 & 0xFFFFFFFF
    number = (number ^ (number >> 15)) * 0x85EBCA6B & 0xFFFFFFFF
    return number >> 1


@compiled
def _sample(words: Array, norms: Array, live: int, wanted: int) -> Array:
    """Some live words in whole numbers [S, W]: one, unless it is zero, of each of `wanted` stretches."""
    wanted = min(wanted, live)
    sample = np.zeros((wanted, words.shape[1]), np.int16)
    count = 0
    for i in range(wanted):
        first = i * live // wanted
        slot = first + _hash(i) % ((i + 1) * live // wanted - first)
        if norms[slot] > 0:
            round_to_length(words[slot], norms[slot], LENGTH, sample[count])
            count += 1
    return sample[: max(count, 1)]


@compiled
def _sort_by_group(sample: Array, centres: Array, groups: int, scores: Array) -> tuple[Array, Array]:
    """The sampled words in the order of their groups [S], and where each group starts [G+1]."""
    group = np.empty(sample.shape[0], np.int64)
    start = np.zeros(groups + 2, np.int64)
    for i in range(sample.shape[0]):
        group[i] = nearest_centre(centres, 0, groups, sample[i], scores)
        start[group[i] + 2] += 1
    start = np.cumsum(start)
    members = np.empty(sample.shape[0], np.int64)
    for i in range(sample.shape[0]):
        members[start[group[i] + 1]] = i
        start[group[i] + 1] += 1
    return members, start[: groups + 1]


@compiled
def _k_means(
    sample: Array, members: Array, count: int, rounds: int, centres: Array, page: int, scores: Array
) -> None:
    """Write `count` centres of the given members of the sample, from `page` of `centres` [pages, W, PAGE]."""
    sums = np.empty((count, sample.shape[1]), np.float32)
    held = np.empty(count, np.int64)
    for attempt in range(rounds + 1):
        sums[:] = 0
        held[:] = 0
        if attempt > 0:
            for member in members:
                centre = nearest_centre(centres, page, count, sample[member], scores)
                held[centre] += 1
                for w in range(sample.shape[1]):
                    sums[centre, w] += sample[member, w]
        for centre in range(count):
            if held[centre] == 0 and members.shape[0] > 0:
                chance = members[_hash(attempt * count + centre) % members.shape[0]]
                for w in range(sample.shape[1]):
                    sums[centre, w] = sample[chance, w]
            _set_centre(sums[centre], centres[page + centre // PAGE], centre % PAGE)


@compiled
def _set_centre(total: Array, page: Array, position: int) -> None:
    """Write a sum of words [W], brought to the length of a word, into a page [W, PAGE]."""
    square = 0.0
    for w in range(total.shape[0]):
        square += total[w] * total[w]
    scale = LENGTH / np.sqrt(square) if square > 0 else 0.0
    for w in range(total.shape[0]):
        page[w, position] = np.int8(np.rint(total[w] * scale))
