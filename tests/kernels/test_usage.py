"""The ring of least recently accessed slots: against a list, and its work against N."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.kernels import usage


class CountingArray:
    """An array that counts how often it is read or written."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.work = array, 0
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, place: object) -> object:
        self.work += 1
        return self.array[place]

    def __setitem__(self, place: object, value: object) -> None:
        self.work += 1
        self.array[place] = value


@settings(deadline=None)  # the first example may have to compile
@given(st.integers(1, 12), st.lists(st.integers(0, 11), max_size=40))
def test_the_ring_orders_slots_as_a_list_would(slots: int, accessed: list[int]) -> None:
    after, before = usage.fresh_ring(slots)
    order = list(range(slots))
    moves = []
    for slot in (s for s in accessed if s < slots):
        moves.append((slot, int(before[slot])))
        usage.move_to_back(after, before, slot)
        order.remove(slot)
        order.append(slot)
    assert usage.ring_order(after) == order
    assert usage.ring_order(before) == order[::-1]
    assert all(
        np.array_equal(*pair) for pair in zip(usage.ring_from_order(order), (after, before), strict=True)
    )
    for slot, neighbour in reversed(moves):
        usage.move_back_from(after, before, slot, neighbour)
    assert all(np.array_equal(*pair) for pair in zip(usage.fresh_ring(slots), (after, before), strict=True))


def step_work(slots: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Array accesses that the usage of one step costs, counted in the kernels' own Python code."""
    for kernel in ("move_to_back", "merged_weight"):
        monkeypatch.setattr(usage, kernel, getattr(usage, kernel).py_func)
    after, before = (CountingArray(links) for links in usage.fresh_ring(slots))
    last_access = CountingArray(np.full(slots, -1))
    heads, entries = 4, 5
    taken = np.zeros(heads, np.int32)
    usage.take_front.py_func(after, taken)
    accessed = (np.arange(heads * entries).reshape(heads, entries) * 41) % slots
    usage.note_last_access.py_func(last_access, accessed, np.zeros_like(accessed))
    moves = np.full((2, heads * entries), -1)
    weights = np.full((heads, entries), 0.2)
    usage.access.py_func(after, before, last_access, accessed, weights, 0.005, 7, *moves, 0)
    monkeypatch.undo()
    assert taken.tolist() == [0, 1, 2, 3]
    return after.work + before.work + last_access.work


def test_a_step_costs_the_same_at_a_thousand_and_a_million_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (step_work(slots, monkeypatch) for slots in (1_000, 1_000_000))
    assert small == large
    assert small < 500


def test_entries_of_one_slot_count_together() -> None:
    after, before = usage.fresh_ring(4)
    last_access = np.full(4, -1)
    slots = np.array([[2, 1, 2]])
    moved, neighbour = np.full((2, 3), -1)
    weights = np.array([[0.3, 0.4, 0.3]])
    assert usage.access(after, before, last_access, slots, weights, 0.5, 9, moved, neighbour, 0) == 2
    assert moved.tolist() == [2, 2, -1]
    assert neighbour.tolist() == [1, 3, -1]
    assert last_access.tolist() == [-1, -1, 9, -1]
    assert usage.ring_order(after) == [0, 1, 3, 2]


def test_the_same_slot_in_two_heads_is_weighed_apart() -> None:
    after, before = usage.fresh_ring(4)
    last_access = np.full(4, -1)
    slots, weights = np.array([[2], [2]]), np.array([[0.3], [0.3]])
    moved, neighbour = np.full((2, 2), -1)
    assert usage.access(after, before, last_access, slots, weights, 0.5, 9, moved, neighbour, 0) == 0
    assert (last_access == -1).all()
