"""What the slots hold while indexes are compared, and what is asked: easy words to find, and hard ones."""

from math import isqrt, sqrt
from typing import Any, NamedTuple

import numpy as np

from samviz.errors import ConfigError

Array = np.ndarray[Any, Any]

KINDS = ("random", "copies", "drifted", "clustered", "duplicates")
COPIES = 16  # of each word among the near duplicates
NOISE = 0.3  # its length, on a query for a stored word and within a cluster
CONE = 0.2  # the same within the cone, whose axis has length 1


class Drift(NamedTuple):
    """Half of the words, drawn together into a tight cone: what training can do to a memory."""

    slots: Array  # [N/2] int32
    words: Array  # [N/2, W]


def words_of(kind: str) -> str:
    """The kind of words in memory: of some kinds only the queries differ, or what happens later."""
    return "random" if kind in ("copies", "drifted") else kind


def make_words(kind: str, slots: int, word_size: int) -> Array:
    """[N, W] words of length about 1; drifted words start random.

    Raises:
        ConfigError: an unknown kind.
    """
    rng = np.random.default_rng(slots)
    noise = _noise(rng, slots, word_size)
    if words_of(kind) == "random":
        return noise
    if kind == "clustered":
        centres, spread = isqrt(slots), np.float32(NOISE)
    elif kind == "duplicates":
        centres, spread = max(1, slots // COPIES), np.float32(0.01)
    else:
        raise ConfigError(f"words must be one of {', '.join(KINDS)}, found {kind!r}")
    found: Array = _noise(rng, centres, word_size)[rng.integers(0, centres, slots)] + spread * noise
    return found


def make_queries(kind: str, words: Array, count: int) -> Array:
    """[count, W]: new words among random ones, new words of the cone, else noisy copies of stored words."""
    rng = np.random.default_rng(count)
    noise = _noise(rng, count, words.shape[1])
    if kind == "random":
        return noise
    if kind == "drifted":
        return _in_cone(noise)
    copies: Array = words[rng.integers(0, len(words), count)] + np.float32(NOISE) * noise
    return copies


def drift(words: Array) -> Drift:
    """Every other word, drawn into the cone."""
    slots = np.arange(0, len(words), 2, dtype=np.int32)
    return Drift(slots, _in_cone(words[slots]))


def _in_cone(words: Array) -> Array:
    """Words of length about 1, drawn together."""
    axis = np.zeros(words.shape[1], np.float32)
    axis[0] = 1
    return axis + np.float32(CONE) * words


def _noise(rng: np.random.Generator, count: int, word_size: int) -> Array:
    found: Array = rng.standard_normal((count, word_size), np.float32) / np.float32(sqrt(word_size))
    return found
