"""What the slots hold while indexes are compared: words easy to tell apart, and words that are not."""

from math import isqrt, sqrt
from typing import Any

import numpy as np

from samviz.errors import ConfigError

Array = np.ndarray[Any, Any]

KINDS = ("random", "clustered", "duplicates", "drifted")
COPIES = 16  # of each word among the near duplicates


def make_words(kind: str, slots: int, word_size: int) -> Array:
    """[N, W] words of length about 1; drifted words start random, and `drift_target` says where they go.

    Raises:
        ConfigError: an unknown kind.
    """
    rng = np.random.default_rng(slots)
    noise: Array = rng.standard_normal((slots, word_size), np.float32) / np.float32(sqrt(word_size))
    if kind in ("random", "drifted"):
        return noise
    if kind == "clustered":
        centres, spread = isqrt(slots), np.float32(0.3)
    elif kind == "duplicates":
        centres, spread = max(1, slots // COPIES), np.float32(0.01)
    else:
        raise ConfigError(f"words must be one of {', '.join(KINDS)}, found {kind!r}")
    found: Array = _centres(rng, centres, slots, word_size) + spread * noise
    return found


def drift_target(words: Array) -> Array:
    """The same words, drawn together into a tight cone: what training can do to a memory."""
    axis = np.zeros(words.shape[1], np.float32)
    axis[0] = 2
    return words + axis


def noisy_copies(words: Array, count: int, noise: float = 0.3) -> Array:
    """[count, W] words of slots drawn at random, with noise: what a controller would ask for."""
    rng = np.random.default_rng(count)
    slots = rng.integers(0, len(words), count)
    shape = (count, words.shape[1])
    added = rng.standard_normal(shape, np.float32) * np.float32(noise / sqrt(words.shape[1]))
    copies: Array = words[slots] + added
    return copies


def _centres(rng: np.random.Generator, centres: int, slots: int, word_size: int) -> Array:
    found = rng.standard_normal((centres, word_size), np.float32) / np.float32(sqrt(word_size))
    chosen: Array = found[rng.integers(0, centres, slots)]
    return chosen
