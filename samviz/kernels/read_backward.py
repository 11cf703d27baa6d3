"""Gradients of a read: of the words, of the modes along the links, of content (eq. 2, 4, supplement D).

No gradient passes through the links or the precedence, only along them.
"""

from typing import Any

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.compiled import inlined
from samviz.kernels.exact import COSINE_EPSILON
from samviz.kernels.gradients import Flow
from samviz.kernels.products import add_scaled, assign, dot, norm

Array = np.ndarray[Any, Any]


@inlined
def words_backward(memory: MemoryArrays, journal: Journal, t: int, b: int, head: int, flow: Flow) -> None:
    """Gradient of r = sum_i w^R(i) M(i): to the rows, and to the weights in flow.read_weight."""
    size, word = journal.cell.shape[2], journal.query.shape[3]
    grad_word = flow.joined[b, size + head * word : size + (head + 1) * word]
    slots, weights = journal.read_slot[t + 1, b, head], journal.read_weight[t + 1, b, head]
    for entry in range(slots.shape[0]):
        if slots[entry] >= 0:
            flow.read_weight[b, head, entry] += dot(grad_word, memory.word[b, slots[entry]])
            add_scaled(flow.row[memory.mark[b, slots[entry]]], weights[entry], grad_word)


@inlined
def mode_backward(
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
def content_backward(
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
