"""The controller inside the loop: an LSTM step and the interface that it emits (paper 3.3)."""

from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal
from samviz.kernels.compiled import inlined
from samviz.kernels.products import add_product, assign

Array = np.ndarray[Any, Any]


class Weights(NamedTuple):
    """The weights that the loop itself needs; the input's share of the LSTM gates comes ready-made."""

    from_hidden: Any  # [4D, D]
    from_read: Any  # [4D, H*W]
    interface: Any  # [P, D], P numbers a step
    interface_bias: Any  # [P]


@inlined
def run_controller(weights: Weights, input_gates: Array, journal: Journal, t: int, interface: Array) -> None:
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
def split_interface(interface: Array, journal: Journal, t: int, b: int) -> None:
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
def _sigmoid(x: float) -> float:
    return 1 / (1 + np.exp(-x))  # type: ignore[no-any-return]


@inlined
def _softplus(x: float) -> float:
    return max(x, 0) + np.log1p(np.exp(-abs(x)))  # type: ignore[no-any-return]


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
