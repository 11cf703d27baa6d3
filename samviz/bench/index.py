"""Indexes against the exact scan: time of a search and of an update, and how much of the truth is found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from samviz.bench.clock import Times, Watch, figures, now, take_turns, timed
from samviz.bench.ratios import index_ratios
from samviz.bench.row import Row
from samviz.bench.searchers import (
    GRAPH,
    HEADS,
    LARGEST_GRAPH,
    READS,
    SEARCHERS,
    ExactScan,
    Searcher,
    make_searcher,
)
from samviz.bench.sizes import size_name
from samviz.bench.words import KINDS, drift, make_queries, make_words, words_of
from samviz.errors import ConfigError

Array = np.ndarray[Any, Any]

WORD_SIZE = 32
CHANGED = 17  # rows that a step changes in every head's memory: K of each head, and one that was taken
WARM = 4  # searches and updates before any is timed; the searches tell how long the others will take
ENOUGH_S = 2.0  # of searching, after which an index is not repeated
BLOCK = 1024  # drifting words of one update


@dataclass(frozen=True, kw_only=True)
class IndexPlan:
    """What to compare: kinds of index on kinds of words.

    Raises:
        ConfigError: an unknown index or kind of words.
    """

    slots: tuple[int, ...]
    indexes: tuple[str, ...] = ()  # none: all that are not too slow to build
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


class Questions(NamedTuple):
    """Searches with their true answers, and changes of rows that leave the memory as it was."""

    kind: str
    query: Array  # [Q, H, W]
    truth: Array  # [Q, H, K]
    changed: Array  # [2Q, U] slots
    words: Array  # [2Q, U, W] what they come to hold: words of other slots, then their own again


class Contestant:
    """An index that was built, and its last answers."""

    def __init__(self, name: str, searcher: Searcher) -> None:
        self.name = name
        self.searcher = searcher
        self.found = np.empty((0, HEADS, READS), np.int32)
        self.scanned = 0.0

    def search(self, queries: Array) -> Times:
        """Answer all queries [Q, H, W]."""
        self.found = np.full((len(queries), HEADS, READS), -1, np.int32)

        def work() -> None:
            self.scanned = self.searcher.search_all(queries, self.found)

        return timed(work)

    def update(self, questions: Questions) -> Times:
        """Make all changes."""
        return timed(lambda: self.searcher.update_all(questions.changed, questions.words))


def measure(plan: IndexPlan, watch: Watch) -> Iterator[Row]:
    """A row for each kind of index, kind of words and size; after each kind of words come the ratios."""
    asked = [kind for kind in KINDS if kind in plan.words]
    for slots in plan.slots:
        for held in dict.fromkeys(map(words_of, asked)):
            if watch.stop():
                return
            yield from _measure_words(plan, slots, [kind for kind in asked if words_of(kind) == held], watch)


def recall(found: Array, truth: Array) -> float:
    """Share of the true slots that are among those found, [Q, H, K] each."""
    return float((truth[..., :, None] == found[..., None, :]).any(-1).mean())


def _measure_words(plan: IndexPlan, slots: int, kinds: Sequence[str], watch: Watch) -> Iterator[Row]:
    """All that is asked of a memory with the same words in the beginning; drifted words come last."""
    words = make_words(kinds[0], slots, WORD_SIZE)
    contestants: list[Contestant] = []
    for name in plan.indexes or SEARCHERS:
        refusal = _too_slow(plan, name, slots)
        if refusal:
            yield _left_out(name, slots, kinds[0], refusal)
            continue
        watch.say(f"{size_name(slots)} slots, {kinds[0]} words: building {name}")
        others = [each.searcher for each in contestants]
        contestants.append(Contestant(name, make_searcher(name, words, others)))
    for kind in kinds:
        if watch.stop():
            return
        if kind == "drifted":
            for each in contestants:
                if not each.searcher.follows:
                    yield _left_out(each.name, slots, kind, f"{each.name} does not follow words that drift")
            contestants = [each for each in contestants if each.searcher.follows]
            _let_drift([each.searcher for each in contestants], words)
        watch.say(f"{size_name(slots)} slots, {kind} words: {', '.join(each.name for each in contestants)}")
        questions = _questions(kind, words, plan.queries)
        rows = list(_measure_kind(plan, questions, contestants, slots, watch))
        yield from rows
        yield from index_ratios(rows)


def _too_slow(plan: IndexPlan, name: str, slots: int) -> str:
    """Why an index that nobody asked for by name is not built."""
    if name != GRAPH or plan.indexes or slots <= LARGEST_GRAPH:
        return ""
    return f"above {size_name(LARGEST_GRAPH)} slots {name} is slow to build: ask for it by name"


def _let_drift(searchers: Sequence[Searcher], words: Array) -> None:
    """Move half of the words, here and in the indexes, each of which is told once."""
    moved = drift(words)
    words[moved.slots] = moved.words
    for searcher in {id(each.index): each for each in searchers}.values():
        for first in range(0, len(moved.slots), BLOCK):
            part = slice(first, first + BLOCK)
            searcher.update_all(moved.slots[None, part], moved.words[None, part])


def _questions(kind: str, words: Array, count: int) -> Questions:
    """What is asked, the truth about it by an exact scan, and rows to change."""
    query = make_queries(kind, words, count * HEADS).reshape(count, HEADS, WORD_SIZE)
    truth = np.empty((count, HEADS, READS), np.int32)
    ExactScan(words).search_all(query, truth)
    rng = np.random.default_rng(1)
    rows = min(CHANGED, len(words))
    own = np.stack([rng.choice(len(words), rows, replace=False) for _ in range(count)]).astype(np.int32)
    other = rng.integers(0, len(words), own.shape)
    changed = np.concatenate([own, own])
    return Questions(kind, query, truth, changed, words[np.concatenate([other, own])])


def _measure_kind(
    plan: IndexPlan, questions: Questions, contestants: Sequence[Contestant], slots: int, watch: Watch
) -> Iterator[Row]:
    """All indexes take turns, first in searching, then in being updated."""
    often = [_repeats(plan, each.searcher, questions) for each in contestants]
    searches = [partial(each.search, questions.query) for each in contestants]
    searched = take_turns(searches, often, watch.stop)
    often = [plan.repeats if each.searcher.follows else 0 for each in contestants]
    updated = take_turns([partial(each.update, questions) for each in contestants], often, watch.stop)
    for contestant, search, update in zip(contestants, searched, updated, strict=True):
        if search and (update or not contestant.searcher.follows):
            yield _row(plan, questions, contestant, slots, search, update)


def _repeats(plan: IndexPlan, searcher: Searcher, questions: Questions) -> int:
    """How often there is time for all searches, judged by the first few; some updates are made, too."""
    if searcher.follows:
        searcher.update_all(questions.changed[-WARM:], questions.words[-WARM:])
    few, found = questions.query[:WARM], np.empty_like(questions.truth[:WARM])
    start = now()
    searcher.search_all(few, found)
    seconds = now().since(start).cpu * len(questions.query) / len(few)
    return max(1, min(plan.repeats, int(ENOUGH_S / max(seconds, 1e-9))))


def _row(
    plan: IndexPlan,
    questions: Questions,
    contestant: Contestant,
    slots: int,
    search: list[Times],
    update: list[Times],
) -> Row:
    return Row(
        bench="index",
        model="sam",
        index=contestant.name,
        slots=slots,
        phase="search",
        words=questions.kind,
        setup_s=contestant.searcher.build.wall,
        recall=recall(contestant.found, questions.truth),
        hit=recall(contestant.found, questions.truth[..., :1]),
        scanned=contestant.scanned,
        update_us=figures(update, len(questions.changed), plan.clock)["us_per_step"] if update else None,
        **figures(search, len(questions.query), plan.clock),
    )


def _left_out(name: str, slots: int, kind: str, reason: str) -> Row:
    return Row(bench="index", model="sam", index=name, slots=slots, words=kind, left_out=reason)
