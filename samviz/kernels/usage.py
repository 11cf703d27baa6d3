"""Which slots were accessed least recently: a circular doubly linked list (paper 3.2 and supplement A.3).

The list holds all N slots, oldest access first. `after[i]` and `before[i]` are the neighbours of slot i and
position N is the list's head, so `after[N]` is the least recently accessed slot and `before[N]` the most
recently accessed one. Everything here is O(1) in N.
"""

from typing import Any

import numpy as np

from samviz.kernels.compiled import inlined, inlined_exactly

Array = np.ndarray[Any, Any]


@inlined
def take_front(after: Array, taken: Array) -> None:
    """Write the H least recently accessed slots into `taken` [H], oldest first, leaving the list as it is."""
    slot = after[after.shape[0] - 1]
    for head in range(taken.shape[0]):
        taken[head] = slot
        slot = after[slot]


@inlined
def move_to_back(after: Array, before: Array, slot: int) -> None:
    """Make `slot` the most recently accessed one."""
    end = after.shape[0] - 1
    after[before[slot]] = after[slot]
    before[after[slot]] = before[slot]
    newest = before[end]
    after[newest] = slot
    before[slot] = newest
    after[slot] = end
    before[end] = slot


@inlined
def note_last_access(last_access: Array, slots: Array, usage: Array) -> None:
    """Copy each entry's last access before this step into `usage`; -1 where there is no entry."""
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            slot = slots[head, entry]
            usage[head, entry] = last_access[slot] if slot >= 0 else -1


@inlined_exactly
def merged_weight(slots: Array, weights: Array, entry: int) -> float:
    """One head's weight at the slot of `entry`: the sum, in order, over the entries that name the slot."""
    total = weights.dtype.type(0)
    for other in range(slots.shape[0]):
        if slots[other] == slots[entry]:
            total += weights[other]
    return total  # type: ignore[no-any-return]


@inlined
def move_back_from(after: Array, before: Array, slot: int, neighbour: int) -> None:
    """Undo `move_to_back`: put the most recently accessed slot back behind the neighbour it had."""
    end = after.shape[0] - 1
    before[end] = before[slot]
    after[before[slot]] = end
    before[slot], after[slot] = neighbour, after[neighbour]
    before[after[neighbour]] = slot
    after[neighbour] = slot


@inlined
def access(
    after: Array,
    before: Array,
    last_access: Array,
    slots: Array,
    weights: Array,
    delta: float,
    step: int,
    moved_slot: Array,
    moved_from: Array,
    moved: int,
) -> int:
    """Move every slot that a head accessed with a merged weight above delta to the back, in entry order.

    Args:
        slots: [H, E], -1 where there is no entry.
        weights: [H, E].
        moved_slot, moved_from: where to note each move and the neighbour before it, from place `moved` on.

    Returns:
        the place after the last move.
    """
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            slot = slots[head, entry]
            if slot >= 0 and merged_weight(slots[head], weights[head], entry) > delta:
                moved_slot[moved], moved_from[moved] = slot, before[slot]
                moved += 1
                last_access[slot] = step
                move_to_back(after, before, slot)
    return moved


def fresh_ring(slots: int) -> tuple[Array, Array]:
    """The list in slot order, as (after, before), each [N + 1] int32."""
    after = np.roll(np.arange(slots + 1, dtype=np.int32), -1)
    before = np.roll(np.arange(slots + 1, dtype=np.int32), 1)
    return after, before


def ring_order(after: Array) -> list[int]:
    """All slots, least recently accessed first: O(N), for looking, never inside a step."""
    order, slot, end = [], int(after[-1]), len(after) - 1
    while slot != end:
        order.append(slot)
        slot = int(after[slot])
    return order


def ring_from_order(order: list[int]) -> tuple[Array, Array]:
    """The list that holds the slots in the given order, as (after, before)."""
    circle = np.array([len(order), *order], dtype=np.int32)
    after, before = np.empty_like(circle), np.empty_like(circle)
    after[circle] = np.roll(circle, -1)
    before[circle] = np.roll(circle, 1)
    return after, before
