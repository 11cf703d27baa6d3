"""Counting bytes: known allocations, what exists once per slot, and what models are expected to need."""

from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from samviz.bench import budget
from samviz.bench.clock import Watch
from samviz.bench.memory import MemoryPlan, measure
from samviz.bench.standing import bytes_once
from samviz.bench.subjects import Entry, Sizes
from samviz.bench.tracker import LiveBytes, peak_bytes
from samviz.model.buffers import pool
from tests.bench.stand_ins import use_toys

QUIET = Watch(lambda _: None, lambda: False)


def test_the_peak_is_of_what_lives_at_once() -> None:
    def work() -> None:
        first = torch.zeros(1000)
        second = torch.zeros(500)
        del first
        third = torch.zeros(900)
        del second, third

    assert peak_bytes(work) == 4 * 1500


def test_everything_is_freed_in_the_end() -> None:
    counted = LiveBytes()
    with counted:
        kept = torch.zeros(10) + 1
        assert counted.live == 40
        del kept
    assert counted.live == 0
    assert counted.peak == 80


def test_views_changes_in_place_and_older_tensors_cost_nothing() -> None:
    old = torch.zeros(8, 8)

    def work() -> None:
        old.add_(1)
        old.view(64)[3:].mul_(2)
        old.detach().t()

    assert peak_bytes(work) == 0


def test_what_autograd_saves_is_counted_to_the_end_of_the_pass() -> None:
    leaf = torch.zeros(1000, requires_grad=True)

    def chain(length: int) -> int:
        def work() -> None:
            value = leaf
            for _ in range(length):
                value = value.exp()  # saves its result
            value.sum().backward()

        leaf.grad = None
        return peak_bytes(work)

    assert chain(12) - chain(2) == 10 * 4000


def test_lent_buffers_are_added() -> None:
    shape = [((1000,), torch.float32)]
    assert peak_bytes(lambda: (torch.zeros(10), pool.lend(shape))) == 40 + 4032  # whole lines


class Ring(NamedTuple):
    after: np.ndarray
    before: np.ndarray


class State(NamedTuple):
    word: Tensor
    ring: Ring
    hidden: Tensor
    index: list[SimpleNamespace]


def test_what_exists_once_per_slot_is_told_by_part() -> None:
    word = torch.zeros(1, 64, 4)
    ring = Ring(np.zeros((1, 65), np.int32), np.zeros((1, 65), np.int32))
    state = State(word, ring, torch.zeros(1, 100), [SimpleNamespace(nbytes=9000)])
    assert bytes_once(state, 64) == {"index": 9000, "memory": 1024, "ring": 520}


def test_a_dense_model_grows_with_slots_and_steps_and_a_sparse_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_toys(monkeypatch)

    def above(model: str, slots: int, steps: int) -> int:
        plan = MemoryPlan(models=(model,), slots=(slots,), steps=steps, max_bytes=2**30)
        (row,) = measure(plan, QUIET)
        assert row.once == {"": slots * 128} or row.once == {}
        assert row.bytes is not None
        return row.bytes

    assert above("sam", 1024, 4) == above("sam", 64, 4)
    per_step = above("dam", 1024, 6) - above("dam", 1024, 5)
    assert per_step >= 1024 * 32 * 4
    assert above("dam", 2048, 6) > 1.8 * above("dam", 1024, 6)


def test_what_does_not_fit_is_told_from_a_shorter_window(monkeypatch: pytest.MonkeyPatch) -> None:
    use_toys(monkeypatch)
    (whole,) = measure(MemoryPlan(models=("dam",), slots=(1024,), steps=40, max_bytes=2**30), QUIET)
    (told,) = measure(MemoryPlan(models=("dam",), slots=(1024,), steps=40, max_bytes=8e6), QUIET)
    assert whole.counted_steps == 0
    assert 4 <= told.counted_steps < 40
    assert told.bytes == pytest.approx(whole.bytes, rel=0.02)


def test_need_is_foretold_from_small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    use_toys(monkeypatch)
    need = budget.need_of(Entry("dam"), Sizes(2048, 2))
    assert need.step > 2 * 2048 * 32 * 4
    assert need.standing > 2 * 2048 * 32 * 4
    window = budget.fitting(Entry("dam"), Sizes(2048, 2), 100, 2e7)
    assert 1 <= window.steps < 100
    assert "needs" in budget.fitting(Entry("dam"), Sizes(2**20, 8), 100, 2e7).refusal


def test_growth_with_the_square_is_noticed() -> None:
    assert budget._grown(256.0**2, 512.0**2, 4096) == 4096.0**2
    assert budget._grown(256.0, 512.0, 4096) == 4096.0
    assert budget._grown(7.0, 7.0, 2**20) == 7.0


def test_the_ratios_follow_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    use_toys(monkeypatch)
    plan = MemoryPlan(models=("sam", "dam", "ntm"), slots=(64,), steps=3, max_bytes=2**30)
    rows = list(measure(plan, QUIET))
    assert [row.model for row in rows if row.bytes] == ["sam", "dam"]
    assert [row.left_out for row in rows if row.left_out] == ["no model named ntm in this build"]
    assert [(row.against, row.phase) for row in rows if row.ratio] == [("dam", "above"), ("dam", "total")]
