"""How fast the indexes are and how much they find: python -m tests.benchmarks.bench_index --slots 65536.

One thread, process CPU time, medians. Compare ratios of one run, never single times. A search is that of a
step, for all heads. Recall and hit are against the exact nearest words of the same memory.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.best_of import best_of
from samviz.kernels.compiled import compiled
from samviz.kernels.exact import nearest
from samviz.kernels.pages import Pages, candidate_count, element, empty_pages
from samviz.kernels.pages_build import build
from samviz.kernels.pages_search import propose
from samviz.kernels.pages_update import update
from samviz.model.faiss_index import import_faiss, inverted_lists, unit_words

Array = np.ndarray[Any, Any]

HEADS, READS, WORD = 4, 4, 32
CHANGED = 17  # rows that a step writes
LIVELY = 0.6  # length of the noise on a query for a stored word
SEARCHES = 100


class Memory(NamedTuple):
    """What is searched, and for what."""

    name: str
    words: Array  # [N, W]
    queries: Array  # [S, H, W]
    meant: Array | None  # [S, H] the slot that a query is a noisy copy of


class Row(NamedTuple):
    """One index on one memory."""

    index: str
    memory: str
    slots: int
    search_us: float  # for the queries of all heads
    recall: float  # of the K nearest, the share found
    hit: float | None  # how often the best found is the slot that was meant
    scanned: float  # words compared with each query
    update_us: float | None  # for CHANGED rows
    build_s: float | None


class Searcher(NamedTuple):
    """An index ready to be measured: functions of a whole series, so that calling them costs nothing."""

    name: str
    search: Callable[[Array], tuple[Array, float]]  # [S, H, W] -> slots [S, H, K], us per search
    update: Callable[[Array, Array], float] | None  # slots [S, n], words [S, n, W] -> us per step
    scanned: Callable[[], float]
    build_s: float | None


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What it returns, and its process CPU time in seconds."""
    start = time.process_time_ns()
    result = work(*arguments)
    return result, (time.process_time_ns() - start) / 1e9


