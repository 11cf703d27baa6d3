"""SAM's backward pass over a window: walk the journal from the last step, undo each write, gather gradients.

Gradients of memory rows live in a buffer with one row per distinct touched slot, never N x W (paper 3.4).
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled
from samviz.kernels.exact import COSINE_EPSILON
from samviz.kernels.forward import Weights
from samviz.kernels.products import add_scaled, add_transposed_product, dot, norm

Array = np.ndarray[Any, Any]


class Flow(NamedTuple):
    """The gradients that travel from step t to step t-1."""

    hidden: Any  # [B, D]
    cell: Any  # [B, D]
    read_word: Any  # [B, H, W]
    read_weight: Any  # [B, H, K]
    row: Any  # [touched slots of all elements, W]


@compiled
def backward_window(
    weights: Weights,
    memory: MemoryArrays,
    journal: Journal,
    grad_hidden: Array,
    grad_read: Array,
    grad_gates: Array,
    grad_interface: Array,
) -> None:
    """Gradients of the LSTM gates and the interface at every step, leaving the memory as before the window.

    Args:
        grad_hidden: [T, B, D] and grad_read: [T, B, H, W], from the output layer.
        grad_gates: [T, B, 4D] to fill, before the squashing.
        grad_interface: [T, B, H*(2W+3)] to fill, before the squashing.
    """
    steps, batch, heads, word = grad_read.shape
    touched = _number_touched_slots(memory.mark, journal)
    flow = Flow(
        np.zeros((batch, journal.hidden.shape[2]), grad_hidden.dtype),
        np.zeros((batch, journal.hidden.shape[2]), grad_hidden.dtype),
        np.zeros((batch, heads, word), grad_hidden.dtype),
        np.zeros((batch, heads, journal.read_slot.shape[3]), grad_hidden.dtype),
        np.zeros((touched, word), grad_hidden.dtype),
    )
    for t in range(steps - 1, -1, -1):
        grad_interface[t] = 0
        for b in range(batch):
            for head in range(heads):
                add_scaled(flow.read_word[b, head], 1, grad_read[t, b, head])
                _read_backward(memory, journal, t, b, head, flow, grad_interface[t, b])
            _write_backward(memory, journal, t, b, flow, grad_interface[t, b])
            _swap_rows(memory.word[b], journal.changed_slot[t, b], journal.other_row[t, b])
            add_scaled(flow.hidden[b], 1, grad_hidden[t, b])
        add_transposed_product(flow.hidden, weights.interface, grad_interface[t])
        _controller_backward(weights, journal, t, flow, grad_gates[t])
    _forget_touched_slots(memory.mark, journal)


@compiled
def roll_forward(memory: MemoryArrays, journal: Journal) -> None:
    """Put the memory back to the end of the window, bit for bit, after `backward_window` undid it."""
    for t in range(journal.changed_slot.shape[0]):
        for b in range(journal.changed_slot.shape[1]):
            _swap_rows(memory.word[b], journal.changed_slot[t, b], journal.other_row[t, b])


@compiled
def _swap_rows(words: Array, changed_slot: Array, rows: Array) -> None:
    for i in range(changed_slot.shape[0]):
        slot = changed_slot[i]
        if slot < 0:
            break
        for w in range(rows.shape[1]):
            words[slot, w], rows[i, w] = rows[i, w], words[slot, w]


@compiled
def _number_touched_slots(mark: Array, journal: Journal) -> int:
    """Give every slot that the window read or wrote a row number of its own, in `mark`."""
    count = 0
    for t in range(journal.write_slot.shape[0]):
        for b in range(mark.shape[0]):
            count = _number_slots(mark[b], journal.write_slot[t, b], count)
            count = _number_slots(mark[b], journal.read_slot[t + 1, b], count)
    return count


@compiled
def _number_slots(mark: Array, slots: Array, count: int) -> int:
    for slot in slots.flat:
        if slot >= 0 and mark[slot] < 0:
            mark[slot] = count
            count += 1
    return count


@compiled
def _forget_touched_slots(mark: Array, journal: Journal) -> None:
    for t in range(journal.write_slot.shape[0]):
        for b in range(mark.shape[0]):
            for slot in journal.write_slot[t, b].flat:
                mark[b, max(slot, 0)] = -1
            for slot in journal.read_slot[t + 1, b].flat:
                mark[b, max(slot, 0)] = -1


@compiled
def _read_backward(
    memory: MemoryArrays, journal: Journal, t: int, b: int, head: int, flow: Flow, grad_interface: Array
) -> None:
    """Gradients of eq. 2 and 4: to the query, the strength and the K rows that were read."""
    word = journal.query.shape[3]
    start = head * (2 * word + 3)
    query, beta = journal.query[t, b, head], journal.beta[t, b, head]
    slots, weights = journal.read_slot[t + 1, b, head], journal.read_weight[t + 1, b, head]
    grad_word, grad_weight = flow.read_word[b, head], flow.read_weight[b, head]
    mean = weights.dtype.type(0)
    for k in range(slots.shape[0]):
        if slots[k] >= 0:
            grad_weight[k] += dot(grad_word, memory.word[b, slots[k]])
            mean += weights[k] * grad_weight[k]
            add_scaled(flow.row[memory.mark[b, slots[k]]], weights[k], grad_word)
    grad_beta = weights.dtype.type(0)
    for k in range(slots.shape[0]):
        if slots[k] >= 0:
            grad_logit = weights[k] * (grad_weight[k] - mean)
            grad_beta += grad_logit * journal.read_score[t, b, head, k]
            _cosine_backward(
                query,
                memory.word[b, slots[k]],
                beta * grad_logit,
                grad_interface[start : start + word],
                flow.row[memory.mark[b, slots[k]]],
            )
    # beta = 1 + softplus(x), whose slope sigmoid(x) is 1 - exp(-softplus(x))
    grad_interface[start + 2 * word + 2] = -np.expm1(1 - beta) * grad_beta


@compiled
def _cosine_backward(query: Array, row: Array, grad: float, grad_query: Array, grad_row: Array) -> None:
    """Gradient of q.m / (|q||m| + 1e-6); a zero row or query passes none."""
    query_norm, row_norm = norm(query), norm(row)
    if query_norm == 0 or row_norm == 0:
        return
    bound = query_norm * row_norm + query.dtype.type(COSINE_EPSILON)
    shrink = dot(query, row) / (bound * bound)
    add_scaled(grad_query, grad / bound, row)
    add_scaled(grad_query, -grad * shrink * row_norm / query_norm, query)
    add_scaled(grad_row, grad / bound, query)
    add_scaled(grad_row, -grad * shrink * query_norm / row_norm, row)


@compiled
def _write_backward(
    memory: MemoryArrays, journal: Journal, t: int, b: int, flow: Flow, grad_interface: Array
) -> None:
    """Gradients of eq. 5, 8 and 9: to the words, the gates and the previous read weights."""
    heads, entries = journal.write_slot.shape[2:]
    word = journal.word.shape[3]
    for head in range(heads):
        start = head * (2 * word + 3)
        slots, weights = journal.write_slot[t, b, head], journal.write_weight[t, b, head]
        alpha, gamma = journal.alpha[t, b, head], journal.gamma[t, b, head]
        through_reads = weights.dtype.type(0)
        grad = weights.dtype.type(0)
        for entry in range(entries):
            grad = weights.dtype.type(0)
            if slots[entry] >= 0:
                grad_row = flow.row[memory.mark[b, slots[entry]]]
                grad = dot(grad_row, journal.word[t, b, head])
                add_scaled(grad_interface[start + word : start + 2 * word], weights[entry], grad_row)
            if entry < entries - 1:
                through_reads += grad * journal.read_weight[t, b, head, entry]
                flow.read_weight[b, head, entry] = alpha * gamma * grad
        grad_alpha = gamma * through_reads + (1 - gamma) * grad
        grad_gamma = alpha * (through_reads - grad)
        grad_interface[start + 2 * word] = grad_alpha * alpha * (1 - alpha)
        grad_interface[start + 2 * word + 1] = grad_gamma * gamma * (1 - gamma)
    for head in range(heads):
        flow.row[memory.mark[b, journal.write_slot[t, b, head, entries - 1]]] = 0


@compiled
def _controller_backward(weights: Weights, journal: Journal, t: int, flow: Flow, grad_gates: Array) -> None:
    """Gradients of the LSTM; the flow then holds those of step t-1."""
    batch, size = flow.hidden.shape
    gates = journal.lstm_gates[t]
    for b in range(batch):
        for d in range(size):
            put_in, keep = gates[b, d], gates[b, size + d]
            candidate, let_out = gates[b, 2 * size + d], gates[b, 3 * size + d]
            squashed = np.tanh(journal.cell[t + 1, b, d])
            grad_hidden = flow.hidden[b, d]
            grad_cell = flow.cell[b, d] + grad_hidden * let_out * (1 - squashed * squashed)
            grad_gates[b, d] = grad_cell * candidate * put_in * (1 - put_in)
            grad_gates[b, size + d] = grad_cell * journal.cell[t, b, d] * keep * (1 - keep)
            grad_gates[b, 2 * size + d] = grad_cell * put_in * (1 - candidate * candidate)
            grad_gates[b, 3 * size + d] = grad_hidden * squashed * let_out * (1 - let_out)
            flow.cell[b, d] = grad_cell * keep
    flow.hidden[:] = 0
    flow.read_word[:] = 0
    heads, word = flow.read_word.shape[1:]
    add_transposed_product(flow.hidden, weights.from_hidden, grad_gates)
    add_transposed_product(flow.read_word.reshape(batch, heads * word), weights.from_read, grad_gates)
