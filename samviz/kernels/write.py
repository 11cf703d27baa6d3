"""The write inside the loop: erase what was accessed least recently, add every head's words (eq. 5, 8, 9)."""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import inlined
from samviz.kernels.products import add_scaled, assign, norm
from samviz.kernels.usage import take_front

Array = np.ndarray[Any, Any]


@inlined
def write(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
    """Erase the H least recently accessed slots, then add every head's words (eq. 5, 8, 9)."""
    heads, entries = journal.write_slot.shape[2:]
    words, slots, weights = memory.word[b], journal.write_slot[t, b], journal.write_weight[t, b]
    take_front(memory.after[b], slots[:, entries - 1])
    for head in range(heads):
        alpha, gamma = journal.alpha[t, b, head], journal.gamma[t, b, head]
        for k in range(entries - 1):
            slots[head, k] = journal.read_slot[t, b, head, k]
            weights[head, k] = alpha * (gamma * journal.read_weight[t, b, head, k])
        weights[head, entries - 1] = alpha * (1 - gamma)
    _keep_changed_rows(memory, journal, t, b)
    for head in range(heads):
        taken = slots[head, entries - 1]
        words[taken] = 0
        memory.live[b] = max(memory.live[b], taken + 1)
    for head in range(heads):
        for entry in range(entries):
            if slots[head, entry] >= 0:
                add_scaled(words[slots[head, entry]], weights[head, entry], journal.word[t, b, head])
    for slot in journal.changed_slot[t, b]:
        if slot < 0:
            break
        memory.norm[b, slot] = norm(words[slot])


@inlined
def _keep_changed_rows(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
    """Copy each row that the step will change, once, so that it can be put back bit for bit (paper 3.4)."""
    slots, mark, changed_slot = journal.write_slot[t, b], memory.mark[b], journal.changed_slot[t, b]
    count = 0
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            slot = slots[head, entry]
            if slot >= 0 and mark[slot] < 0:
                mark[slot] = count
                changed_slot[count] = slot
                assign(journal.other_row[t, b, count], memory.word[b, slot])
                journal.other_norm[t, b, count] = memory.norm[b, slot]
                count += 1
    for i in range(count):
        mark[changed_slot[i]] = -1
    for i in range(count, changed_slot.shape[0]):
        changed_slot[i] = -1
