"""Compile the kernels ahead of time: `python -m samviz.model.compile [float32] [float64]`."""

import sys
from importlib import import_module
from time import perf_counter

import torch

from samviz.kernels.compiled import cache_folder

PRECISIONS = {"float32": torch.float32, "float64": torch.float64}
_begun: set[torch.dtype] = set()


def ensure_compiled(dtype: torch.dtype = torch.float32) -> None:
    """Compile what this machine does not hold yet, saying so on stderr: nobody should wonder at a wait."""
    if dtype in _begun:
        return
    _begun.add(dtype)
    ready = cache_folder() / f"ready-{str(dtype).removeprefix('torch.')}"
    if ready.exists():
        return
    print(
        f"samviz: compiling the memory kernels for {dtype}, once for this machine (about a minute) …",
        file=sys.stderr,
        flush=True,
    )
    _run_every_kernel(dtype)
    ready.touch()


def _run_every_kernel(dtype: torch.dtype) -> None:
    """Forward, events and backward of the model that has them all leave their machine code in the cache."""
    from samviz.model.config import SDNCConfig
    from samviz.model.sdnc import SDNC

    config = SDNCConfig(2, 2, hidden_size=3, slots=4, word_size=3, heads=1, reads=1, index="pages")
    model = SDNC(config).to(dtype)
    state = model.initial_state(1, torch.zeros(1, 4, 3))
    output, _, _ = model(torch.zeros(2, 1, 2, dtype=dtype), state, events=True)
    output.sum().backward()


def main(names: list[str]) -> None:
    """Compile for the precisions of these names, all of them by default, and say how long it took."""
    start = perf_counter()
    for name in names or PRECISIONS:
        ensure_compiled(PRECISIONS[name])
    print(f"kernels ready in {cache_folder()} ({perf_counter() - start:.1f} s)")


if __name__ == "__main__":  # in the module that the models know, of which this is a second copy
    import_module("samviz.model.compile").main(sys.argv[1:])
