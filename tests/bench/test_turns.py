"""Who is timed when, what the traffic of links looks like, and how answers of an index are judged."""

from collections.abc import Iterator

import numpy as np
import pytest

from samviz.bench import links
from samviz.bench.clock import Times, Watch, figures, take_turns
from samviz.bench.index import IndexPlan, measure, recall
from samviz.bench.links import LinksPlan, Loop, traffic
from samviz.bench.speed import SpeedPlan
from samviz.bench.speed import measure as measure_speed
from samviz.bench.subjects import Sizes
from samviz.bench.words import KINDS, drift_target, make_words
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


def test_the_exact_scan_finds_all_in_all_words() -> None:
    rows = list(measure(IndexPlan(slots=(128,), queries=4, repeats=1), QUIET))
    assert [(row.words, row.recall, row.hit) for row in rows] == [(kind, 1.0, 1.0) for kind in KINDS]
    assert all(row.update_us is not None and row.setup_s is not None for row in rows)


def test_words_are_as_their_names_say() -> None:
    lengths = {kind: np.linalg.norm(make_words(kind, 512, 32), axis=1).mean() for kind in KINDS}
    assert all(0.8 < length < 1.25 for length in lengths.values())
    words = make_words("duplicates", 512, 32)
    distance = np.linalg.norm(words[:, None] - words, axis=-1) + 10 * np.eye(512)
    assert np.median(distance.min(1)) < 0.05
    moved = drift_target(make_words("drifted", 512, 32))
    unit = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    assert (unit @ unit.T).mean() > 0.6


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
