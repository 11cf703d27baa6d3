"""The gradients that a backward pass carries and fills."""

from typing import Any, NamedTuple


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
