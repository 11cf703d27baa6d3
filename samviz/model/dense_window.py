"""The steps of a dense model's window, one after the other."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from samviz.model.dense_state import detached
from samviz.model.events import Events, stacked


def run_steps(
    entered: Iterable[Tensor],
    state: Any,
    step: Callable[[Tensor, Any], tuple[Any, Any]],
    events_of: Callable[[Any, Any, Any], Events] | None,
) -> tuple[Tensor, Tensor, Any, Events | None]:
    """Run T steps from a state that no gradient crosses, to a state that none crosses either.

    Args:
        entered: [T, B, ...], what enters at each step.
        step: (what enters, the state before) -> (the state after, what was done).
        events_of: (the state before, the state after, what was done) -> events, or None to be told nothing.

    Returns:
        (hidden [T, B, D], read words [T, B, H, W], the next state, events or None).
    """
    now = detached(state)
    hidden, word, told = [], [], []
    for x in entered:
        last, (now, done) = now, step(x, now)
        hidden.append(now.hidden)
        word.append(now.read_word)
        if events_of is not None:
            told.append(events_of(last, now, done))
    return torch.stack(hidden), torch.stack(word), detached(now), stacked(told) if told else None
