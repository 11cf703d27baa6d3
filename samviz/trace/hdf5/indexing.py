"""numpy's indexing in two halves: the box of a file that a key touches, and the selection inside the box."""

import operator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def expand(key: Any, rank: int) -> tuple[Any, ...]:
    """One key for each axis. Raises IndexError for what a column does not know or has not."""
    keys = key if isinstance(key, tuple) else (key,)
    keys = tuple(np.asarray(part) if isinstance(part, list | np.ndarray) else part for part in keys)
    if any(part is None for part in keys):
        raise IndexError("a column cannot be indexed with None; read it first")
    if any(isinstance(part, np.ndarray) and part.dtype.kind == "b" and part.ndim != 1 for part in keys):
        raise IndexError("a boolean index must have one axis")
    dots = [index for index, part in enumerate(keys) if part is Ellipsis]
    if len(dots) > 1 or len(keys) - len(dots) > rank:
        raise IndexError(f"too many indices for a column of {rank} axes")
    at = dots[0] if dots else len(keys)
    fill = (slice(None),) * (rank - len(keys) + len(dots))
    return keys[:at] + fill + keys[at + 1 :]


def narrow(key: Any, size: int) -> tuple[slice, Any]:
    """(what to read of an axis of that size, the index of the wanted part within what was read)."""
    if isinstance(key, slice):
        steps = range(*key.indices(size))
        if len(steps) == 0:
            return slice(0, 0, 1), slice(None)
        if steps.step > 0:
            return slice(steps.start, steps[-1] + 1, steps.step), slice(None)
        return slice(steps[-1], steps.start + 1, -steps.step), slice(None, None, -1)
    if isinstance(key, np.ndarray) and key.ndim > 0:
        return slice(0, size, 1), key
    index = operator.index(key)
    if not -size <= index < size:
        raise IndexError(f"index {index} is out of bounds for an axis of size {size}")
    return slice(index % size, index % size + 1, 1), 0


def narrow_array(key: Array, size: int) -> tuple[slice | Array, Array]:
    """Likewise for an integer or boolean array on the first axis, where only the rows it names are read."""
    if key.dtype == bool:
        if len(key) != size:
            raise IndexError(f"a boolean index of length {len(key)} does not fit an axis of size {size}")
        key = np.flatnonzero(key)
    if key.size == 0:
        return slice(0, 0, 1), key.astype(np.intp)
    if key.dtype.kind not in "iu":
        raise IndexError("an index array must hold integers or booleans")
    if key.min() < -size or key.max() >= size:
        raise IndexError(f"an index is out of bounds for an axis of size {size}")
    wanted, inverse = np.unique(key.astype(np.int64) % size, return_inverse=True)
    return wanted, inverse.reshape(key.shape)
