"""What the journal leaves implicit: the content of every written slot after each step."""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled
from samviz.kernels.products import assign

Array = np.ndarray[Any, Any]


@compiled
def rows_after(memory: MemoryArrays, journal: Journal, row: Array) -> None:
    """Fill `row` [T, B, H, E, W] with each written slot's content at the end of its step; 0 for no entry.

    The journal keeps rows as they were before a change. A row after one change is the row before the slot's
    next change, or what the memory holds now: walk back from the end and remember the latest of either.
    """
    steps, batch, heads, entries = journal.write_slot.shape
    for b in range(batch):
        mark = memory.mark[b]  # the later step that changed a slot, packed with its place there
        places = journal.changed_slot.shape[2]
        for t in range(steps - 1, -1, -1):
            for head in range(heads):
                for entry in range(entries):
                    slot = journal.write_slot[t, b, head, entry]
                    if slot < 0:
                        row[t, b, head, entry] = 0
                    elif mark[slot] < 0:
                        assign(row[t, b, head, entry], memory.word[b, slot])
                    else:
                        later, place = mark[slot] // places, mark[slot] % places
                        assign(row[t, b, head, entry], journal.other_row[later, b, place])
            for place in range(places):
                if journal.changed_slot[t, b, place] >= 0:
                    mark[journal.changed_slot[t, b, place]] = t * places + place
        for t in range(steps):
            for slot in journal.changed_slot[t, b]:
                mark[max(slot, 0)] = -1
