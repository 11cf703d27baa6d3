"""What the demo does at each step: it stores items and asks for them again, after lags of all sizes."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from samviz.kernels.script import ASK, REVISE, STORE, Script

Array = np.ndarray[Any, Any]

STORED, REVISED = 0.5, 0.07  # shares of the steps; a revision follows a question


def scripts(seed: int, steps: int, heads: int, window: int) -> Iterator[Script]:
    """The script of `steps` steps, `window` steps at a time; each window is determined by (seed, its number).

    A question goes back over so many items that every order of magnitude is as likely: some are asked for at
    once, others when their slots have long been taken. While an item is stored, the first head looks at it
    and the others at earlier ones.
    """
    stored = 0
    for number, first in enumerate(range(0, steps, window)):
        random = np.random.default_rng([seed, number])
        length = min(window, steps - first)
        kind = _kinds(random.random(window), go_on=stored > 0)[:length]
        count = stored + np.cumsum(kind == STORE)
        earlier = count[:, None] - _lags(random.random((window, heads))[:length], count[:, None])
        item = np.where(kind == STORE, count - 1, earlier[:, 0])
        revised = np.flatnonzero(kind == REVISE)
        item[revised] = item[revised - 1]
        wanted = np.where((kind == STORE)[:, None], earlier, item[:, None])
        wanted[:, 0] = item
        yield Script(kind, item.astype(np.int32), wanted.astype(np.int32))
        stored = int(count[-1])


def _kinds(even: Array, *, go_on: bool) -> Array:
    """What each step does; the very first stores."""
    kind = np.where(even < STORED, STORE, ASK).astype(np.uint8)
    if not go_on:
        kind[0] = STORE
    after_question = np.append(False, (kind == ASK) & (even < 1 - REVISED))[:-1]
    kind[after_question & (even >= 1 - REVISED)] = REVISE
    return kind


def _lags(even: Array, most: Array) -> Array:
    """Whole numbers from 1 to `most`, every order of magnitude as likely."""
    return np.asarray(np.clip((most + 1) ** even, 1, most), np.int64)
