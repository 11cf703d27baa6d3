"""Compile the kernels ahead of time, which `samviz compile` does, or when a model first needs them."""

import sys

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
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller is in
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


def prepare_torch() -> None:
    """One thread, as a second one costs more than it brings here; kernels ready before a bar starts."""
    torch.set_num_threads(1)
    ensure_compiled()
