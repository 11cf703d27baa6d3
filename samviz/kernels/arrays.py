"""What the kernels work on: the memory, its links, and the journal of a window.

Outside the kernels the same tuples hold tensors over the same storage. Shape legend: T steps, B batch,
H heads, N slots, W word size, K words read by content, R entries of a read, E = R + 1 entries of a write,
L links kept per slot, D hidden. In a SAM R = K and all that belongs to links is of size 0.
"""

from typing import Any, NamedTuple


class MemoryArrays(NamedTuple):
    """What exists once per slot."""

    word: Any  # [B, N, W] the memory M
    norm: Any  # [B, N] |M(i)|
    after: Any  # [B, N+1] int32, the ring of least recently accessed slots (usage.py)
    before: Any  # [B, N+1] int32
    last_access: Any  # [B, N] int32, -1 never
    mark: Any  # [B, N] int32 scratch, -1 between steps
    live: Any  # [B] int64: slots 0..live-1 have been taken at least once


class LinkArrays(NamedTuple):
    """The link matrix of every head, by rows and by columns, and what was written last (links.py).

    The entries of a row or column come first, in no order; the rest has slot -1 and weight 0.
    """

    before_slot: Any  # [B, H, N, L] int32: row i names the slots that i was written right after
    before_weight: Any  # [B, H, N, L]
    after_slot: Any  # [B, H, N, L] int32: column j names the slots that were written right after j
    after_weight: Any  # [B, H, N, L]
    precedence_slot: Any  # [B, H, L] int32, largest first, then -1
    precedence_weight: Any  # [B, H, L]


class Journal(NamedTuple):
    """All that is needed to undo a window, differentiate it and show it: O(1) numbers a step in N.

    Arrays with T + 1 rows begin with what the window started from. In a SAM the content_ arrays are the
    read_ arrays of the same step.
    """

    joined: Any  # [T+1, B, D + H*W] the hidden state and the read words
    cell: Any  # [T+1, B, D]
    lstm_gates: Any  # [T, B, 4D] input, forget, candidate, output, after their squashing
    query: Any  # [T, B, H, W]
    word: Any  # [T, B, H, W]
    alpha: Any  # [T, B, H]
    gamma: Any  # [T, B, H]
    beta: Any  # [T, B, H]
    mode: Any  # [T, B, H, 3] backward, content, forward
    content_slot: Any  # [T, B, H, K] int32
    content_weight: Any  # [T, B, H, K]
    content_score: Any  # [T, B, H, K] cosines
    forward_slot: Any  # [T, B, H, K] int32
    forward_weight: Any  # [T, B, H, K]
    forward_link: Any  # [T, B, H, K, R] the links that led there from each entry of the previous read
    backward_slot: Any  # [T, B, H, K] int32
    backward_weight: Any  # [T, B, H, K]
    backward_link: Any  # [T, B, H, K, R]
    precedence_slot: Any  # [T, B, H, L] int32, at the end of the step
    precedence_weight: Any  # [T, B, H, L]
    read_slot: Any  # [T+1, B, H, R] int32
    read_weight: Any  # [T+1, B, H, R]
    read_score: Any  # [T, B, H, R] cosines, NaN where a link alone led
    read_usage: Any  # [T, B, H, R] int32
    write_slot: Any  # [T, B, H, E] int32
    write_weight: Any  # [T, B, H, E]
    write_usage: Any  # [T, B, H, E] int32
    changed_slot: Any  # [T, B, H*E] int32, each changed slot once, then -1
    other_row: Any  # [T, B, H*E, W] the changed rows as they were before the step (after it, while undone)
    other_norm: Any  # [T, B, H*E] their lengths
    other_live: Any  # [B] int64, live slots before the window (after it, while undone)
    moved_slot: Any  # [T, B, H*(E+R)] int32, the slots that moved to the ring's back, in order, then -1
    moved_from: Any  # [T, B, H*(E+R)] int32, the neighbour before each, at the time
