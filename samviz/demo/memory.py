"""The arrays of a scripted memory: what exists once per slot, once per item, and once per step of a window.

Shape legend: T B H W K, E = K + 1 write entries; B = 1, and the sizes of a controller are 0.
"""

import os
from typing import Any, NamedTuple

import numpy as np

from samviz.kernels.arrays import Journal, MemoryArrays
from samviz.kernels.script import Answers, Items
from samviz.kernels.scripted import DECOYS
from samviz.kernels.usage import fresh_ring
from samviz.trace.schema import Dimensions

Array = np.ndarray[Any, Any]


class Events(NamedTuple):
    """A window as the recorder takes it; the fields are those of a model's events."""

    read_slot: Array
    read_weight: Array
    read_score: Array
    read_query: Array
    read_word: Array
    read_usage: Array
    write_slot: Array
    write_weight: Array
    write_row: Array
    write_word: Array
    write_usage: Array
    alpha: Array
    gamma: Array
    beta: Array


def fresh_memory(sizes: Dimensions) -> MemoryArrays:
    """A memory in which nothing was stored yet."""
    after, before = fresh_ring(sizes.slots)
    return MemoryArrays(
        word=np.zeros((1, sizes.slots, sizes.word_size), np.float32),
        norm=np.zeros((1, sizes.slots), np.float32),
        after=after[None],
        before=before[None],
        last_access=np.full((1, sizes.slots), -1, np.int32),
        mark=np.full((1, sizes.slots), -1, np.int32),
        live=np.zeros(1, np.int64),
    )


def no_items(steps: int, sizes: Dimensions) -> Items:
    """Room for an item a step."""
    return Items(
        slot=np.zeros((steps, sizes.heads), np.int32),
        version=np.zeros(steps, np.int32),
        told=np.full(steps, -1, np.int32),
        owner=np.full(sizes.slots, -1, np.int32),
    )


def item_bytes(heads: int) -> int:
    """What `no_items` takes for a step."""
    return 4 * heads + 8


def slot_bytes(word_size: int) -> int:
    """What `fresh_memory` and `no_items` take for a slot: its word, its norm and five numbers."""
    return 4 * word_size + 24


def physical_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def no_candidates(sizes: Dimensions) -> Array:
    """[1, H, C] room for what a search looks at."""
    return np.full((1, sizes.heads, sizes.heads + sizes.reads + DECOYS), -1, np.int32)


def no_answers(steps: int, bits: int) -> Answers:
    """Room for the answers of a window."""
    return Answers(
        value=np.zeros((steps, bits), np.uint8),
        told=np.full(steps, -1, np.int32),
        output=np.zeros((steps, bits), np.float32),
    )


def empty_journal(steps: int, sizes: Dimensions) -> Journal:
    """The journal of a window; before its first step nothing was read."""
    heads, word, reads, written = sizes.heads, sizes.word_size, sizes.reads, sizes.write_entries
    each = (steps, 1, heads)

    def numbers(*shape: int) -> Array:
        return np.zeros(shape, np.float32)

    def slots(*shape: int) -> Array:
        return np.full(shape, -1, np.int32)

    read_slot, read_weight = slots(steps + 1, 1, heads, reads), numbers(steps + 1, 1, heads, reads)
    read_score = numbers(*each, reads)
    return Journal(
        joined=numbers(steps + 1, 1, heads * word),
        cell=numbers(steps + 1, 1, 0),
        lstm_gates=numbers(steps, 1, 0),
        query=numbers(*each, word),
        word=numbers(*each, word),
        alpha=numbers(*each),
        gamma=numbers(*each),
        beta=numbers(*each),
        mode=numbers(*each, 0),
        content_slot=read_slot[1:],
        content_weight=read_weight[1:],
        content_score=read_score,
        forward_slot=slots(*each, 0),
        forward_weight=numbers(*each, 0),
        forward_link=numbers(*each, 0, reads),
        backward_slot=slots(*each, 0),
        backward_weight=numbers(*each, 0),
        backward_link=numbers(*each, 0, reads),
        precedence_slot=slots(*each, 0),
        precedence_weight=numbers(*each, 0),
        read_slot=read_slot,
        read_weight=read_weight,
        read_score=read_score,
        read_usage=slots(*each, reads),
        write_slot=slots(*each, written),
        write_weight=numbers(*each, written),
        write_usage=slots(*each, written),
        changed_slot=slots(steps, 1, heads * written),
        other_row=numbers(steps, 1, heads * written, word),
        other_norm=numbers(steps, 1, heads * written),
        other_live=np.zeros(1, np.int64),
        moved_slot=slots(steps, 1, heads * (written + reads)),
        moved_from=slots(steps, 1, heads * (written + reads)),
    )


def shortened(journal: Journal, steps: int) -> Journal:
    """The journal of the first `steps` steps, over the same memory."""
    longer = len(journal.query)
    return Journal(
        *(array[: len(array) - longer + steps] if len(array) >= longer else array for array in journal)
    )


def begin_next(journal: Journal, steps: int) -> None:
    """Make the reads of the window's last step those that the next window starts from."""
    journal.read_slot[0], journal.read_weight[0] = journal.read_slot[steps], journal.read_weight[steps]


def events_of(journal: Journal, rows: Array) -> Events:
    """The window as events; `rows` [T, 1, H, E, W] are the written slots at the end of each step."""
    return Events(
        read_slot=journal.read_slot[1:],
        read_weight=journal.read_weight[1:],
        read_score=journal.read_score,
        read_query=journal.query,
        read_word=journal.joined[1:].reshape(journal.query.shape),
        read_usage=journal.read_usage,
        write_slot=journal.write_slot,
        write_weight=journal.write_weight,
        write_row=rows,
        write_word=journal.word,
        write_usage=journal.write_usage,
        alpha=journal.alpha,
        gamma=journal.gamma,
        beta=journal.beta,
    )
