"""The stories of the bAbI tasks, read from their published text files (Weston et al. 2015)."""

import re
from functools import lru_cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from samviz.errors import ConfigError

FILES = "qa1_…_train.txt, qa1_…_test.txt, qa2_…"
FILE = re.compile(r"qa([1-9][0-9]?)_(?:(.+)_)?(train|test)\.txt")
WORD = re.compile(r"\w+(?:['-]\w+)*")
PARTS = ("train", "test")
MARKS = (".", "?", "-")  # the vocabulary ends with them; a step that must answer shows the last
STOP, ASK, ANSWER = -3, -2, -1  # their numbers, from the vocabulary's end


class Story(NamedTuple):
    """One story with its questions, words as numbers.

    Shape legend: T steps, A answer words, S supporting facts of a question at most.
    """

    words: NDArray[np.int32]  # [T]
    steps: NDArray[np.int32]  # [A], the steps that must answer
    answers: NDArray[np.int32]  # [A], the word
    questions: NDArray[np.int32]  # [A], which question of the story it answers
    sources: NDArray[np.int32]  # [A, S], the steps of the last words of the supporting facts, -1 none


class Corpus(NamedTuple):
    """All stories of some tasks."""

    vocabulary: tuple[str, ...]  # what a word's number stands for: the sorted words, then MARKS
    names: tuple[str, ...]  # of the tasks, such as "1 single supporting fact"
    train: tuple[tuple[Story, ...], ...]  # by task
    test: tuple[tuple[Story, ...], ...]

    @property
    def most_sources(self) -> int:
        """The most supporting facts that a question has."""
        return max(int(story.sources.shape[1]) for task in (*self.train, *self.test) for story in task)

    @property
    def fingerprint(self) -> str:
        """Tells other vocabularies from this one."""
        return sha256("\n".join(self.vocabulary).encode()).hexdigest()[:16]


@lru_cache(maxsize=2)
def load_corpus(folder: Path, tasks: tuple[int, ...]) -> Corpus:
    """All stories of these tasks, with one vocabulary; read once for each folder and choice.

    Raises:
        ConfigError: no such folder, a file missing or damaged.
    """
    files, numbers = _find_files(folder), _Numbers()
    _require_files(folder, files, tasks)
    train, test = ([_read_stories(files[task, part], numbers) for task in tasks] for part in PARTS)
    words = sorted(numbers)
    ranks = np.empty(len(words) + len(MARKS), np.int32)  # in the vocabulary, of a word's number until now
    ranks[[*(numbers[word] for word in words), STOP, ASK, ANSWER]] = np.arange(len(ranks))
    names = tuple(_name(files[task, "train"]) for task in tasks)
    return Corpus((*words, *MARKS), names, _renumber(train, ranks), _renumber(test, ranks))


def _renumber(tasks: list[list[Story]], ranks: NDArray[np.int32]) -> tuple[tuple[Story, ...], ...]:
    return tuple(
        tuple(story._replace(words=ranks[story.words], answers=ranks[story.answers]) for story in stories)
        for stories in tasks
    )


def _find_files(folder: Path) -> dict[tuple[int, str], Path]:
    """The files in the folder, by task and part."""
    files: dict[tuple[int, str], Path] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        raise ConfigError(
            f"{folder}: expected a folder with {FILES}: {error.strerror}; correct --data"
        ) from None
    for path in paths:
        named = FILE.fullmatch(path.name)
        if named and files.setdefault((int(named[1]), named[3]), path) != path:
            raise ConfigError(
                f"{path}: expected one {named[3]} file of task {named[1]}, found "
                f"{files[int(named[1]), named[3]].name} as well: take one away"
            )
    return files


def _require_files(folder: Path, files: dict[tuple[int, str], Path], tasks: tuple[int, ...]) -> None:
    """Raise ConfigError where one of the tasks lacks a file."""
    if not files:
        raise ConfigError(
            f"{folder}: expected {FILES}, found no such file: "
            "choose a folder inside the published one, such as en or en-10k"
        )
    for wanted in product(tasks, PARTS):
        if wanted not in files:
            whole = [task for task, part in files if part == "train" and (task, "test") in files]
            raise ConfigError(
                f"{folder}: expected qa{wanted[0]}_…_{wanted[1]}.txt, found none: complete the folder or "
                f"choose from the tasks that it has: {','.join(map(str, sorted(whole))) or 'none'}"
            )


