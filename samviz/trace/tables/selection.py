"""A part of a trace, as its users ask for it: a range of steps, a batch element."""

import operator
from typing import Any

from samviz.errors import ConfigError
from samviz.trace.opened import Opened


def step_range(trace: Opened, start: int = 0, stop: int | None = None) -> tuple[int, int]:
    """[start, stop), to the last committed step for None. Raises ConfigError where they are not there."""
    steps = len(trace)
    first = _whole(trace, "start", start)
    last = steps if stop is None else _whole(trace, "stop", stop)
    if not 0 <= first <= last <= steps:
        raise ConfigError(
            f"{trace.path}: expected steps with 0 <= start <= stop <= {steps}, "
            f"found start {first} and stop {last}; the trace holds {steps:,} steps, counted from 0"
        )
    return first, last


def batch_cut(trace: Opened, batch: int | None = None) -> slice:
    """That batch element, or all of them for None, as a slice. Raises ConfigError where there is none."""
    total = trace.dimensions.batch
    if batch is None:
        return slice(0, total)
    element = _whole(trace, "batch", batch)
    if not 0 <= element < total:
        raise ConfigError(f"{trace.path}: no batch element {element}; the trace holds {total}")
    return slice(element, element + 1)


def _whole(trace: Opened, name: str, value: Any) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ConfigError(f"{trace.path}: {name}: expected a whole number, found {value!r}") from None
