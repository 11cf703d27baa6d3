"""What an index of a trace is: its entries, slot by slot."""

from typing import NamedTuple

from samviz.trace.hdf5.column import Array


class SlotIndex(NamedTuple):
    """The entries of one batch element's reads or writes, sorted by slot, then by step and entry.

    Those of slot i are at places first[i] to first[i + 1] - 1. A position is step * P + entry, where entry
    counts all heads' entries of a step. A weight is the head's whole weight at the slot.
    """

    first: Array  # [N + 1] int64
    position: Array  # [M] int32, int64 in a trace of 2^31 entries or more
    weight: Array  # [M] float32
    used: Array  # [T * H] bool, whether the slot that a head took had been accessed before; [0] of reads
