"""SAM's forward pass over a whole window as one compiled loop that writes the journal.

The equations are those of reference.py; the memory is changed in place. Shape legend: T B H N W K, D hidden,
E = K + 1 write entries.
"""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import compiled
from samviz.kernels.exact import nearest
from samviz.kernels.products import add_product, add_scaled, norm
from samviz.kernels.usage import access, note_last_access, take_front

Array = np.ndarray[Any, Any]


class Weights(NamedTuple):
    """The weights that the loop itself needs; the input's share of the LSTM gates comes ready-made."""

    from_read: Any  # [4D, H*W]
    from_hidden: Any  # [4D, D]
    interface: Any  # [H*(2W+3), D]
    interface_bias: Any  # [H*(2W+3)]


@compiled
def forward_window(
    weights: Weights,
    input_gates: Array,
    memory: MemoryArrays,
    journal: Journal,
    delta: float,
    first_step: int,
) -> None:
    """Run T steps: controller, write, read, usage. Row 0 of the journal holds what the window starts from.

    Args:
        input_gates: [T, B, 4D] the inputs' share of the LSTM gates, bias included.
        delta: access threshold, in the memory's own precision.
        first_step: the model's step counter at the window's first step.
    """
    steps, batch = input_gates.shape[:2]
    interface = np.empty((batch, weights.interface.shape[0]), input_gates.dtype)
    for t in range(steps):
        _controller(weights, input_gates[t], journal, t, interface)
        for b in range(batch):
            _split_interface(interface[b], journal, t, b)
            _write(memory, journal, t, b)
            _read(memory, journal, t, b)
            _note_usage(memory, journal, t, b, delta, first_step + t)


@compiled
def _sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))  # type: ignore[no-any-return]


@compiled
def _softplus(x: float) -> float:
    return max(x, 0) + np.log1p(np.exp(-abs(x)))  # type: ignore[no-any-return]


@compiled
def _controller(weights: Weights, input_gates: Array, journal: Journal, t: int, interface: Array) -> None:
    """LSTM of [x_t ; r_{t-1}], then the linear interface (paper 3.3)."""
    batch, size = journal.hidden.shape[1:]
    gates = journal.lstm_gates[t]  # [B, 4D]
    gates[:] = input_gates
    heads, word = journal.read_word.shape[2:]
    add_product(gates, weights.from_read, journal.read_word[t].reshape(batch, heads * word))
    add_product(gates, weights.from_hidden, journal.hidden[t])
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
            journal.hidden[t + 1, b, d] = let_out * np.tanh(cell)
        interface[b] = weights.interface_bias
    add_product(interface, weights.interface, journal.hidden[t + 1])


@compiled
def _split_interface(interface: Array, journal: Journal, t: int, b: int) -> None:
    """Per head: query (W), write word (W), write gate, interpolation gate, read strength."""
    heads, word = journal.query.shape[2:]
    for head in range(heads):
        start = head * (2 * word + 3)
        journal.query[t, b, head] = interface[start : start + word]
        journal.word[t, b, head] = interface[start + word : start + 2 * word]
        journal.alpha[t, b, head] = _sigmoid(interface[start + 2 * word])
        journal.gamma[t, b, head] = _sigmoid(interface[start + 2 * word + 1])
        journal.beta[t, b, head] = 1 + _softplus(interface[start + 2 * word + 2])


@compiled
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
    _keep_changed_rows(words, memory.mark[b], slots, journal.changed_slot[t, b], journal.other_row[t, b])
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


@compiled
def _keep_changed_rows(words: Array, mark: Array, slots: Array, changed_slot: Array, rows: Array) -> None:
    """Copy each row that the step will change, once, so that it can be put back bit for bit (paper 3.4)."""
    count = 0
    for head in range(slots.shape[0]):
        for entry in range(slots.shape[1]):
            slot = slots[head, entry]
            if slot >= 0 and mark[slot] < 0:
                mark[slot] = count
                changed_slot[count] = slot
                rows[count] = words[slot]
                count += 1
    for i in range(count):
        mark[changed_slot[i]] = -1
    for i in range(count, changed_slot.shape[0]):
        changed_slot[i] = -1
        rows[i] = 0


@compiled
def _read(memory: MemoryArrays, journal: Journal, t: int, b: int) -> None:
    """Softmax over the K nearest live words, and their weighted sum (eq. 2, 4)."""
    heads, reads = journal.read_slot.shape[2:]
    slots, weights = journal.read_slot[t + 1, b], journal.read_weight[t + 1, b]
    scores, read_word = journal.read_score[t, b], journal.read_word[t + 1, b]
    nearest(memory.word[b], memory.norm[b], memory.live[b], journal.query[t, b], slots, scores)
    for head in range(heads):
        beta = journal.beta[t, b, head]
        total = scores.dtype.type(0)
        for k in range(reads):
            if slots[head, k] >= 0:
                weights[head, k] = np.exp(beta * (scores[head, k] - scores[head, 0]))
                total += weights[head, k]
            else:
                weights[head, k] = 0
        read_word[head] = 0
        for k in range(reads):
            if slots[head, k] >= 0:
                weights[head, k] /= total
                add_scaled(read_word[head], weights[head, k], memory.word[b, slots[head, k]])


@compiled
def _note_usage(memory: MemoryArrays, journal: Journal, t: int, b: int, delta: float, step: int) -> None:
    """Log when this step's slots were last accessed, then count this step's own accesses: writes, reads."""
    after, before, last_access = memory.after[b], memory.before[b], memory.last_access[b]
    write_slot, write_weight = journal.write_slot[t, b], journal.write_weight[t, b]
    read_slot, read_weight = journal.read_slot[t + 1, b], journal.read_weight[t + 1, b]
    note_last_access(last_access, write_slot, journal.write_usage[t, b])
    note_last_access(last_access, read_slot, journal.read_usage[t, b])
    access(after, before, last_access, write_slot, write_weight, delta, step)
    access(after, before, last_access, read_slot, read_weight, delta, step)
