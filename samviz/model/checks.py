"""What a model refuses before it runs: inputs, memories and states that do not fit."""

import torch
from torch import Tensor

from samviz.errors import ConfigError


def check_inputs(inputs: Tensor, size: int, dtype: torch.dtype) -> None:
    """Raise ConfigError unless the inputs are [T, B, I] with I = `size`, of that type, and finite."""
    if inputs.ndim != 3 or inputs.shape[2] != size or 0 in inputs.shape:
        raise ConfigError(
            f"inputs must have shape [T, B, I] with T, B >= 1 and I = {size}, found {list(inputs.shape)}"
        )
    if inputs.dtype != dtype:
        raise ConfigError(f"inputs must have the model's type {dtype}, found {inputs.dtype}")
    if not bool(torch.isfinite(inputs).all()):
        raise ConfigError("inputs must be finite, found NaN or infinity")


def check_batch(state_batch: int, batch: int) -> None:
    """Raise ConfigError unless a state is for as many batch elements as the inputs have."""
    if state_batch != batch:
        raise ConfigError(f"the state is for a batch of {state_batch}, but the inputs have {batch}")


def check_size_of_batch(batch: int) -> None:
    """Raise ConfigError unless a state can be for so many batch elements."""
    if batch < 1:
        raise ConfigError(f"batch must be at least 1, found {batch}")


def start_memory(memory: Tensor | None, shape: tuple[int, int, int], like: Tensor) -> Tensor:
    """The words a memory starts with: zeros, or an own copy of those given.

    Args:
        memory: [B, N, W] or None.
        shape: (B, N, W).
        like: a tensor of the dtype and device to use.

    Raises:
        ConfigError: a batch below 1, or a memory of another shape or not finite.
    """
    check_size_of_batch(shape[0])
    if memory is None:
        return like.new_zeros(shape)
    if tuple(memory.shape) != shape:
        raise ConfigError(f"memory must have shape [B, N, W] = {list(shape)}, found {list(memory.shape)}")
    if not bool(torch.isfinite(memory).all()):
        raise ConfigError("memory must be finite, found NaN or infinity")
    return memory.detach().to(like).clone()
