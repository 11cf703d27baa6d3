"""Large buffers that are used again: a fresh page of memory costs more than all that is written into it."""

import weakref
from collections import deque
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]

KEPT = 8  # free buffers that are kept
LINE = 64  # bytes; a buffer begins where a cache line does


class BufferPool:
    """Lends buffers as tensors.

    A buffer comes back by itself when the last view of its tensors is gone, wherever it went: to autograd's
    graph, to events that a caller keeps, to a state. So nothing that anybody can still see is overwritten.
    """

    def __init__(self) -> None:
        self._free: deque[Array] = deque()  # its changes are atomic: a finalizer may run in any thread
        self._lent = 0
        self._most_lent = 0

    def lend(self, shapes: list[tuple[Shape, torch.dtype]]) -> list[Tensor]:
        """Tensors of these shapes and types in one buffer, contents undefined."""
        starts, total = [], 0
        for shape, dtype in shapes:
            starts.append(total)
            total += -(-prod(shape) * dtype.itemsize // LINE) * LINE
        whole = self._lend_bytes(total)
        return [
            whole[start : start + prod(shape) * dtype.itemsize].view(dtype).view(shape)
            for start, (shape, dtype) in zip(starts, shapes, strict=True)
        ]

    def lent_bytes(self) -> int:
        """Bytes that are lent now."""
        return self._lent

    def most_lent_bytes(self) -> int:
        """The most bytes that were lent at one time since `forget_most_lent`."""
        return self._most_lent

    def forget_most_lent(self) -> None:
        """Begin to count the most bytes anew."""
        self._most_lent = self._lent

    def _lend_bytes(self, size: int) -> Tensor:
        buffer = self._take(size)
        start = -buffer.ctypes.data % LINE
        view = buffer[start : start + size]  # an object of its own: its end is the end of the loan
        self._lent += size
        self._most_lent = max(self._most_lent, self._lent)
        weakref.finalize(view, self._give_back, buffer, size).atexit = False
        return torch.from_numpy(view)

    def _take(self, size: int) -> Array:
        """The smallest free buffer that is large enough but not wasteful, or a new one."""
        waiting = [self._free.popleft() for _ in range(len(self._free))]
        waiting.sort(key=len)
        found = None
        for buffer in waiting:
            if found is None and size + LINE <= len(buffer) <= 2 * size + LINE + 2**20:
                found = buffer
            else:
                self._free.append(buffer)
        return np.empty(size + LINE, np.uint8) if found is None else found

    def _give_back(self, buffer: Array, size: int) -> None:
        self._lent -= size
        self._free.append(buffer)
        while len(self._free) > KEPT:
            self._free.popleft()


pool = BufferPool()
