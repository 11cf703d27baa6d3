"""What a sparse memory did, step by step: the model's journal, handed to whoever asks."""

from typing import NamedTuple

import torch
from torch import Tensor


class Events(NamedTuple):
    """Everything one window of T steps did to the memory, detached from the graph.

    In a dense model every slot is an entry: entry i is slot i. What means nothing in a model is None.

    Steps are counted by the model from the start of its memory (`state.step`), slots from 0;
    a slot of -1 marks an unused entry, whose weight is 0.

    Shape legend: T steps, B batch, H heads, K reads, R read entries, L links per slot, W word size.
    """

    read_slot: Tensor  # [T, B, H, R] int32
    read_weight: Tensor  # [T, B, H, R]
    read_score: Tensor  # [T, B, H, R] cosine of query and word, 0 where there is no entry, NaN where
    # a link alone led
    read_query: Tensor  # [T, B, H, W]
    read_word: Tensor  # [T, B, H, W]
    read_usage: Tensor  # [T, B, H, R] int32, step of the access before this one, -1 never
    write_slot: Tensor  # [T, B, H, R+1] int32, the least recently accessed slot last
    write_weight: Tensor  # [T, B, H, R+1]
    write_row: Tensor  # [T, B, H, R+1, W] the slot's content at the end of the step
    write_word: Tensor  # [T, B, H, W] the word a that each head wrote
    write_usage: Tensor  # [T, B, H, R+1] int32
    alpha: Tensor | None = None  # [T, B, H] write gate
    gamma: Tensor | None = None  # [T, B, H] interpolation gate of previous reads and least recently used slot
    beta: Tensor | None = None  # [T, B, H] read strength
    mode: Tensor | None = None  # [T, B, H, 3] shares of backward, content and forward in the read
    # of an SDNC alone:
    precedence_slot: Tensor | None = None  # [T, B, H, L] int32, at the end of the step, largest first
    precedence_weight: Tensor | None = None  # [T, B, H, L]
    forward_slot: Tensor | None = None  # [T, B, H, K] int32, where links led from the previous read
    forward_weight: Tensor | None = None  # [T, B, H, K], before the mode gate
    backward_slot: Tensor | None = None  # [T, B, H, K] int32
    backward_weight: Tensor | None = None  # [T, B, H, K]


def stacked(steps: list[Events]) -> Events:
    """The events of T steps as one, detached from the graph."""
    fields = zip(*steps, strict=True)
    return Events(*(None if field[0] is None else torch.stack(field).detach() for field in fields))  # type: ignore[arg-type]
