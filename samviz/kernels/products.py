"""Small matrix products inside the sequence loop: single-threaded, in a fixed order, nothing allocated."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import inlined

Array = np.ndarray[Any, Any]


@inlined
def dot(left: Array, right: Array) -> float:
    """The inner product of two vectors."""
    total = left.dtype.type(0)
    for i in range(left.shape[0]):
        total += left[i] * right[i]
    return total  # type: ignore[no-any-return]


@inlined
def norm(vector: Array) -> float:
    """The Euclidean length of a vector."""
    return np.sqrt(dot(vector, vector))  # type: ignore[no-any-return]


@inlined
def assign(out: Array, vector: Array) -> None:
    """out = vector. Numba's own assignment brings the text of an error along, slow to compile."""
    for i in range(out.shape[0]):
        out[i] = vector[i]


@inlined
def add_scaled(out: Array, scale: float, vector: Array) -> None:
    """out += scale * vector."""
    for i in range(out.shape[0]):
        out[i] += scale * vector[i]


@inlined
def add_product(out: Array, weight: Array, vectors: Array, start: int) -> None:
    """out[b] += weight @ vectors[b, start:…] for every b, four rows at a time: they share the vector's loads.

    As many numbers of a vector count as the weight is wide.
    """
    rows, columns = weight.shape
    whole = rows - rows % 4
    for row in range(0, whole, 4):
        for b in range(vectors.shape[0]):
            vector = vectors[b, start : start + columns]
            first = second = third = fourth = out.dtype.type(0)
            for i in range(columns):
                first += weight[row, i] * vector[i]
                second += weight[row + 1, i] * vector[i]
                third += weight[row + 2, i] * vector[i]
                fourth += weight[row + 3, i] * vector[i]
            out[b, row] += first
            out[b, row + 1] += second
            out[b, row + 2] += third
            out[b, row + 3] += fourth
    for row in range(whole, rows):
        for b in range(vectors.shape[0]):
            out[b, row] += dot(weight[row], vectors[b, start : start + columns])


@inlined
def add_transposed_product(out: Array, start: int, weight: Array, vectors: Array) -> None:
    """out[b, start:…] += weight.T @ vectors[b] for every b, four rows at a time: they share the stores.

    As many numbers of a sum change as the weight is wide.
    """
    rows, columns = weight.shape
    whole = rows - rows % 4
    for row in range(0, whole, 4):
        for b in range(vectors.shape[0]):
            total = out[b, start : start + columns]
            first, second = vectors[b, row], vectors[b, row + 1]
            third, fourth = vectors[b, row + 2], vectors[b, row + 3]
            for i in range(columns):
                total[i] += (
                    first * weight[row, i]
                    + second * weight[row + 1, i]
                    + third * weight[row + 2, i]
                    + fourth * weight[row + 3, i]
                )
    for row in range(whole, rows):
        for b in range(vectors.shape[0]):
            add_scaled(out[b, start : start + columns], vectors[b, row], weight[row])
