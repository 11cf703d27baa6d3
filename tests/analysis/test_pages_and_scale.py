"""Pages of the time axis, and the fixed scales."""

import numpy as np

from samviz.analysis.pages import page_starts
from samviz.analysis.scale import memory_scale, scales
from samviz.trace import Episode, Trace


def episodes(*lengths: int) -> list[Episode]:
    """Episodes of those lengths, one after the other."""
    stops = np.cumsum(lengths)
    return [Episode(i, int(s - n), int(s)) for i, (s, n) in enumerate(zip(stops, lengths, strict=True))]


def test_whole_episodes_share_a_page_while_they_fit() -> None:
    assert page_starts(episodes(10, 14, 8, 12), 40).tolist() == [0, 32]


def test_a_long_episode_has_pages_of_its_own() -> None:
    assert page_starts(episodes(10, 100, 10, 10), 40).tolist() == [0, 10, 43, 76, 110]


def test_pages_are_never_longer_than_they_may_be() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = episodes(*rng.integers(1, 90, 30))
        starts = np.append(page_starts(found, 40), found[-1].stop)
        assert starts[0] == 0
        assert (np.diff(starts) > 0).all()
        assert (np.diff(starts) <= 40).all()


def test_the_scale_covers_nearly_all_written_values(trace: Trace) -> None:
    rows = np.abs(trace["write/row"][:, 0])
    share = (rows[rows > 0] <= memory_scale(trace)).mean()
    assert 0.99 <= share < 1
    assert scales(trace).beta == trace["gate/beta"][:].max()