def memories(slots: int, seed: int) -> Iterator[Memory]:
    """Random words, clustered words, and words that come in near duplicates."""
    random = np.random.default_rng(seed)

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape, dtype=np.float32)

    words = unit_words(normal(slots, WORD))
    yield Memory("random", words, normal(SEARCHES, HEADS, WORD), None)
    meant = random.integers(0, slots, (SEARCHES, HEADS))
    noise = LIVELY / np.sqrt(WORD) * normal(SEARCHES, HEADS, WORD)
    yield Memory("random, noisy copies", words, words[meant] + noise, meant)
    centres = normal(max(slots // 256, 1), WORD)
    words = centres[random.integers(0, len(centres), slots)] + 0.35 * normal(slots, WORD)
    queries = centres[random.integers(0, len(centres), (SEARCHES, HEADS))] + 0.35 * normal(
        SEARCHES, HEADS, WORD
    )
    yield Memory("clustered", words, queries, None)
    words = normal(max(slots // 4, 1), WORD)[np.arange(slots) % max(slots // 4, 1)]
    words += 0.05 * normal(slots, WORD)
    meant = random.integers(0, slots, (SEARCHES, HEADS))
    yield Memory("near duplicates", words, words[meant] + 0.01 * normal(SEARCHES, HEADS, WORD), meant)


@compiled
def _search_exactly(words: Array, norms: Array, queries: Array, slots: Array, scores: Array) -> None:
    for i in range(queries.shape[0]):
        nearest(words, norms, words.shape[0], queries[i], slots[i], scores[i])


@compiled
def _search_pages(
    pages: Pages, words: Array, norms: Array, queries: Array, candidates: Array, slots: Array, scores: Array
) -> None:
    for i in range(queries.shape[0]):
        index = element(pages, 0)
        propose(index, queries[i], candidates)
        best_of(words, norms, candidates, queries[i], slots[i], scores[i])


@compiled
def _update_pages(
    pages: Pages, words: Array, norms: Array, slots: Array, changed: Array, lengths: Array
) -> None:
    for i in range(slots.shape[0]):
        for k in range(slots.shape[1]):
            words[slots[i, k]] = changed[i, k]
            norms[slots[i, k]] = lengths[i, k]
        update(element(pages, 0), slots[i], words, norms)


def _in_series(work: Callable[[Array, Array, Array], None], queries: Array) -> tuple[Array, float]:
    """Medians of ten series; buffers are touched before."""
    slots = np.zeros((*queries.shape[:2], READS), np.int32)
    scores = np.zeros(slots.shape, np.float32)
    work(queries, slots, scores)
    times = [timed(work, part, slots, scores)[1] / len(part) for part in np.array_split(queries, 10)]
    work(queries, slots, scores)
    return slots, float(np.median(times)) * 1e6


def exact_searcher(words: Array) -> Searcher:
    """The exact scan of all heads in one pass."""
    norms = np.linalg.norm(words, axis=1)

    def search(queries: Array) -> tuple[Array, float]:
        return _in_series(lambda *a: _search_exactly(words, norms, *a), queries)

    return Searcher("exact scan", search, None, lambda: len(words), None)


def pages_searcher(words: Array) -> Searcher:
    """The pages of the sequence loop, re-ranked by true cosines."""
    words, norms = words.copy(), np.linalg.norm(words, axis=1)
    pages = empty_pages(1, len(words), words.shape[1], candidate_count(READS))
    index = element(pages, 0)
    build(index, words, norms, len(words))
    _, seconds = timed(build, index, words, norms, len(words))
    candidates = np.zeros((HEADS, candidate_count(READS)), np.int32)

    def search(queries: Array) -> tuple[Array, float]:
        return _in_series(lambda q, *out: _search_pages(pages, words, norms, q, candidates, *out), queries)

    def change(slots: Array, changed: Array) -> float:
        lengths = np.linalg.norm(changed, axis=2)
        times = [
            timed(_update_pages, pages, words, norms, *part)[1] / len(part[0])
            for part in zip(*(np.array_split(one, 10) for one in (slots, changed, lengths)), strict=True)
        ]
        return float(np.median(times)) * 1e6

    return Searcher(
        "pages",
        search,
        change,
        lambda: pages.counts.scanned[0, 0] / max(pages.counts.searches[0, 0], 1),
        seconds,
    )


def faiss_searcher(name: str, make: Callable[[Array], Any], words: Array) -> Searcher:
    """A faiss index, which `make` makes of unit words [N, W]."""
    faiss = import_faiss()
    faiss.omp_set_num_threads(1)
    index, seconds = timed(make, unit_words(words))
    lists = isinstance(index, faiss.IndexIVFFlat)
    searched = [0, 0]

    def search(queries: Array) -> tuple[Array, float]:
        unit = unit_words(queries.reshape(-1, queries.shape[2])).reshape(queries.shape)
        before = faiss.cvar.indexIVF_stats.ndis
        found = [timed(index.search, q, READS) for q in unit]
        searched[0] += faiss.cvar.indexIVF_stats.ndis - before
        searched[1] += queries.shape[0] * queries.shape[1]
        results, times = zip(*found, strict=True)
        return np.stack([result[1] for result in results]), float(np.median(times)) * 1e6

    def change(slots: Array, changed: Array) -> float:
        unit = unit_words(changed.reshape(-1, changed.shape[2])).reshape(changed.shape)
        ids = slots.astype(np.int64)
        times = [timed(index.update_vectors, *part)[1] for part in zip(ids, unit, strict=True)]
        return float(np.median(times)) * 1e6

    def scanned() -> float:
        return searched[0] / max(searched[1], 1) if lists else len(words)

    return Searcher(name, search, change if lists else None, scanned, seconds)


def flat(words: Array) -> Any:
    """The exact scan of faiss."""
    index = import_faiss().IndexFlatIP(words.shape[1])
    index.add(words)
    return index


def graph(words: Array) -> Any:
    """A small-world graph, which can grow but not follow changes."""
    faiss = import_faiss()
    index = faiss.IndexHNSWFlat(words.shape[1], 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efSearch = 64
    index.add(words)
    return index


def searchers(words: Array, probes: tuple[int, ...], static: bool) -> Iterator[Searcher]:
    """Our indexes and those of faiss; the static ones cannot follow a memory."""
    yield exact_searcher(words)
    yield pages_searcher(words)
    for count in probes:
        yield faiss_searcher(
            f"faiss IVFFlat, {count} probes", lambda unit, count=count: inverted_lists(unit, count), words
        )
    if static:
        yield faiss_searcher("faiss Flat", flat, words)
        yield faiss_searcher("faiss HNSW16, ef 64", graph, words)


def truth(memory: Memory, words: Array) -> Array:
    """The exact nearest slots [S, H, K]."""
    queries = memory.queries.reshape(-1, words.shape[1])
    slots = flat(unit_words(words)).search(unit_words(queries), READS)[1]
    return slots.reshape(*memory.queries.shape[:2], READS)  # type: ignore[no-any-return]


def recall(found: Array, expected: Array) -> float:
    """The share of the expected slots that were found, wherever in the row."""
    return float((found[..., None] == expected[..., None, :]).any(axis=-2).mean())


def measure(searcher: Searcher, memory: Memory, expected: Array, update_us: float | None = None) -> Row:
    """Search for all queries of a memory."""
    slots, us = searcher.search(memory.queries)
    hit = None if memory.meant is None else float((slots[..., 0] == memory.meant).mean())
    size = len(memory.words)
    return Row(
        searcher.name, memory.name, size, us, recall(slots, expected), hit, searcher.scanned(), update_us,
        searcher.build_s,
    )  # fmt: skip


def update_time(searcher: Searcher, size: int, words: int, seed: int) -> float | None:
    """Microseconds to change CHANGED random rows; changes the index."""
    if searcher.update is None:
        return None
    random = np.random.default_rng(seed)
    changed = random.standard_normal((SEARCHES, CHANGED, words), dtype=np.float32)
    return searcher.update(random.integers(0, size, (SEARCHES, CHANGED), np.int32), changed)


def bench(slots: int, probes: tuple[int, ...], static: bool, seed: int = 0) -> Iterator[Row]:
    """All indexes on all memories of that size, a row each as soon as it is measured."""
    for memory in memories(slots, seed):
        expected = truth(memory, memory.words)
        for searcher in searchers(memory.words, probes, static):
            row = measure(searcher, memory, expected)
            yield row._replace(update_us=update_time(searcher, slots, WORD, seed))


def bench_drift(slots: int, probes: tuple[int, ...], seed: int = 0) -> Iterator[Row]:
    """Indexes of random words after half of the words have moved into a tight cone, without a new build."""
    random = np.random.default_rng(seed)
    words = random.standard_normal((slots, WORD), dtype=np.float32)
    axis = random.standard_normal(WORD, dtype=np.float32)
    moved = np.arange(0, slots - slots % 2, 2, dtype=np.int32).reshape(-1, 1)
    cone = axis + 0.2 * random.standard_normal((len(moved), 1, WORD), dtype=np.float32)
    queries = axis + 0.2 * random.standard_normal((SEARCHES, HEADS, WORD), dtype=np.float32)
    after = words.copy()
    after[moved[:, 0]] = cone[:, 0]
    memory = Memory("after drift", after, queries, None)
    expected = truth(memory, after)
    for searcher in searchers(words, probes, static=False):
        if searcher.update is not None:
            searcher.update(moved, cone)
            yield measure(searcher, memory, expected)


def print_row(row: Row) -> None:
    def number(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    print(
        f"{row.slots:8d}  {row.memory:21s} {row.index:26s} {row.search_us:9.1f} us  recall {row.recall:.3f}  "
        f"hit {number(row.hit, '.3f'):5s}  scanned {row.scanned:9.0f}  "
        f"update {number(row.update_us, '.1f'):>6s} us  build {number(row.build_s, '.2f'):>6s} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, nargs="+", default=[65_536])
    parser.add_argument("--probes", type=int, nargs="+", default=[16, 64], help="of faiss IVFFlat")
    parser.add_argument("--static", action="store_true", help="faiss Flat and HNSW too: minutes at 1M")
    arguments = parser.parse_args()
    for slots in arguments.slots:
        for row in bench(slots, tuple(arguments.probes), arguments.static):
            print_row(row)
        for row in bench_drift(slots, tuple(arguments.probes)):
            print_row(row)


if __name__ == "__main__":
    main()
