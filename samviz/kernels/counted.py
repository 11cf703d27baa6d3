"""Random numbers that a counter determines: the same whichever step is made first, and in whatever pieces."""

from typing import Any

import numpy as np

from samviz.kernels.compiled import inlined_exactly

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFF)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_SIXTEEN = np.uint64(16)
_EVEN = np.float32(3**0.5 / 65536)  # the sum of four even numbers below 2^16 has this deviation, inverted


@inlined_exactly
def mixed(key: Any, counter: int) -> Any:
    """64 random bits for a key (uint64) and a counter: splitmix64."""
    bits = key + (np.uint64(counter) + np.uint64(1)) * _GOLDEN
    bits = (bits ^ (bits >> _SHIFTS[0])) * _FIRST
    bits = (bits ^ (bits >> _SHIFTS[1])) * _SECOND
    return bits ^ (bits >> _SHIFTS[2])


@inlined_exactly
def even(key: Any, counter: int) -> float:
    """A number in [0, 1)."""
    return np.float32(mixed(key, counter) >> np.uint64(40)) * np.float32(2**-24)  # type: ignore[return-value]


@inlined_exactly
def bell(key: Any, counter: int) -> float:
    """A number of mean 0 and deviation 1, bell-shaped: four even ones added up."""
    bits = mixed(key, counter)
    total = np.int64(bits & _LOW) + np.int64((bits >> _SIXTEEN) & _LOW)
    bits >>= _HALF
    total += np.int64(bits & _LOW) + np.int64(bits >> _SIXTEEN)
    return np.float32(total - 131070) * _EVEN  # type: ignore[return-value]
