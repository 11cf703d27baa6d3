"""bAbI: short stories and questions about them, in words (paper 4.4; Weston et al. 2015)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from samviz.errors import ConfigError
from samviz.tasks.babi_exchange import Alike, alike, exchanged
from samviz.tasks.babi_stories import FILES, Corpus, Story, load_corpus
from samviz.tasks.task import Batch, Field

TASKS = range(1, 21)
SPARE = 4  # so many times the stories of a batch are drawn, to choose some of like length


@dataclass(frozen=True, kw_only=True)
class Babi:
    """One story with all its questions, a word a step: T is the number of words.

    The words "." and "?" end sentences. A question is followed by a step "-" for each word of its answer,
    and that word is the target there (Graves et al. 2016). The sources of an answer are the last words of
    the sentences that support it.

    In training, the people, places and things of a story change roles at random and what they do is told in
    other words, where the task lets them (`babi_exchange`): from a thousand questions a model learns to look
    up its memory, and not the answers by heart.

    Held out are the published test files, whole and as they are. Training leaves out stories that they hold.
    Nothing is read before the first story is needed: a checkpoint is loaded without the data.

    Raises:
        ConfigError: a setting that does not fit; when data is needed: none given, damaged, or too little.
    """

    data: str = ""  # a folder
    tasks: tuple[int, ...] = tuple(TASKS)
    max_steps: int = 800  # training leaves out stories of more
    as_published: bool = False  # train on the stories as they are, without `babi_exchange`
    fingerprint: str = field(default="", compare=False)  # of the words that a model was trained on
    unseen: bool = False  # draw the stories that are held out, and no others

    name = "babi"
    output_kind = "classes"
    unit = "question"
    levels = None

    def __post_init__(self) -> None:
        tasks: Any = self.tasks  # a checkpoint has a list
        steps: Any = self.max_steps
        chosen = [task for task in TASKS if task in tasks] if isinstance(tasks, list | tuple) else []
        if not chosen or len(chosen) != len(tasks):
            raise ConfigError(f"tasks must be different numbers from 1 to {TASKS[-1]}, found {tasks!r}")
        object.__setattr__(self, "tasks", tuple(chosen))
        if not isinstance(self.data, str):
            raise ConfigError(f"data must be a path as text, found {self.data!r}")
        if not isinstance(self.as_published, bool):
            raise ConfigError(f"as_published must be true or false, found {self.as_published!r}")
        if not isinstance(steps, int) or steps < 1:
            raise ConfigError(f"max_steps must be a whole number of at least 1, found {steps!r}")

    @property
    def description(self) -> str:
        """What is shown and what must be answered."""
        return 'A story in words and questions about it; answer each question at the steps that show "-".'

    @property
    def groups(self) -> tuple[str, ...]:
        """The tasks."""
        return self._corpus.names

    @property
    def input_fields(self) -> tuple[Field, ...]:
        """The word."""
        words = self._corpus.vocabulary
        return (Field("word", "words", 0, len(words), labels=words),)

    @property
    def output_fields(self) -> tuple[Field, ...]:
        """The word."""
        return self.input_fields

    @cached_property
    def source_size(self) -> int:
        """The most sentences that support an answer."""
        return self._corpus.most_sources

    @property
    def episodes(self) -> int | None:
        """How many stories are held out, None in training."""
        return len(self._published) if self.unseen else None

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, for JSON; once the data was read, with its fingerprint."""
        was_read = "_corpus" in vars(self)
        fingerprint = self._corpus.fingerprint if was_read else self.fingerprint
        return asdict(self) | {"tasks": list(self.tasks), "fingerprint": fingerprint}

    def held_out(self) -> Self:
        """The task over the published test files."""
        return replace(self, unseen=True)

    def episode(self, number: int) -> Batch:
        """Story `number` of those held out, B = 1; in training, a random one that the number determines."""
        if self.unseen:
            return self._batch([self._published[number]])
        return self.sample(np.random.default_rng(number), 1)

    def sample(self, random: np.random.Generator, batch: int, level: int | None = None) -> Batch:
        """B random stories of like length, each of a random task; the tasks are drawn evenly.

        The stories of several batches are drawn and sorted by length, and one of these batches is taken: it
        needs little padding, and all lengths have the same chance.
        """
        rows = random.integers(0, len(self.tasks), SPARE * batch)
        places = random.integers(0, [len(self._stories[row]) for row in rows])
        drawn = [(row, self._stories[row][place]) for row, place in zip(rows, places, strict=True)]
        drawn.sort(key=lambda row_and_story: len(row_and_story[1].words))
        first = random.integers(0, SPARE) * batch
        chosen = drawn[first : first + batch]
        if not (self.as_published or self.unseen):
            chosen = [(row, self._exchanged(row, story, random)) for row, story in chosen]
        return self._batch(chosen)

    def _exchanged(self, row: int, story: Story, random: np.random.Generator) -> Story:
        """The story with words in other roles; as it was where that is one that is held out."""
        other = exchanged(story, self._alike[row], len(self._corpus.vocabulary), random)
        return story if other.words.tobytes() in self._test_words[row] else other

    def _batch(self, chosen: list[tuple[int, Story]]) -> Batch:
        """Stories, each with the row of its task, as a batch; nothing is shown after a story's end."""
        shape = (max(len(story.words) for _, story in chosen), len(chosen))
        words = len(self._corpus.vocabulary)
        inputs, targets = np.zeros((2, *shape, words), np.float32)
        question, group = np.full((2, *shape), -1, np.int32)
        source = np.full((*shape, self.source_size), -1, np.int32)
        for b, (row, story) in enumerate(chosen):
            inputs[np.arange(len(story.words)), b, story.words] = 1
            targets[story.steps, b, story.answers] = 1
            question[story.steps, b] = story.questions
            source[story.steps, b, : story.sources.shape[1]] = story.sources
            group[:, b] = row
        return Batch(*map(torch.from_numpy, (inputs, targets, question, source, group)))

    @cached_property
    def _corpus(self) -> Corpus:
        """The stories, read when first needed."""
        if not self.data:
            raise ConfigError(f"task babi needs its data: add --data PATH, a folder with {FILES}")
        corpus = load_corpus(Path(self.data), self.tasks)
        if self.fingerprint not in ("", corpus.fingerprint):
            raise ConfigError(
                f"{self.data}: expected the words that the model was trained on, found others "
                f"({len(corpus.vocabulary)} words): give the same tasks and files as in training"
            )
        return corpus

    @cached_property
    def _stories(self) -> tuple[Sequence[Story], ...]:
        """The stories to draw from, by task."""
        corpus = self._corpus
        if self.unseen:
            return corpus.test
        return tuple(map(self._to_train_on, corpus.names, corpus.train, self._test_words))

    @cached_property
    def _test_words(self) -> list[set[bytes]]:
        """The words of the stories of the test files, by task."""
        return [{story.words.tobytes() for story in stories} for stories in self._corpus.test]

    @cached_property
    def _alike(self) -> list[Alike]:
        """The words that can stand for each other, by task."""
        words = self._corpus.vocabulary
        return [alike(task, words, stories) for task, stories in zip(self.tasks, self._stories, strict=True)]

    @cached_property
    def _published(self) -> list[tuple[int, Story]]:
        """All stories of the test files, each with the row of its task."""
        return [(row, story) for row, stories in enumerate(self._corpus.test) for story in stories]

    def _to_train_on(self, name: str, train: Sequence[Story], published: set[bytes]) -> Sequence[Story]:
        """The stories of one task that are short enough and not held out."""
        found = [
            story
            for story in train
            if len(story.words) <= self.max_steps and story.words.tobytes() not in published
        ]
        if not found:
            raise ConfigError(
                f"{self.data}: expected stories of at most {self.max_steps:,} steps to train task {name} on, "
                "other than those of its test file, found none: choose other tasks or raise max_steps"
            )
        return found
