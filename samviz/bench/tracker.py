"""How many bytes of tensors a pass creates and holds at its peak."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from samviz.model.buffers import pool


class LiveBytes(TorchDispatchMode):
    """Counts the storages that operations create, each once, until they are freed.

    A storage that an operation is given and that none created was there before, and does not count.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = 0
        self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation and look at what goes in and comes out."""
        kwargs = kwargs or {}
        for storage in _storages((args, kwargs)):
            self._seen.add(storage)
        made = func(*args, **kwargs)
        for storage in _storages(made):
            if storage not in self._seen:
                self._count(storage)
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        size = storage.nbytes()
        self._seen.add(storage)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.live -= size


def peak_bytes(work: Callable[[], Any]) -> int:
    """Bytes at the peak of a piece of work: tensors that it creates, and what the pool lends it.

    What a pool lends lies in arrays, which no operation of torch creates.
    """
    held = pool.lent_bytes()
    pool.forget_most_lent()
    tensors = LiveBytes()
    with tensors:
        work()
    return tensors.peak + pool.most_lent_bytes() - held


def _storages(values: Any) -> Iterator[torch.UntypedStorage]:
    for value in tree_iter(values):
        if isinstance(value, Tensor):
            yield value.untyped_storage()
