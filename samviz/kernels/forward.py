"""The forward pass of SAM and SDNC over a whole window as one compiled loop that writes the journal.

The equations are those of model/reference.py; the memory is changed in place. Shape legend: T B H N W K R L,
D hidden, E = R + 1 write entries.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, LinkArrays, MemoryArrays
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.content import choose_slots, search, weigh_content
from samviz.kernels.controller import Weights, run_controller, split_interface
from samviz.kernels.mixed_read import follow_links, link_room
from samviz.kernels.pages import Pages
from samviz.kernels.products import add_scaled, assign
from samviz.kernels.usage import access, note_last_access
from samviz.kernels.write import write

Array = np.ndarray[Any, Any]

WHOLE, FIRST_HALF, SECOND_HALF = 0, 1, 2


class Span(NamedTuple):
    """Steps first..last-1 of a window; in halves where an index outside the loop proposes between them."""

    first: int
    last: int
    half: int = WHOLE


@compiled
def forward_window(
    weights: Weights,
    input_gates: Array,
    memory: MemoryArrays,
    links: LinkArrays,
    pages: Pages,
    candidates: Array,
    journal: Journal,
    delta: float,
    first_step: int,
    span: Span,
) -> None:
    """Run steps: controller, write, links, read, usage. Row 0 of the journal holds the window's start.

    Args:
        input_gates: [T, B, 4D] the inputs' share of the LSTM gates, bias included.
        pages: the index, or an empty one to look at all live slots.
        candidates: [B, H, C] int32, what the index proposes; to fill, or filled by whoever runs half steps.
        delta: access threshold, in the memory's own precision.
        first_step: the model's step counter at the window's first step.
        span: which steps to run, and whether only their first or second half.
    """
    batch = input_gates.shape[1]
    interface = np.empty((batch, weights.interface.shape[0]), input_gates.dtype)
    room = link_room(links, journal)
    if span.first == 0 and span.half != SECOND_HALF:
        assign(journal.other_live, memory.live)
    for t in range(span.first, span.last):
        if span.half != SECOND_HALF:
            run_controller(weights, input_gates[t], journal, t, interface)
        for b in range(batch):
            if span.half != SECOND_HALF:
                split_interface(interface[b], journal, t, b)
                write(memory, journal, t, b)
            if span.half == FIRST_HALF:
                continue
            if span.half == WHOLE:
                search(memory, pages, candidates, journal, t, b)
            else:
                choose_slots(memory, candidates, journal, t, b)
            weigh_content(journal, t, b)
            if links.precedence_slot.shape[2] > 0:
                follow_links(memory, links, journal, t, b, room)
            read_words(memory, journal, t, b)
            note_usage(memory, journal, t, b, delta, first_step + t)


@inlined
def read_words(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
    """The weighted sum of the words that each head reads."""
    heads, word = journal.query.shape[2:]
    size = journal.cell.shape[2]
    for head in range(heads):
        read_word = journal.joined[t + 1, b, size + head * word : size + (head + 1) * word]
        read_word[:] = 0
        for entry in range(journal.read_slot.shape[3]):
            slot = journal.read_slot[t + 1, b, head, entry]
            if slot >= 0:
                add_scaled(read_word, journal.read_weight[t + 1, b, head, entry], memory.word[b, slot])


@inlined
def note_usage(memory: MemoryArrays, journal: Journal, t: int, b: int, delta: float, step: int) -> None:
    """Log when this step's slots were last accessed, then count this step's own accesses: writes, reads."""
    after, before, last_access = memory.after[b], memory.before[b], memory.last_access[b]
    write_slot, write_weight = journal.write_slot[t, b], journal.write_weight[t, b]
    read_slot, read_weight = journal.read_slot[t + 1, b], journal.read_weight[t + 1, b]
    moved_slot, moved_from = journal.moved_slot[t, b], journal.moved_from[t, b]
    note_last_access(last_access, write_slot, journal.write_usage[t, b])
    note_last_access(last_access, read_slot, journal.read_usage[t, b])
    moved = access(
        after, before, last_access, write_slot, write_weight, delta, step, moved_slot, moved_from, 0
    )
    moved = access(
        after, before, last_access, read_slot, read_weight, delta, step, moved_slot, moved_from, moved
    )
    moved_slot[moved:] = -1
