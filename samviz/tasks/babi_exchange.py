"""Stories that say the same of others, in other words: bAbI's simulation treats these words alike."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.tasks.babi_stories import Story

# the simulated world of Weston et al. 2015; "he" and "she" stay right
KINDS = (
    ("mary", "sandra", "julie"),
    ("john", "daniel", "fred", "bill", "jeff"),
    ("bathroom", "bedroom", "cinema", "garden", "hallway", "kitchen", "office", "park", "school"),
    ("apple", "football", "milk"),
)
SYNONYMS = (
    ("went", "went back", "journeyed", "moved", "travelled"),
    ("got", "grabbed", "took", "picked up"),
    ("discarded", "dropped", "left", "put down"),
    ("gave", "handed", "passed"),
)
# the others tell of kinds of animals, shapes, boxes and motives, where a word matters beyond its story
ALIKE_IN_TASKS = frozenset((*range(1, 15), 19))

Phrase = tuple[int, ...]  # of numbers of words


class Alike(NamedTuple):
    """The words of a task, as numbers, that can stand for each other."""

    kinds: tuple[NDArray[np.int32], ...]  # in all of a story
    synonyms: dict[Phrase, tuple[Phrase, ...]]  # each phrase can be any of these, anywhere


def alike(task: int, vocabulary: Sequence[str], stories: Sequence[Story]) -> Alike:
    """Those that occur in a task's stories; none in a task where they are not alike."""
    if task not in ALIKE_IN_TASKS:
        return Alike((), {})
    found = np.unique(np.concatenate([part for story in stories for part in (story.words, story.answers)]))
    occur = {vocabulary[number]: int(number) for number in found}
    kinds = tuple(np.array([occur[word] for word in kind if word in occur], np.int32) for kind in KINDS)
    synonyms: dict[Phrase, tuple[Phrase, ...]] = {}
    for group in SYNONYMS:
        phrases = [phrase.split() for phrase in group]
        known = tuple(
            tuple(map(occur.__getitem__, phrase)) for phrase in phrases if occur.keys() >= set(phrase)
        )
        synonyms |= dict.fromkeys(known, known)
    return Alike(kinds, synonyms)


def exchanged(story: Story, words: Alike, size: int, random: np.random.Generator) -> Story:
    """The story with everybody and everything in another role, told in other words, and as true as it was.

    Args:
        story: it stays as it is.
        words: what can be exchanged.
        size: of the vocabulary.
        random: the source of all that is random.
    """
    ranks = np.arange(size, dtype=np.int32)
    for kind in words.kinds:
        ranks[kind] = random.permutation(kind)
    return _retold(
        story._replace(words=ranks[story.words], answers=ranks[story.answers]), words.synonyms, random
    )


def _retold(story: Story, synonyms: dict[Phrase, tuple[Phrase, ...]], random: np.random.Generator) -> Story:
    """The story with each phrase that has synonyms as one of them, and all steps where they went."""
    old = story.words.tolist()
    told: list[int] = []
    later = np.zeros(len(old) + 1, np.int32)  # how far a step moves
    longest, at = max(map(len, synonyms), default=0), 0
    while at < len(old):
        phrase = next((p for n in range(longest, 0, -1) if (p := tuple(old[at : at + n])) in synonyms), None)
        if phrase is None:
            told.append(old[at])
            at += 1
        else:
            chosen = synonyms[phrase][random.integers(len(synonyms[phrase]))]
            told += chosen
            at += len(phrase)
            later[at] += len(chosen) - len(phrase)
    moved = np.arange(len(old) + 1, dtype=np.int32) + later.cumsum(dtype=np.int32)
    return story._replace(
        words=np.array(told, np.int32),
        steps=moved[story.steps],
        sources=np.where(story.sources < 0, story.sources, moved[story.sources]),
    )
