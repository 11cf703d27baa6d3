"""The queue of least recently accessed slots, against a ring that is moved one access at a time."""

import numpy as np

from samviz.analysis.usage import NEVER, NEXT, accesses, last_keys, positions, queue
from samviz.trace import Trace


def slow_rings(trace: Trace) -> tuple[list[list[int]], list[dict[int, int]]]:
    """For every step: the ring, front first, and each slot's last access, entry by entry."""
    d, rings, lasts = trace.dimensions, [], []
    columns = [(trace[f"{k}/slot"][:, 0], trace[f"{k}/weight"][:, 0]) for k in ("write", "read")]
    starts = {e.start for e in trace.episodes}
    ring: list[int] = []
    last: dict[int, int] = {}
    for t in range(len(trace)):
        if t in starts:
            ring, last = list(range(d.slots)), {}
        for slot, weight in columns:
            for head in range(d.heads):
                for s in slot[t, head]:
                    if s >= 0 and weight[t, head][slot[t, head] == s].sum() > trace.access_threshold:
                        ring.remove(s)
                        ring.append(int(s))
                        last[int(s)] = t
        rings.append(list(ring))
        lasts.append(dict(last))
    return rings, lasts


def test_the_queue_is_the_front_of_the_ring(trace: Trace) -> None:
    rings, lasts = slow_rings(trace)
    for start, stop in [(0, 90), (35, 65), (50, 51), (89, 90)]:
        found = queue(trace, start, stop)
        for t in range(start, stop):
            front = [s for s in found.slot[t - start].tolist() if s >= 0]
            assert front == rings[t][:NEXT]
            assert found.last[t - start].tolist()[: len(front)] == [lasts[t].get(s, NEVER) for s in front]
            assert found.never[t - start] == trace.dimensions.slots - len(lasts[t])


def test_ages_count_every_accessed_slot_once(trace: Trace) -> None:
    _, lasts = slow_rings(trace)
    found = queue(trace, 10, 80)
    for t in range(10, 80):
        ages = [t - last for last in lasts[t].values()]
        expected = [sum((2**k >> 1) <= a <= 2**k - 1 for a in ages) for k in range(found.ages.shape[1])]
        assert found.ages[t - 10].tolist() == expected
    np.testing.assert_array_equal(found.ages.sum(1) + found.never, trace.dimensions.slots)


def test_last_keys_agree_with_the_trace(trace: Trace) -> None:
    for t in (0, 17, 39, 40, 60, 89):
        keys = last_keys(trace, t)
        np.testing.assert_array_equal(np.where(keys < 0, NEVER, keys // positions(trace)), trace.usage(t))


def test_accesses_come_in_the_order_of_the_ring(trace: Trace) -> None:
    found = accesses(trace, 0, len(trace))
    assert (np.diff(found.key) > 0).all()
    np.testing.assert_array_equal(found.key // positions(trace), found.step)
