"""What the sparse models lease from their pool of buffers, which no tensor count can see."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

POOL = "samviz.model.buffers"


def leased() -> int:
    """Bytes leased now."""
    return int(_pool().lent_bytes()) if has_pool() else 0


def peak() -> int:
    """Most bytes leased at once since `reset_peak`."""
    return int(_pool().most_lent_bytes()) if has_pool() else 0


def reset_peak() -> None:
    """Begin anew with what is leased now."""
    if has_pool():
        _pool().forget_most_lent()


def has_pool() -> bool:
    """Whether this build has a pool: models without one take tensors, which are counted as such."""
    return find_spec(POOL) is not None


def _pool() -> Any:
    return import_module(POOL)
