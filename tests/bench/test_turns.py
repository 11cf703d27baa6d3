"""Who is timed when, what the traffic of links looks like, and how answers of an index are judged."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from samviz.bench import index, links
from samviz.bench.clock import Times, Watch, figures, take_turns
from samviz.bench.index import IndexPlan, measure, recall
from samviz.bench.links import LinksPlan, Loop, traffic
from samviz.bench.searchers import SEARCHERS, make_searcher
from samviz.bench.speed import SpeedPlan
from samviz.bench.speed import measure as measure_speed
from samviz.bench.subjects import Sizes
from samviz.bench.words import KINDS, drift, make_queries, make_words
from tests.bench.stand_ins import use_toys

QUIET = Watch(lambda _: None, lambda: False)


def test_contestants_take_turns_in_alternating_order() -> None:
    order: list[str] = []
    samples = take_turns([lambda: order.append("a"), lambda: order.append("b")], [3, 2], stop=lambda: False)
    assert order == ["a", "b", "b", "a", "a"]
    assert [len(own) for own in samples] == [3, 2]


def test_a_stop_keeps_what_was_measured() -> None:
    answers: Iterator[bool] = iter([False, False, False, True])
    samples = take_turns([lambda: 1, lambda: 2], [5, 5], stop=lambda: next(answers))
    assert samples == [[1], [2, 2]]


def test_figures_are_per_step_in_microseconds() -> None:
    found = figures([Times(1e-3, 4e-3), Times(3e-3, 5e-3), Times(2e-3, 9e-3)], 10, "cpu")
    assert {name: round(value, 9) for name, value in found.items()} == {
        "repeats": 3,
        "us_per_step": 200.0,
        "us_min": 100.0,
        "us_max": 300.0,
        "wall_us_per_step": 500.0,
    }
    assert figures([Times(1e-3, 4e-3)], 10, "wall")["us_per_step"] == pytest.approx(400)


def test_speed_gives_both_phases_and_leaves_out_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    use_toys(monkeypatch)
    plan = SpeedPlan(
        models=("sam", "dam", "ntm"),
        slots=(64,),
        batches=(2,),
        indexes=("exact", "auto", "hnsw"),
        steps=3,
        repeats=2,
        max_bytes=2**30,
    )
    rows = list(measure_speed(plan, QUIET))
    measured = [(row.model, row.index, row.phase) for row in rows if row.repeats]
    assert measured == [
        (model, index, phase)
        for model, index in (("sam", "exact"), ("sam", "auto"), ("dam", ""))
        for phase in ("forward", "forward+backward")
    ]
    assert all(row.us_min <= row.us_per_step <= row.us_max for row in rows if row.repeats)
    assert [row.left_out for row in rows if row.left_out] == [
        "index must be one of auto, exact, found 'hnsw'",
        "no model named ntm in this build",
    ]
    assert [(row.index, row.against) for row in rows if row.ratio] == [("exact", "dam"), ("auto", "dam")]


def test_recall_is_the_share_of_the_true_slots() -> None:
    truth = np.array([[[1, 2, 3, 4]]])
    assert recall(np.array([[[4, 3, 9, 8]]]), truth) == 0.5
    assert recall(truth, truth) == 1.0
    assert recall(np.array([[[9, 1, 8, 7]]]), truth[..., :1]) == 1.0


INDEX = IndexPlan(slots=(256,), queries=4, repeats=2)


def test_every_index_is_judged_on_all_words_that_it_can_follow() -> None:
    rows = list(measure(INDEX, QUIET))
    measured = [(row.index, row.words) for row in rows if row.repeats]
    left_out = [(row.index, row.words) for row in rows if row.left_out]
    assert left_out == [("faiss-flat", "drifted"), ("faiss-hnsw", "drifted")]
    assert sorted(measured + left_out) == sorted((name, kind) for name in SEARCHERS for kind in KINDS)
    for row in rows:
        if row.index in ("exact", "faiss-flat") and row.repeats:
            assert (row.recall, row.hit, row.scanned) == (1.0, 1.0, 256)
        if row.repeats:
            assert (row.update_us is not None) == (row.index not in ("faiss-flat", "faiss-hnsw"))


def test_pages_are_compared_with_each_index_of_faiss() -> None:
    rows = list(measure(replace(INDEX, indexes=("pages", "faiss", "faiss-64"), words=("copies",)), QUIET))
    pages, sixteen, more, *ratios = rows
    assert [(row.index, row.against) for row in ratios] == [("pages", "faiss"), ("pages", "faiss-64")]
    for ratio, other in zip(ratios, (sixteen, more), strict=True):
        assert (ratio.recall, ratio.against_recall) == (pages.recall, other.recall)
        assert ratio.ratio == other.us_per_step / pages.us_per_step
        assert ratio.update_ratio == other.update_us / pages.update_us


def test_a_graph_of_many_words_is_built_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "LARGEST_GRAPH", 128)
    plan = replace(INDEX, words=("random",))
    assert [row.index for row in measure(plan, QUIET) if row.left_out] == ["faiss-hnsw"]
    (row,) = measure(replace(plan, indexes=("faiss-hnsw",)), QUIET)
    assert row.repeats == 2


@pytest.mark.parametrize("name", [name for name in SEARCHERS if name not in ("faiss-flat", "faiss-hnsw")])
def test_an_updated_index_finds_the_new_words(name: str) -> None:
    words = make_words("random", 256, 32)
    searcher = SEARCHERS[name](words)
    changed = np.arange(16, dtype=np.int32).reshape(2, 8)
    others = make_words("random", 16, 32).reshape(2, 8, 32)
    searcher.update_all(changed, others)
    found = np.zeros((4, 4, 4), np.int32)
    searcher.search_all(others.reshape(4, 4, 32), found)
    assert found[..., 0].ravel().tolist() == list(range(16))


def test_inverted_lists_are_shared_and_probed_apart() -> None:
    words = make_words("random", 2048, 32)
    few = make_searcher("faiss", words, [])
    many = make_searcher("faiss-64", words, [few])
    assert many.index is few.index
    found = np.zeros((4, 4, 4), np.int32)
    queries = make_queries("random", words, 16).reshape(4, 4, 32)
    assert few.search_all(queries, found) < many.search_all(queries, found) <= 2048
    assert few.search_all(queries, found) < 2048


def test_words_are_as_their_names_say() -> None:
    lengths = {kind: np.linalg.norm(make_words(kind, 512, 32), axis=1).mean() for kind in KINDS}
    assert all(0.8 < length < 1.25 for length in lengths.values())
    words = make_words("duplicates", 512, 32)
    distance = np.linalg.norm(words[:, None] - words, axis=-1) + 10 * np.eye(512)
    assert np.median(distance.min(1)) < 0.05


def test_half_of_the_words_drift_into_a_cone_and_are_asked_for() -> None:
    words = make_words("drifted", 512, 32)
    moved = drift(words)
    assert moved.slots.tolist() == list(range(0, 512, 2))
    for cone in (moved.words, make_queries("drifted", words, 64)):
        unit = cone / np.linalg.norm(cone, axis=1, keepdims=True)
        assert (unit @ unit.T).min() > 0.8


def test_the_traffic_of_links_is_that_of_an_sdnc() -> None:
    steps = traffic(slots=256, first=100, steps=50, sizes=Sizes(256, 1))
    assert steps.taken.ravel().tolist() == [slot % 256 for slot in range(400, 600)]
    assert steps.content_slot.shape == (50, 4, 4)
    assert 0 <= steps.content_slot.min() <= steps.content_slot.max() < 256
    assert np.allclose(steps.content_weight.sum(-1), 1, atol=1e-5)
    assert np.allclose(steps.mode.sum(-1), 1, atol=1e-5)


def test_links_are_warm_before_they_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[int] = []
    loop = Loop(lambda *_: None, lambda tables, steps: ran.append(int(steps.taken[0, 0])))
    monkeypatch.setattr(links, "compiled_loop", lambda: loop)
    plan = LinksPlan(slots=(64,), steps=10, warm_steps=30, repeats=2)
    (row,) = links.measure(plan, QUIET)
    assert ran == [0, 4 * 30 % 64, 4 * 40 % 64]
    assert (row.model, row.steps, row.repeats) == ("sdnc", 10, 2)
