"""Dense states: named tuples of tensors that a forward pass reads and never changes."""

from typing import Any, TypeVar

from torch import Tensor

State = TypeVar("State", bound=tuple[Any, ...])


def cloned(state: State) -> State:
    """An independent copy."""
    return type(state)(*(part.clone() if isinstance(part, Tensor) else part for part in state))


def detached(state: State) -> State:
    """The same state without its history, so that no gradient crosses a window."""
    return type(state)(*(part.detach() if isinstance(part, Tensor) else part for part in state))
