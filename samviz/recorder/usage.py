"""When each slot was last accessed, followed for models that do not keep it themselves.

Shape legend: T steps, B batch, H heads, N slots, R read entries, E write entries.
"""

import numpy as np

from samviz.recorder.buffer import Arrays
from samviz.trace.memory.entries import merged_weights

NEVER = -1


class LastAccesses:
    """The step of the last access of every slot, batch element by batch element."""

    def __init__(self, batch: int, slots: int, threshold: float) -> None:
        self._last = np.full((batch, slots), NEVER, np.int32)
        self._threshold = np.float32(threshold)

    def forget(self) -> None:
        """The memory starts afresh."""
        self._last[:] = NEVER

    def follow(self, window: Arrays, first_step: int) -> Arrays:
        """/usage/read [T, B, H, R] and /usage/write [T, B, H, E] of a window, which then count as accesses.

        A slot is accessed where the weights of one head's reads, or of its writes, add up to more than the
        threshold there; what counts for a step are the accesses of the steps before it.
        """
        slots = {kind: window[f"{kind}/slot"] for kind in ("write", "read")}
        written = merged_weights(slots["write"], window["write/weight"])
        weights = {"write": written, "read": window["read/weight"]}  # a read names each slot once
        accessed = {kind: (slots[kind] >= 0) & (weights[kind] > self._threshold) for kind in slots}
        usage = {f"usage/{kind}": np.full(slot.shape, NEVER, np.int32) for kind, slot in slots.items()}
        element = np.arange(len(self._last))[:, None, None]
        for t in range(len(slots["read"])):
            for kind, slot in slots.items():
                usage[f"usage/{kind}"][t] = np.where(slot[t] >= 0, self._last[element, slot[t]], NEVER)
            for kind, slot in slots.items():
                at = np.nonzero(accessed[kind][t])
                self._last[at[0], slot[t][at]] = first_step + t
        return usage
