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
    ("went", "journeyed", "moved", "travelled"),  # but for "went back"
    ("got", "grabbed", "took"),
    ("discarded", "dropped", "left"),
    ("gave", "handed", "passed"),
)
# the others tell of kinds of animals, shapes, boxes and motives, where a word matters beyond its story
ALIKE_IN_TASKS = frozenset((*range(1, 15), 19))


class Alike(NamedTuple):
    """The words of a task, as numbers, that can stand for each other."""

    kinds: tuple[NDArray[np.int32], ...]  # in all of a story
    synonyms: tuple[NDArray[np.int32], ...]  # anywhere, but before `back`
    back: int  # the number of "back", -1 where the task has none


def alike(task: int, vocabulary: Sequence[str], stories: Sequence[Story]) -> Alike:
    """Those that occur in a task's stories; none in a task where they are not alike."""
    if task not in ALIKE_IN_TASKS:
        return Alike((), (), -1)
    found = np.unique(np.concatenate([part for story in stories for part in (story.words, story.answers)]))
    occur = {vocabulary[number]: number for number in found}

    def numbers(groups: Sequence[Sequence[str]]) -> tuple[NDArray[np.int32], ...]:
        present = ([occur[word] for word in group if word in occur] for group in groups)
        return tuple(np.array(group, np.int32) for group in present if group)

    return Alike(numbers(KINDS), numbers(SYNONYMS), int(occur.get("back", -1)))


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
    told = ranks[story.words]
    free = np.append(told[1:], -1) != words.back
    for group in words.synonyms:
        places = np.flatnonzero(np.isin(told, group) & free)
        told[places] = random.choice(group, len(places))
    return story._replace(words=told, answers=ranks[story.answers])
