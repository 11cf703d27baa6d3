"""Stories that differ in who, where and what only: bAbI's simulation treats these words alike."""

from collections.abc import Sequence

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
# the others tell of kinds of animals, shapes, boxes and motives, where a word matters beyond its story
ALIKE_IN_TASKS = frozenset((*range(1, 15), 19))


def exchangeable(task: int, vocabulary: Sequence[str], stories: Sequence[Story]) -> list[NDArray[np.int64]]:
    """The words of each kind, as numbers, that occur in a task's stories; none where they are not alike."""
    if task not in ALIKE_IN_TASKS:
        return []
    found = np.unique(np.concatenate([part for story in stories for part in (story.words, story.answers)]))
    occur = {vocabulary[number]: int(number) for number in found}
    return [np.array([occur[word] for word in kind if word in occur], np.int64) for kind in KINDS]


def exchanged(story: Story, kinds: Sequence[NDArray[np.int64]], random: np.random.Generator) -> Story:
    """The story with the words of every kind in other roles, as true as it was."""
    ranks = np.arange(1 + max(story.words.max(), story.answers.max(), *(k.max(initial=0) for k in kinds), 0))
    for kind in kinds:
        ranks[kind] = random.permutation(kind)
    ranks = ranks.astype(np.int32)
    return story._replace(words=ranks[story.words], answers=ranks[story.answers])
