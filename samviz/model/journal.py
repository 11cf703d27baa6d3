"""The journal of a window as tensors: all that is needed to undo it, differentiate it and show it.

It holds O(1) numbers a step in N. Shape legend: T B H W K R L, E = R + 1 write entries, D hidden.
"""

import torch

from samviz.kernels.arrays import Journal
from samviz.model.buffers import Shape, pool
from samviz.model.config import SAMConfig

_SLOTS = {
    "content_slot",
    "forward_slot",
    "backward_slot",
    "precedence_slot",
    "read_slot",
    "read_usage",
    "write_slot",
    "write_usage",
    "changed_slot",
    "moved_slot",
    "moved_from",
}


def arrays(journal: Journal) -> Journal:
    """The same memory as numpy arrays, which is what kernels take."""
    return Journal(*(tensor.numpy() for tensor in journal))


def empty_journal(steps: int, batch: int, config: SAMConfig, dtype: torch.dtype) -> Journal:
    """A journal for a window of `steps`, its contents still undefined."""
    shapes = _shapes(steps, batch, config)
    types = {name: torch.int32 if name in _SLOTS else dtype for name in shapes} | {"other_live": torch.int64}
    journal = dict(
        zip(shapes, pool.lend([(shape, types[name]) for name, shape in shapes.items()]), strict=True)
    )
    if not config.links_per_slot:  # what was found by content is what is read
        journal["content_slot"] = journal["read_slot"][1:]
        journal["content_weight"] = journal["read_weight"][1:]
        journal["content_score"] = journal["read_score"]
    return Journal(**journal)


def _shapes(steps: int, batch: int, config: SAMConfig) -> dict[str, Shape]:
    heads, word, hidden = config.heads, config.word_size, config.hidden_size
    entries, written = config.read_entries, config.write_entries
    links = config.links_per_slot
    mode, followed, content = (3, config.reads, config.reads) if links else (0, 0, 0)
    each = (steps, batch, heads)
    return {
        "joined": (steps + 1, batch, hidden + heads * word),
        "cell": (steps + 1, batch, hidden),
        "lstm_gates": (steps, batch, 4 * hidden),
        "query": (*each, word),
        "word": (*each, word),
        "alpha": each,
        "gamma": each,
        "beta": each,
        "mode": (*each, mode),
        "content_slot": (*each, content),
        "content_weight": (*each, content),
        "content_score": (*each, content),
        "forward_slot": (*each, followed),
        "forward_weight": (*each, followed),
        "forward_link": (*each, followed, entries),
        "backward_slot": (*each, followed),
        "backward_weight": (*each, followed),
        "backward_link": (*each, followed, entries),
        "precedence_slot": (*each, links),
        "precedence_weight": (*each, links),
        "read_slot": (steps + 1, batch, heads, entries),
        "read_weight": (steps + 1, batch, heads, entries),
        "read_score": (*each, entries),
        "read_usage": (*each, entries),
        "write_slot": (*each, written),
        "write_weight": (*each, written),
        "write_usage": (*each, written),
        "changed_slot": (steps, batch, heads * written),
        "other_row": (steps, batch, heads * written, word),
        "other_norm": (steps, batch, heads * written),
        "other_live": (batch,),
        "moved_slot": (steps, batch, heads * (written + entries)),
        "moved_from": (steps, batch, heads * (written + entries)),
    }