def _name(file: Path) -> str:
    """The task's number and name."""
    named = FILE.fullmatch(file.name)
    assert named is not None
    return f"{named[1]} {(named[2] or '').replace('-', ' ')}".strip()


def _read_stories(path: Path, numbers: "_Numbers") -> list[Story]:
    """All stories of one file.

    Raises:
        ConfigError: a file that is not in the format.
    """
    lines = _lines(path)
    stories, draft = [], _Draft(numbers)
    for place, (line, after) in enumerate(zip(lines, [*lines[1:], "1 "], strict=True), 1):
        try:
            draft.add(line)
            if after.startswith("1 "):
                stories.append(draft.finish())
                draft = _Draft(numbers)
        except ConfigError as error:
            raise _damaged(path, place, str(error)) from None
    return stories


def _lines(path: Path) -> list[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: could not be read: {error.strerror}") from None
    if not content.strip():
        raise _damaged(path, 1, "expected a story, found an empty file")
    try:
        return content.decode().replace("\r\n", "\n").removesuffix("\n").split("\n")
    except UnicodeDecodeError as error:
        place = content.count(b"\n", 0, error.start) + 1
        found = f"the byte {content[error.start]:#04x}"
        raise _damaged(path, place, f"expected text in UTF-8, found {found}") from None


def _damaged(path: Path, place: int, reason: str) -> ConfigError:
    return ConfigError(f"{path}, line {place}: {reason}; if the file is damaged, get it again")


class _Numbers(dict[str, int]):
    """The words seen so far, numbered in the order of their first appearance."""

    def __missing__(self, word: str) -> int:
        if not WORD.fullmatch(word):
            raise ConfigError(f"expected a word, found {_start(word)}")
        self[word] = len(self)
        return self[word]


class _Draft:
    """A story while its lines are read."""

    def __init__(self, numbers: _Numbers) -> None:
        self._numbers = numbers
        self._words: list[int] = []
        self._lines = self._questions = 0
        self._facts: dict[str, int] = {}  # the step of a sentence's last word, by the ID of its line
        self._answers: list[tuple[int, int, int]] = []  # step, word, question
        self._sources: list[list[int]] = []  # the steps that support each of these

    def add(self, line: str) -> None:
        """Take in one line: `ID sentence.` or `ID question? TAB answer,… TAB ID …`."""
        identity, _, text = line.partition(" ")
        self._lines += 1
        if identity != str(self._lines):
            raise ConfigError(f"expected the line to begin with the ID {self._lines}, found {_start(line)}")
        sentence, *about = text.split("\t")
        if not about:
            self._add_words(sentence, STOP)
            self._facts[identity] = len(self._words) - 2
        elif len(about) == 2:
            self._add_words(sentence, ASK)
            self._add_answers(*about)
        else:
            raise ConfigError(
                "expected a question, a tab, its answer, a tab and the IDs of the sentences that support it, "
                f"found {_start(text)}"
            )

    def finish(self) -> Story:
        """The whole story."""
        if self._words[-1] != ANSWER:
            raise ConfigError("expected a story that ends with a question, found a sentence at its end")
        steps, answers, questions = np.array(self._answers, np.int32).T
        most = max(map(len, self._sources))
        sources = [[*facts, *[-1] * (most - len(facts))] for facts in self._sources]
        return Story(np.array(self._words, np.int32), steps, answers, questions, np.array(sources, np.int32))

    def _add_words(self, sentence: str, mark: int) -> None:
        text = sentence.rstrip(" ")
        if not text.endswith(MARKS[mark]):
            what = "a sentence" if mark == STOP else "a question"
            raise ConfigError(f"expected {what} that ends with {MARKS[mark]}, found {_start(text)}")
        words = [self._numbers[word] for word in text[:-1].lower().split(" ")]
        self._words += [*words, mark]

    def _add_answers(self, answer: str, support: str) -> None:
        """Each word of the answer is a step of its own."""
        if not all(words := answer.strip(" ").lower().split(",")):
            raise ConfigError(f"expected an answer, with commas between its words, found {_start(answer)}")
        sources = [self._facts.get(identity, -1) for identity in support.split()]
        if not sources or -1 in sources:
            raise ConfigError(
                f"expected the IDs of earlier sentences of the story as support, found {_start(support)}"
            )
        for word in words:
            self._answers.append((len(self._words), self._numbers[word], self._questions))
            self._sources.append(sources)
            self._words.append(ANSWER)
        self._questions += 1


def _start(text: str) -> str:
    """The beginning of a text, for errors."""
    return repr(text[:60] + "…" * (len(text) > 60))
