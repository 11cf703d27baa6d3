"""Small matrix products inside the sequence loop: single-threaded, in a fixed order, nothing allocated."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import compiled

Array = np.ndarray[Any, Any]


@compiled
def dot(left: Array, right: Array) -> float:
    """The inner product of two vectors."""
    total = left.dtype.type(0)
    for i in range(left.shape[0]):
        total += left[i] * right[i]
    return total  # type: ignore[no-any-return]


@compiled
def norm(vector: Array) -> float:
    """The Euclidean length of a vector."""
    return np.sqrt(dot(vector, vector))  # type: ignore[no-any-return]


@compiled
def add_scaled(out: Array, scale: float, vector: Array) -> None:
    """out += scale * vector."""
    for i in range(out.shape[0]):
        out[i] += scale * vector[i]


@compiled
def add_product(out: Array, weight: Array, vectors: Array) -> None:
    """out[b] += weight @ vectors[b] for every b; each row of the weight is fetched once for the batch."""
    for row in range(weight.shape[0]):
        for b in range(vectors.shape[0]):
            out[b, row] += dot(weight[row], vectors[b])


@compiled
def add_transposed_product(out: Array, weight: Array, vectors: Array) -> None:
    """out[b] += weight.T @ vectors[b] for every b."""
    for row in range(weight.shape[0]):
        for b in range(vectors.shape[0]):
            add_scaled(out[b], vectors[b, row], weight[row])
