"""Indexes against the exact scan: time of a search and of an update, and how much of the truth is found."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from samviz.bench.clock import Times, Watch, figures, now, take_turns, timed
from samviz.bench.row import Row
from samviz.bench.searchers import SEARCHERS, ExactScan, Searcher
from samviz.bench.sizes import size_name
from samviz.bench.words import KINDS, drift_target, make_words, noisy_copies
from samviz.errors import ConfigError

Array = np.ndarray[Any, Any]

HEADS, READS, WORD_SIZE = 4, 4, 32
CHANGED = 17  # rows that a step changes in every head's memory: K of each head, and one that was taken


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """What to compare: kinds of index on kinds of words.

    Raises:
        ConfigError: an unknown index or kind of words.
    """

    slots: tuple[int, ...]
    indexes: tuple[str, ...] = tuple(SEARCHERS)
    words: tuple[str, ...] = KINDS
    queries: int = 64  # searches of 4 queries each
    repeats: int = 5
    clock: str = "cpu"

    def __post_init__(self) -> None:
        for what, given, known in (
            ("indexes", self.indexes, tuple(SEARCHERS)),
            ("words", self.words, KINDS),
        ):
            for name in given:
                if name not in known:
                    raise ConfigError(f"{what} must be of {', '.join(known)}, found {name!r}")


@dataclass
class Contestant:
    """An index that was built and, where words drift, has seen them drift."""

    name: str
    searcher: Searcher
    build: Times


@dataclass(frozen=True)
class Questions:
    """Searches with their true answers, and changes of rows."""

    query: Array  # [Q, H, W] noisy copies of stored words
    truth: Array  # [Q, H, K]
    changed: Array  # [Q, U] slots
    words: Array  # [N, W] what they hold

    def search_all(self, searcher: Searcher, found: Array) -> None:
        """Fill found, [Q, H, K]."""
        scores = np.empty((HEADS, READS), np.float32)
        for query, slots in zip(self.query, found, strict=True):
            searcher.search(query, slots, scores)

    def update_all(self, searcher: Searcher) -> None:
        """Tell the searcher the same words once more."""
        for slots in self.changed:
            searcher.update(slots, self.words[slots])


def measure(plan: IndexPlan, watch: Watch) -> Iterator[Row]:
    """A row for each kind of index, kind of words and size."""
    for slots in plan.slots:
        for kind in plan.words:
            if watch.stop():
                return
            yield from _measure_words(plan, slots, kind, watch)


def _measure_words(plan: IndexPlan, slots: int, kind: str, watch: Watch) -> Iterator[Row]:
    words = make_words(kind, slots, WORD_SIZE)
    final = drift_target(words) if kind == "drifted" else words
    questions = _questions(final, plan.queries)
    contestants = []
    for name in plan.indexes:
        watch.say(f"{size_name(slots)} slots, {kind} words: building {name}")
        contestants.append(_build(name, words, final))
    found = [np.empty_like(questions.truth) for _ in contestants]
    searches = [
        partial(timed, partial(questions.search_all, contestant.searcher, slots_found))
        for contestant, slots_found in zip(contestants, found, strict=True)
    ]
    updates = [partial(timed, partial(questions.update_all, each.searcher)) for each in contestants]
    watch.say(f"{size_name(slots)} slots, {kind} words: {', '.join(plan.indexes)}")
    repeats = [plan.repeats] * len(contestants)
    searched = take_turns(searches, repeats, watch.stop)
    updated = take_turns(updates, repeats, watch.stop)
    for contestant, hits, search, update in zip(contestants, found, searched, updated, strict=True):
        if search and update:
            yield _row(plan, kind, questions, contestant, hits, search, update)


def _build(name: str, words: Array, final: Array) -> Contestant:
    """Build an index on the words and, row by row as a model would, let them become others."""
    start = now()
    searcher = SEARCHERS[name](words)
    build = now().since(start)
    if final is not words:
        order = np.random.default_rng(0).permutation(len(words))
        for first in range(0, len(order), CHANGED):
            rows = order[first : first + CHANGED]
            searcher.update(rows, final[rows])
    return Contestant(name, searcher, build)


def _questions(words: Array, count: int) -> Questions:
    """Noisy copies of stored words, and the truth about them by an exact scan."""
    query = noisy_copies(words, count * HEADS)
    rng = np.random.default_rng(1)
    rows = min(CHANGED, len(words))
    changed = np.stack([rng.choice(len(words), rows, replace=False) for _ in range(count)])
    questions = Questions(
        query=query.reshape(count, HEADS, WORD_SIZE),
        truth=np.empty((count, HEADS, READS), np.int32),
        changed=changed,
        words=words,
    )
    questions.search_all(ExactScan(words), questions.truth)
    return questions


def recall(found: Array, truth: Array) -> float:
    """Share of the true slots that are among those found, [Q, H, K] each."""
    return float((truth[..., :, None] == found[..., None, :]).any(-1).mean())


def _row(
    plan: IndexPlan,
    kind: str,
    questions: Questions,
    contestant: Contestant,
    found: Array,
    search: list[Times],
    update: list[Times],
) -> Row:
    count = len(questions.query)
    return Row(
        bench="index",
        model="sam",
        index=contestant.name,
        slots=len(questions.words),
        phase="search",
        words=kind,
        setup_s=contestant.build.wall,
        recall=recall(found, questions.truth),
        hit=recall(found, questions.truth[..., :1]),
        update_us=figures(update, count, plan.clock)["us_per_step"],
        **figures(search, count, plan.clock),
    )
