"""The forward pass of SAM and SDNC over a whole window as one compiled loop that writes the journal.

The equations are those of model/reference.py; the memory is changed in place. Shape legend: T B H N W K R L,
D hidden, E = R + 1 write entries.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, LinkArrays, MemoryArrays
from samviz.kernels.best_of import best_of
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.exact import nearest
from samviz.kernels.links import (
    FollowScratch,
    LinkScratch,
    Table,
    advance_links,
    follow,
    follow_scratch,
    link_scratch,
)
from samviz.kernels.pages import EXACT_BELOW, Pages, element, needs_build
from samviz.kernels.pages_build import build
from samviz.kernels.pages_search import propose
from samviz.kernels.pages_update import update
from samviz.kernels.products import add_product, add_scaled, assign, norm
from samviz.kernels.usage import access, note_last_access, take_front

Array = np.ndarray[Any, Any]


class Weights(NamedTuple):
    """The weights that the loop itself needs; the input's share of the LSTM gates comes ready-made."""

    from_hidden: Any  # [4D, D]
    from_read: Any  # [4D, H*W]
    interface: Any  # [P, D], P numbers a step
    interface_bias: Any  # [P]


WHOLE, FIRST_HALF, SECOND_HALF = 0, 1, 2


class Span(NamedTuple):
    """Steps first..last-1 of a window; in halves where an index outside the loop proposes between them."""

    first: int
    last: int
    half: int = WHOLE


class Scratch(NamedTuple):
    """Room to work in, for one step."""

    interface: Any  # [B, P]
    link: LinkScratch
    follow: FollowScratch


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
    entries, reads = journal.write_slot.shape[3], journal.read_slot.shape[3]
    interface = np.empty((batch, weights.interface.shape[0]), input_gates.dtype)
    scratch = Scratch(interface, link_scratch(links, entries), follow_scratch(links, reads))
    if span.first == 0 and span.half != SECOND_HALF:
        assign(journal.other_live, memory.live)
    for t in range(span.first, span.last):
        if span.half != SECOND_HALF:
            _controller(weights, input_gates[t], journal, t, scratch.interface)
        for b in range(batch):
            if span.half != SECOND_HALF:
                _split_interface(scratch.interface[b], journal, t, b)
                _write(memory, journal, t, b)
            if span.half == FIRST_HALF:
                continue
            if span.half == WHOLE:
                _search(memory, pages, candidates, journal, t, b)
            else:
                _choose(memory, candidates, journal, t, b)
            _weigh_content(journal, t, b)
            if links.precedence_slot.shape[2] > 0:
                _link(memory, links, journal, t, b, scratch)
            _read_words(memory, journal, t, b)
            _note_usage(memory, journal, t, b, delta, first_step + t)


@inlined
def _sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))  # type: ignore[no-any-return]


@inlined
def _softplus(x: float) -> float:
    return max(x, 0) + np.log1p(np.exp(-abs(x)))  # type: ignore[no-any-return]


@inlined
def _controller(weights: Weights, input_gates: Array, journal: Journal, t: int, interface: Array) -> None:
    """LSTM of [x_t ; r_{t-1}], then the linear interface (paper 3.3)."""
    batch, size = journal.cell.shape[1:]
    gates = journal.lstm_gates[t]  # [B, 4D]
    for b in range(batch):
        assign(gates[b], input_gates[b])
    add_product(gates, weights.from_hidden, journal.joined[t], 0)
    add_product(gates, weights.from_read, journal.joined[t], size)
    for b in range(batch):
        for d in range(size):
            put_in = _sigmoid(gates[b, d])
            keep = _sigmoid(gates[b, size + d])
            candidate = np.tanh(gates[b, 2 * size + d])
            let_out = _sigmoid(gates[b, 3 * size + d])
            cell = keep * journal.cell[t, b, d] + put_in * candidate
            gates[b, d] = put_in
            gates[b, size + d] = keep
            gates[b, 2 * size + d] = candidate
            gates[b, 3 * size + d] = let_out
            journal.cell[t + 1, b, d] = cell
            journal.joined[t + 1, b, d] = let_out * np.tanh(cell)
        assign(interface[b], weights.interface_bias)
    add_product(interface, weights.interface, journal.joined[t + 1], 0)


@inlined
def _split_interface(interface: Array, journal: Journal, t: int, b: int) -> None:
    """Per head: query (W), write word (W), write gate, interpolation gate, read strength, read mode."""
    heads, word = journal.query.shape[2:]
    size = interface.shape[0] // heads
    for head in range(heads):
        start = head * size
        assign(journal.query[t, b, head], interface[start : start + word])
        assign(journal.word[t, b, head], interface[start + word : start + 2 * word])
        journal.alpha[t, b, head] = _sigmoid(interface[start + 2 * word])
        journal.gamma[t, b, head] = _sigmoid(interface[start + 2 * word + 1])
        journal.beta[t, b, head] = 1 + _softplus(interface[start + 2 * word + 2])
        if journal.mode.shape[3] > 0:
            _softmax(interface[start + 2 * word + 3 : start + size], journal.mode[t, b, head])


