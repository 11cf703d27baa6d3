"""Compile all kernels ahead of time: `python -m samviz.model.compile`."""

import sys
from time import perf_counter

import torch

from samviz.kernels.compiled import cache_folder
from samviz.model.config import SDNCConfig
from samviz.model.sdnc import SDNC

READY = "ready"


def is_compiled() -> bool:
    """Whether this machine holds the compiled kernels of these sources."""
    return (cache_folder() / READY).exists()


def compile_kernels(*dtypes: torch.dtype) -> None:
    """Run every kernel once in each precision, which leaves its machine code in the cache."""
    config = SDNCConfig(2, 2, hidden_size=3, slots=4, word_size=3, heads=1, reads=1, index="pages")
    for dtype in dtypes:
        model = SDNC(config).to(dtype)
        state = model.initial_state(1, torch.zeros(1, 4, 3))
        output, _, _ = model(torch.zeros(2, 1, 2, dtype=dtype), state, events=True)
        output.sum().backward()
    (cache_folder() / READY).touch()


def ensure_compiled() -> None:
    """Compile if that was not done yet, saying so on stderr."""
    if not is_compiled():
        print(
            "samviz: compiling the memory kernels, once for this machine (about a minute) …",
            file=sys.stderr,
            flush=True,
        )
        compile_kernels(torch.float32)


if __name__ == "__main__":
    start = perf_counter()
    compile_kernels(torch.float32, torch.float64)
    print(f"kernels ready in {cache_folder()} ({perf_counter() - start:.1f} s)")
