"""Cutting the time axis into pages that never split a short episode."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from samviz.trace import Episode

PAGE_STEPS = 40


def page_starts(episodes: Sequence[Episode], longest: int = PAGE_STEPS) -> NDArray[np.int32]:
    """The first steps of pages of at most `longest` steps.

    Whole episodes share a page while they fit; a longer episode has pages of its own, all about as long, so
    that its end does not stand alone.
    """
    starts: list[int] = []
    has_room = False
    for episode in episodes:
        if has_room and episode.stop - starts[-1] <= longest:
            continue
        pages = -(-(episode.stop - episode.start) // longest)
        starts.extend(np.linspace(episode.start, episode.stop, pages, endpoint=False, dtype=int).tolist())
        has_room = episode.stop - episode.start <= longest
    return np.array(starts, np.int32)
