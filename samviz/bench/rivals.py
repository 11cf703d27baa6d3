"""The package `dnc` (ixaxaar/pytorch-dnc), the best known public SAM and DNC, as it can be run on a CPU.

What is timed is its own code; these are the choices and changes that running it here needs:

- One LSTM layer (its default is two), one memory, `gpu_id=-1`, an interface of one linear map.
- Its SAM and SDNC first build the DNC's memory, with an N x N mask, and drop it. Here they do not.
- Its SAM and SDNC search with faiss on a GPU or with FLANN, whose Python package does not run any more. Here
  faiss on the CPU stands in for both (rival_indexes.py): `ivf`, what the package asks of the GPU, and `flat`,
  which the package does not offer but which is the better choice. As in the package, the whole memory is put
  into the index anew at every step.
- It cannot take a state of batch 1 back (it squeezes the batch away). The state is therefore handed over
  as it is, without the copy and the rebuilt index that the package would pay for at each window's start.
- It changes its memory in place after gathering from it, which torch refuses to differentiate since gather
  keeps its source. Its gathers run with the old rule, which keeps the source's shape: same sums, no copy.
- Its memory is told to be full, so that all slots are searched.
- Its SAM has one write head and reads with sparse_reads=4 per head; its SDNC has temporal_reads=4.
"""

import importlib
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from samviz.bench.rival_indexes import Flat, InvertedLists

SAM, SDNC, DNC = NAMES = ("dnc.SAM", "dnc.SDNC", "dnc.DNC")
SEARCHING = (SAM, SDNC)
INDEXES = {"ivf": InvertedLists, "flat": Flat}


def installed() -> bool:
    """Whether the package can be imported."""
    return find_spec("dnc") is not None


class Rival:
    """One of the package's models, its state carried on from window to window."""

    def __init__(
        self, name: str, index: str, inputs: Tensor, words: Tensor | None, *, hidden_size: int, heads: int
    ) -> None:
        assert words is not None
        package = _package(index)
        batch, slots, word_size = words.shape
        self.inputs = inputs
        self.index = index
        with warnings.catch_warnings(), _dense_memory(built=name == DNC):
            warnings.simplefilter("ignore")  # of its age
            self.model = getattr(package, name.removeprefix("dnc."))(
                input_size=inputs.shape[2],
                hidden_size=hidden_size,
                num_hidden_layers=1,
                nr_cells=slots,
                cell_size=word_size,
                read_heads=heads,
                batch_first=False,
                gpu_id=-1,
            )
            controller, memory, read = self.model._init_hidden((None, None, None), batch, True)
        memory["memory"] = words
        for part in self.model.memories:
            part.mem_limit_reached = True
        self.carried = (controller, memory, read)
        self.model._init_hidden = self._hand_over

    def forward(self, steps: int) -> Tensor:
        with _gathers_by_shape():
            output, (controller, memory, read) = self.model(self.inputs[:steps])
        self.carried = (
            [tuple(part.detach() for part in pair) for pair in controller],
            {name: _detached(value) for name, value in memory.items()},
            read.detach(),
        )
        return output  # type: ignore[no-any-return]

    def backward(self, output: Tensor) -> None:
        output.backward(torch.ones_like(output))

    def forget_gradients(self) -> None:
        self.model.zero_grad(set_to_none=True)

    def state(self) -> Any:
        return self.carried

    def _hand_over(self, *_: Any) -> Any:
        return self.carried


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value


@contextmanager
def _dense_memory(*, built: bool) -> Iterator[None]:
    """The package, building the memory of its DNC or not."""
    module: Any = importlib.import_module("dnc.dnc")
    original = module.Memory
    module.Memory = original if built else _NoMemory
    try:
        yield
    finally:
        module.Memory = original


class _NoMemory(torch.nn.Module):
    """Stands where a memory would be dropped anyway."""

    def __init__(self, **_: Any) -> None:
        super().__init__()


class _Gather(torch.autograd.Function):
    """Tensor.gather, whose gradient needs the shape of its source but not the source."""

    @staticmethod
    def forward(ctx: Any, source: Tensor, dim: int, index: Tensor) -> Tensor:
        ctx.shape, ctx.dim = source.shape, dim
        ctx.save_for_backward(index)
        return torch.gather(source, dim, index)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        return grad.new_zeros(ctx.shape).scatter_add_(ctx.dim, index, grad), None, None


def _gather(source: Tensor, dim: int, index: Tensor) -> Tensor:
    return _Gather.apply(source, dim, index)  # type: ignore[no-any-return, no-untyped-call]


@contextmanager
def _gathers_by_shape() -> Iterator[None]:
    original = Tensor.gather
    Tensor.gather = _gather  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Tensor.gather = original  # type: ignore[method-assign]


def _package(index: str) -> ModuleType:
    """The package, its search on a GPU replaced before it can try to import it."""
    stand_in: Any = sys.modules.setdefault("dnc.faiss_index", ModuleType("dnc.faiss_index"))
    stand_in.FAISSIndex = INDEXES.get(index)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("dnc")
