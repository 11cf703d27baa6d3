"""Take a window back, step by step, and put it forward again, bit for bit (paper 3.4, Figure 5).

Rows and lengths swap places with the journal's, so that undoing and redoing are the same exchange.
"""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.usage import move_back_from, move_to_back

Array = np.ndarray[Any, Any]


@inlined
def undo_step(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
    """Bring one element's words and usage back to what they were before step t of the window."""
    _swap_rows(memory, journal, t, b)
    after, before, last_access = memory.after[b], memory.before[b], memory.last_access[b]
    moved_slot, moved_from = journal.moved_slot[t, b], journal.moved_from[t, b]
    for place in range(moved_slot.shape[0] - 1, -1, -1):
        if moved_slot[place] >= 0:
            move_back_from(after, before, moved_slot[place], moved_from[place])
    _restore(last_access, journal.write_slot[t, b], journal.write_usage[t, b])
    _restore(last_access, journal.read_slot[t + 1, b], journal.read_usage[t, b])


@compiled
def redo_window(memory: MemoryArrays, journal: Journal, first_step: int) -> None:
    """Put words and usage forward to the end of a window that was undone, step by step."""
    for t in range(journal.changed_slot.shape[0]):
        for b in range(journal.changed_slot.shape[1]):
            _swap_rows(memory, journal, t, b)
            for slot in journal.moved_slot[t, b]:
                if slot < 0:
                    break
                memory.last_access[b, slot] = first_step + t
                move_to_back(memory.after[b], memory.before[b], slot)
    swap_live(memory, journal)


@inlined
def swap_live(memory: MemoryArrays, journal: Journal) -> None:
    """Exchange the numbers of live slots at the window's two ends."""
    for b in range(memory.live.shape[0]):
        memory.live[b], journal.other_live[b] = journal.other_live[b], memory.live[b]


@inlined
def _swap_rows(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
    for i in range(journal.changed_slot.shape[2]):
        slot = journal.changed_slot[t, b, i]
        if slot < 0:
            break
        row, other = memory.word[b, slot], journal.other_row[t, b, i]
        for w in range(row.shape[0]):
            row[w], other[w] = other[w], row[w]
        length = memory.norm[b, slot]
        memory.norm[b, slot] = journal.other_norm[t, b, i]
        journal.other_norm[t, b, i] = length


@inlined
def _restore(last_access: Array, slots: Array, usage: Array) -> None:
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            if slots[head, entry] >= 0:
                last_access[slots[head, entry]] = usage[head, entry]
