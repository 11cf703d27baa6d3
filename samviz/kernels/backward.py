"""The backward pass over a window: walk the journal from the last step, undo each write, gather gradients.

Gradients of memory rows live in a buffer with one row per distinct touched slot, never N x W (paper 3.4).
"""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled, inlined
from samviz.kernels.controller import Weights
from samviz.kernels.gradients import Flow, Gradients
from samviz.kernels.products import add_scaled, add_transposed_product, dot
from samviz.kernels.read_backward import content_backward, mode_backward, words_backward
from samviz.kernels.undo import swap_live, undo_step

Array = np.ndarray[Any, Any]


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
                words_backward(memory, journal, t, b, head, flow)
                mode_backward(journal, t, b, head, flow, grad_content, gradients.interface[t, b])
                content_backward(memory, journal, t, b, head, grad_content, flow, gradients.interface[t, b])
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
