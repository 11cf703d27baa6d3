"""What the kernels work on: the memory and the journal of a window.

Outside the kernels the same tuples hold tensors over the same storage. Shape legend: T steps, B batch,
H heads, N slots, K reads, E = K + 1 write entries, W word size, D hidden.
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


class Journal(NamedTuple):
    """All that is needed to undo a window, differentiate it and show it: O(1) numbers a step in N.

    Arrays with T + 1 rows begin with what the window started from.
    """

    hidden: Any  # [T+1, B, D]
    cell: Any  # [T+1, B, D]
    lstm_gates: Any  # [T, B, 4D] input, forget, candidate, output, after their squashing
    query: Any  # [T, B, H, W]
    word: Any  # [T, B, H, W]
    alpha: Any  # [T, B, H]
    gamma: Any  # [T, B, H]
    beta: Any  # [T, B, H]
    read_slot: Any  # [T+1, B, H, K] int32
    read_weight: Any  # [T+1, B, H, K]
    read_word: Any  # [T+1, B, H, W]
    read_score: Any  # [T, B, H, K] cosines
    read_usage: Any  # [T, B, H, K] int32
    write_slot: Any  # [T, B, H, E] int32
    write_weight: Any  # [T, B, H, E]
    write_usage: Any  # [T, B, H, E] int32
    changed_slot: Any  # [T, B, H*E] int32, each changed slot once, then -1
    other_row: Any  # [T, B, H*E, W] the changed rows as they were before the step (after it, while undone)
