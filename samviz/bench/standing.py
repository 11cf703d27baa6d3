"""What exists once per slot, pass or no pass: memory, ring, norms, index, links."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from torch import Tensor

# The part of the memory that a state's field belongs to; a name not told here stands for itself.
PARTS = {
    "word": "memory",
    "after": "ring",
    "before": "ring",
    "last_access": "usage",
    "mark": "scratch",
    "before_slot": "links",
    "before_weight": "links",
    "after_slot": "links",
    "after_weight": "links",
    "link": "links",
    "link_matrix": "links",
    "rev_link_matrix": "links",
}


def bytes_once(state: Any, slots: int) -> dict[str, int]:
    """Bytes of each part of a state that grows with the number of slots, the largest first."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    for name, leaf in _leaves(state, ""):
        address, size = _place(leaf)
        if address in seen or not _per_slot(leaf, slots):
            continue
        seen.add(address)
        part = PARTS.get(name, name)
        found[part] = found.get(part, 0) + size
    return dict(sorted(found.items(), key=_by_size, reverse=True))


def _by_size(part: tuple[str, int]) -> int:
    return part[1]


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Tensors, arrays and whatever else says its size, under the name of the innermost field."""
    if isinstance(value, Tensor | np.ndarray):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, str(key))
    elif hasattr(value, "_asdict"):
        yield from _leaves(value._asdict(), name)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), field.name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner, name)
    elif hasattr(value, "nbytes"):
        yield name, value


def _place(leaf: Any) -> tuple[int, int]:
    if isinstance(leaf, Tensor):
        return leaf.untyped_storage().data_ptr(), leaf.untyped_storage().nbytes()
    return (leaf.ctypes.data if isinstance(leaf, np.ndarray) else id(leaf)), int(leaf.nbytes)


def _per_slot(leaf: Any, slots: int) -> bool:
    """Whether a leaf has an axis of N or, with the ring's head, N + 1; what only tells its size has."""
    shape = getattr(leaf, "shape", None)
    return shape is None or any(size in (slots, slots + 1) for size in shape)
