"""The journal of a window: all that is needed to undo it, differentiate it and show it.

It holds O(1) numbers a step in N. Arrays with T + 1 rows begin with what the window started from.
Shape legend: T steps, B batch, H heads, K reads, E = K + 1 write entries, W word size, D hidden.
"""

import torch
from torch import Tensor

from samviz.kernels.arrays import Journal
from samviz.model.config import SAMConfig


def arrays(journal: Journal) -> Journal:
    """The same memory as numpy arrays, which is what kernels take."""
    return Journal(*(tensor.numpy() for tensor in journal))


def empty_journal(steps: int, batch: int, config: SAMConfig, dtype: torch.dtype) -> Journal:
    """A journal for a window of `steps`, its contents still undefined."""
    heads, reads, entries, word = config.heads, config.read_entries, config.write_entries, config.word_size

    def floats(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=dtype)

    def slots(*shape: int) -> Tensor:
        return torch.empty(shape, dtype=torch.int32)

    return Journal(
        hidden=floats(steps + 1, batch, config.hidden_size),
        cell=floats(steps + 1, batch, config.hidden_size),
        lstm_gates=floats(steps, batch, 4 * config.hidden_size),
        query=floats(steps, batch, heads, word),
        word=floats(steps, batch, heads, word),
        alpha=floats(steps, batch, heads),
        gamma=floats(steps, batch, heads),
        beta=floats(steps, batch, heads),
        read_slot=slots(steps + 1, batch, heads, reads),
        read_weight=floats(steps + 1, batch, heads, reads),
        read_word=floats(steps + 1, batch, heads, word),
        read_score=floats(steps, batch, heads, reads),
        read_usage=slots(steps, batch, heads, reads),
        write_slot=slots(steps, batch, heads, entries),
        write_weight=floats(steps, batch, heads, entries),
        write_usage=slots(steps, batch, heads, entries),
        changed_slot=slots(steps, batch, heads * entries),
        other_row=floats(steps, batch, heads * entries, word),
    )
