"""The backward pass over a window: walk the journal from the last step, undo each write, gather gradients.

Gradients of memory rows live in a buffer with one row per distinct touched slot, never N x W (paper 3.4).
No gradient passes through the links or the precedence (supplement D), only along them.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.exact import COSINE_EPSILON
from samviz.kernels.forward import Weights
from samviz.kernels.products import add_scaled, add_transposed_product, assign, dot, norm
from samviz.kernels.undo import swap_live, undo_step

Array = np.ndarray[Any, Any]


class Flow(NamedTuple):
    """The gradients that travel from step t to step t-1."""

    joined: Any  # [B, D + H*W]
    cell: Any  # [B, D]
    read_weight: Any  # [B, H, R]
    row: Any  # [touched slots of all elements, W]


class Gradients(NamedTuple):
    """What comes in from the output layer, and what goes out before the squashing."""

    joined: Any  # [T, B, D + H*W], in
    gates: Any  # [T, B, 4D] to fill
    interface: Any  # [T, B, P] to fill


@compiled
def number_touched_slots(mark: Array, journal: Journal) -> int:
    """Give every slot that the window read or wrote a row number of its own, in `mark`; returns how many."""
    count = 0
    for t in range(journal.write_slot.shape[0]):
        for b in range(mark.shape[0]):
            count = _number_slots(mark[b], journal.write_slot[t, b], count)
            count = _number_slots(mark[b], journal.read_slot[t + 1, b], count)
    return count


@compiled
def backward_window(
    weights: Weights, memory: MemoryArrays, journal: Journal, flow: Flow, gradients: Gradients
) -> None:
    """Gradients of the LSTM gates and the interface at every step, leaving the memory as before the window.

    Args:
        memory: its `mark` numbers the touched slots; all -1 afterwards.
        flow: all 0.
    """
    steps, batch = gradients.gates.shape[:2]
    heads, reads = journal.content_slot.shape[2:]
    grad_content = np.empty(reads, flow.cell.dtype)
    for t in range(steps - 1, -1, -1):
        gradients.interface[t] = 0
        for b in range(batch):
            add_scaled(flow.joined[b], 1, gradients.joined[t, b])
            for head in range(heads):
                _words_backward(memory, journal, t, b, head, flow)
                _mode_backward(journal, t, b, head, flow, grad_content, gradients.interface[t, b])
                _content_backward(memory, journal, t, b, head, grad_content, flow, gradients.interface[t, b])
            _write_backward(memory, journal, t, b, flow, gradients.interface[t, b])
            undo_step(memory, journal, t, b)
        add_transposed_product(flow.joined, 0, weights.interface, gradients.interface[t])
        _controller_backward(weights, journal, t, flow, gradients.gates[t])
    swap_live(memory, journal)
    _forget_touched_slots(memory.mark, journal)


@inlined
def _number_slots(mark: Array, slots: Array, count: int) -> int:
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            slot = slots[head, entry]
            if slot >= 0 and mark[slot] < 0:
                mark[slot] = count
                count += 1
    return count


@inlined
def _forget_touched_slots(mark: Array, journal: Journal) -> None:
    for t in range(journal.write_slot.shape[0]):
        for b in range(mark.shape[0]):
            _forget_slots(mark[b], journal.write_slot[t, b])
            _forget_slots(mark[b], journal.read_slot[t + 1, b])


@inlined
def _forget_slots(mark: Array, slots: Array) -> None:
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            mark[max(slots[head, entry], 0)] = -1


@inlined
def _words_backward(memory: MemoryArrays, journal: Journal, t: int, b: int, head: int, flow: Flow) -> None:
    """Gradient of r = sum_i w^R(i) M(i): to the rows, and to the weights in flow.read_weight."""
    size, word = journal.cell.shape[2], journal.query.shape[3]
    grad_word = flow.joined[b, size + head * word : size + (head + 1) * word]
    slots, weights = journal.read_slot[t + 1, b, head], journal.read_weight[t + 1, b, head]
    for entry in range(slots.shape[0]):
        if slots[entry] >= 0:
            flow.read_weight[b, head, entry] += dot(grad_word, memory.word[b, slots[entry]])
            add_scaled(flow.row[memory.mark[b, slots[entry]]], weights[entry], grad_word)


@inlined
def _mode_backward(
    journal: Journal, t: int, b: int, head: int, flow: Flow, grad_content: Array, grad_interface: Array
) -> None:
    """Gradient of w^R = pi_b b + pi_c c + pi_f f: to c, to pi, and along the links to w^R_{t-1}."""
    grad_read = flow.read_weight[b, head]
    if journal.mode.shape[3] == 0:  # a SAM reads by content alone
        assign(grad_content, grad_read)
        grad_read[:] = 0
        return
    slots, mode = journal.read_slot[t + 1, b, head], journal.mode[t, b, head]
    start = head * (grad_interface.shape[0] // journal.mode.shape[2]) + 2 * journal.query.shape[3] + 3
    grad_mode = grad_interface[start : start + 3]
    before = np.zeros_like(grad_read)  # of w^R_{t-1}
    for k in range(grad_content.shape[0]):
        grad = _gradient_at(slots, grad_read, journal.content_slot[t, b, head, k])
        grad_content[k] = mode[1] * grad
        grad_mode[1] += journal.content_weight[t, b, head, k] * grad
        grad = _gradient_at(slots, grad_read, journal.forward_slot[t, b, head, k])
        add_scaled(before, mode[2] * grad, journal.forward_link[t, b, head, k])
        grad_mode[2] += journal.forward_weight[t, b, head, k] * grad
        grad = _gradient_at(slots, grad_read, journal.backward_slot[t, b, head, k])
        add_scaled(before, mode[0] * grad, journal.backward_link[t, b, head, k])
        grad_mode[0] += journal.backward_weight[t, b, head, k] * grad
    mean = dot(mode, grad_mode)
    for i in range(3):
        grad_mode[i] = mode[i] * (grad_mode[i] - mean)
    assign(grad_read, before)


@inlined
def _gradient_at(slots: Array, grad: Array, slot: int) -> float:
    """The gradient of the read weight at a slot; 0 for no slot."""
    if slot >= 0:
        for entry in range(slots.shape[0]):
            if slots[entry] == slot:
                return grad[entry]  # type: ignore[no-any-return]
    return grad.dtype.type(0)  # type: ignore[no-any-return]


@inlined
def _content_backward(
    memory: MemoryArrays,
    journal: Journal,
    t: int,
    b: int,
    head: int,
    grad_weight: Array,
    flow: Flow,
    grad_interface: Array,
) -> None:
    """Gradients of eq. 2 and 4: to the query, the strength and the K rows that were found."""
    word = journal.query.shape[3]
    start = head * (grad_interface.shape[0] // journal.query.shape[2])
    query, beta = journal.query[t, b, head], journal.beta[t, b, head]
    slots, weights = journal.content_slot[t, b, head], journal.content_weight[t, b, head]
    mean = weights.dtype.type(0)
    for k in range(slots.shape[0]):
        if slots[k] >= 0:
            mean += weights[k] * grad_weight[k]
    grad_beta = weights.dtype.type(0)
    for k in range(slots.shape[0]):
        if slots[k] >= 0:
            grad_logit = weights[k] * (grad_weight[k] - mean)
            grad_beta += grad_logit * journal.content_score[t, b, head, k]
            _cosine_backward(
                query,
                memory.word[b, slots[k]],
                beta * grad_logit,
                grad_interface[start : start + word],
                flow.row[memory.mark[b, slots[k]]],
            )
    # beta = 1 + softplus(x), whose slope sigmoid(x) is 1 - exp(-softplus(x))
    grad_interface[start + 2 * word + 2] = -np.expm1(1 - beta) * grad_beta


@inlined
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


@inlined
def _write_backward(
    memory: MemoryArrays, journal: Journal, t: int, b: int, flow: Flow, grad_interface: Array
) -> None:
    """Gradients of eq. 5, 8 and 9: to the words, the gates and the previous read weights."""
    heads, entries = journal.write_slot.shape[2:]
    word = journal.word.shape[3]
    for head in range(heads):
        start = head * (grad_interface.shape[0] // heads)
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
                flow.read_weight[b, head, entry] += alpha * gamma * grad
        grad_alpha = gamma * through_reads + (1 - gamma) * grad
        grad_gamma = alpha * (through_reads - grad)
        grad_interface[start + 2 * word] = grad_alpha * alpha * (1 - alpha)
        grad_interface[start + 2 * word + 1] = grad_gamma * gamma * (1 - gamma)
    for head in range(heads):
        flow.row[memory.mark[b, journal.write_slot[t, b, head, entries - 1]]] = 0


@inlined
def _controller_backward(weights: Weights, journal: Journal, t: int, flow: Flow, grad_gates: Array) -> None:
    """Gradients of the LSTM; the flow then holds those of step t-1."""
    batch, size = flow.cell.shape
    gates = journal.lstm_gates[t]
    for b in range(batch):
        for d in range(size):
            put_in, keep = gates[b, d], gates[b, size + d]
            candidate, let_out = gates[b, 2 * size + d], gates[b, 3 * size + d]
            squashed = np.tanh(journal.cell[t + 1, b, d])
            grad_hidden = flow.joined[b, d]
            grad_cell = flow.cell[b, d] + grad_hidden * let_out * (1 - squashed * squashed)
            grad_gates[b, d] = grad_cell * candidate * put_in * (1 - put_in)
            grad_gates[b, size + d] = grad_cell * journal.cell[t, b, d] * keep * (1 - keep)
            grad_gates[b, 2 * size + d] = grad_cell * put_in * (1 - candidate * candidate)
            grad_gates[b, 3 * size + d] = grad_hidden * squashed * let_out * (1 - let_out)
            flow.cell[b, d] = grad_cell * keep
    flow.joined[:] = 0
    add_transposed_product(flow.joined, 0, weights.from_hidden, grad_gates)
    add_transposed_product(flow.joined, size, weights.from_read, grad_gates)