@inlined
def _softmax(logits: Array, weights: Array) -> None:
    largest = logits[0]
    for i in range(1, logits.shape[0]):
        largest = max(largest, logits[i])
    total = weights.dtype.type(0)
    for i in range(logits.shape[0]):
        weights[i] = np.exp(logits[i] - largest)
        total += weights[i]
    for i in range(logits.shape[0]):
        weights[i] /= total


@inlined
def _write(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
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


@compiled
def _search(memory: MemoryArrays, pages: Pages, candidates: Array, journal: Journal, t: int, b: int) -> None:
    """Find each head's K nearest live slots, among all or among what the index proposes (paper 3.5)."""
    words, norms, live = memory.word[b], memory.norm[b], memory.live[b]
    if pages.lists.place.shape[1] > 0:
        index = element(pages, b)
        update(index, journal.changed_slot[t, b], words, norms)
        if needs_build(index, live):
            build(index, words, norms, live)
        if live > EXACT_BELOW:
            propose(index, journal.query[t, b], candidates[b])
            _choose(memory, candidates, journal, t, b)
            return
    slots, scores = journal.content_slot[t, b], journal.content_score[t, b]
    nearest(words, norms, live, journal.query[t, b], slots, scores)


@inlined
def _choose(memory: MemoryArrays, candidates: Array, journal: Journal, t: int, b: int) -> None:
    """The K nearest among the candidates."""
    slots, scores = journal.content_slot[t, b], journal.content_score[t, b]
    best_of(memory.word[b], memory.norm[b], candidates[b], journal.query[t, b], slots, scores)


@inlined
def _weigh_content(journal: Journal, t: int, b: int) -> None:
    """Softmax of strength times cosine over the K slots found (eq. 2, 4)."""
    heads, reads = journal.content_slot.shape[2:]
    slots, weights = journal.content_slot[t, b], journal.content_weight[t, b]
    scores = journal.content_score[t, b]
    for head in range(heads):
        beta = journal.beta[t, b, head]
        total = scores.dtype.type(0)
        for k in range(reads):
            if slots[head, k] >= 0:
                weights[head, k] = np.exp(beta * (scores[head, k] - scores[head, 0]))
                total += weights[head, k]
            else:
                weights[head, k] = 0
        for k in range(reads):
            if slots[head, k] >= 0:
                weights[head, k] /= total


@compiled
def _link(
    memory: MemoryArrays, links: LinkArrays, journal: Journal, t: int, b: int, scratch: Scratch
) -> None:
    """Bring the links up to date, follow them from the last read, and mix both with the content read."""
    mark = memory.mark[b]
    advance_links(links, b, journal.write_slot[t, b], journal.write_weight[t, b], mark, scratch.link)
    for head in range(journal.mode.shape[2]):
        assign(journal.precedence_slot[t, b, head], links.precedence_slot[b, head])
        assign(journal.precedence_weight[t, b, head], links.precedence_weight[b, head])
        slots, weights = journal.read_slot[t, b, head], journal.read_weight[t, b, head]
        follow(
            Table(links.after_slot[b, head], links.after_weight[b, head]),
            slots,
            weights,
            mark,
            scratch.follow,
            journal.forward_slot[t, b, head],
            journal.forward_weight[t, b, head],
            journal.forward_link[t, b, head],
        )
        follow(
            Table(links.before_slot[b, head], links.before_weight[b, head]),
            slots,
            weights,
            mark,
            scratch.follow,
            journal.backward_slot[t, b, head],
            journal.backward_weight[t, b, head],
            journal.backward_link[t, b, head],
        )
        _mix(journal, t, b, head)


@inlined
def _mix(journal: Journal, t: int, b: int, head: int) -> None:
    """w^R = pi_b b + pi_c c + pi_f f, slots merged, in the order content, forward, backward."""
    mode = journal.mode[t, b, head]
    slots, weights = journal.read_slot[t + 1, b, head], journal.read_weight[t + 1, b, head]
    scores, reads = journal.read_score[t, b, head], journal.content_slot.shape[3]
    count = 0
    for k in range(reads):
        slot = journal.content_slot[t, b, head, k]
        if slot >= 0:
            slots[count], weights[count] = slot, mode[1] * journal.content_weight[t, b, head, k]
            scores[count] = journal.content_score[t, b, head, k]
            count += 1
    for k in range(reads):
        slot, weight = journal.forward_slot[t, b, head, k], journal.forward_weight[t, b, head, k]
        count = _merge_entry(slots, weights, scores, count, slot, mode[2] * weight)
    for k in range(reads):
        slot, weight = journal.backward_slot[t, b, head, k], journal.backward_weight[t, b, head, k]
        count = _merge_entry(slots, weights, scores, count, slot, mode[0] * weight)
    for entry in range(count, slots.shape[0]):
        slots[entry], weights[entry], scores[entry] = -1, 0, 0


@inlined
def _merge_entry(slots: Array, weights: Array, scores: Array, count: int, slot: int, weight: float) -> int:
    """Add a weight to a slot's entry, or a new entry at the end; returns how many there are."""
    if slot < 0:
        return count
    for entry in range(count):
        if slots[entry] == slot:
            weights[entry] += weight
            return count
    slots[count], weights[count], scores[count] = slot, weight, np.nan
    return count + 1


@inlined
def _read_words(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
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
def _note_usage(memory: MemoryArrays, journal: Journal, t: int, b: int, delta: float, step: int) -> None:
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
