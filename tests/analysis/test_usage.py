"""The queue of least recently accessed slots, against a ring that is moved one access at a time."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from samviz.analysis.usage import (
    FARTHEST,
    NEVER,
    NEXT,
    accesses,
    first_keys,
    last_keys,
    last_steps,
    queue,
    smallest,
)
from samviz.trace import Trace, open_trace
from samviz.trace.memory.accesses import step_keys
from tests.builders import add_start, make_dimensions, random_events, write_trace


def slow_rings(trace: Trace) -> tuple[list[list[int]], list[dict[int, int]]]:
    """For every step: the ring, front first, and each slot's last access, entry by entry."""
    d, rings, lasts = trace.dimensions, [], []
    columns = [(trace[f"{k}/slot"][:, 0], trace[f"{k}/weight"][:, 0]) for k in ("write", "read")]
    starts = {e.start for e in trace.episodes}
    ring: list[int] = []
    last: dict[int, int] = {}
    for t in range(len(trace)):
        if t in starts:
            before = trace.start_usage() if t == 0 else np.full(d.slots, NEVER)
            row = {s: row for row, s in enumerate(trace.start_slots().tolist()) if before[s] != NEVER}
            ring = sorted(range(d.slots), key=lambda s: (s in row, before[s], row.get(s, s)))
            last = {s: int(before[s]) for s in range(d.slots) if before[s] != NEVER}
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
    for start, stop in [(0, 90), (35, 65), (50, 51), (89, 90)]:
        check_queue(trace, start, stop)


def check_queue(trace: Trace, start: int, stop: int) -> None:
    """Against the rings."""
    rings, lasts = slow_rings(trace)
    found = queue(trace, start, stop)
    for t in range(start, stop):
        front = [s for s in found.slot[t - start].tolist() if s >= 0]
        assert front == rings[t][:NEXT]
        assert found.last[t - start].tolist()[: len(front)] == [lasts[t].get(s, NEVER) for s in front]
        assert found.never[t - start] == trace.dimensions.slots - len(lasts[t])


def test_ages_count_every_accessed_slot_once(trace: Trace) -> None:
    check_ages(trace, 10, 80)


def check_ages(trace: Trace, start: int, stop: int) -> None:
    """Against all ages, one by one."""
    _, lasts = slow_rings(trace)
    found = queue(trace, start, stop)
    for t in range(start, stop):
        ages = [t - last - (last < 0) for last in lasts[t].values()]
        expected = [sum((2**k >> 1) <= a <= 2**k - 1 for a in ages) for k in range(found.ages.shape[1])]
        assert found.ages[t - start].tolist() == expected
    np.testing.assert_array_equal(found.ages.sum(1) + found.never, trace.dimensions.slots)


def test_last_keys_agree_with_the_trace(trace: Trace) -> None:
    for t in (0, 17, 39, 40, 60, 89):
        keys = last_keys(trace, t)
        np.testing.assert_array_equal(last_steps(keys, step_keys(trace)), trace.usage(t))


def test_accesses_come_in_the_order_of_the_ring(trace: Trace) -> None:
    found = accesses(trace, 0, len(trace))
    assert (np.diff(found.key) > 0).all()
    np.testing.assert_array_equal(found.key // step_keys(trace), found.step)


def full_from_the_start(path: Path, last_access: list[int]) -> Trace:
    """Eight steps over twelve slots and three more; what is told of slots before them, in falling order."""
    sizes = make_dimensions(reads=1, heads=1)
    write_trace(path, random_events(np.random.default_rng(3), 11, sizes), sizes, [8])
    slots = range(len(last_access))[::-1]
    add_start(path, slots, [0] * len(slots), np.ones((len(slots), sizes.word_size)), last_access[::-1])
    return open_trace(path)


def test_a_memory_that_was_full_begins_with_its_last_accesses(tmp_path: Path) -> None:
    with full_from_the_start(tmp_path / "run.h5", [-2, -1, -40, -2, -3, -1, -700]) as trace:
        check_queue(trace, 0, 11)
        check_queue(trace, 4, 6)
        check_ages(trace, 0, 11)
        for t in range(11):
            keys = last_keys(trace, t)
            np.testing.assert_array_equal(last_steps(keys, step_keys(trace)), trace.usage(t))
        assert queue(trace, 0, 11).last.min() < NEVER


def test_what_was_accessed_in_one_step_before_is_in_the_order_of_the_rows(tmp_path: Path) -> None:
    with full_from_the_start(tmp_path / "run.h5", [-2, -1, -2, -3]) as trace:
        keys = first_keys(trace, 0)
        assert np.argsort(keys[[0, 2, 3]]).tolist() == [2, 1, 0]
        assert last_steps(keys, step_keys(trace))[:4].tolist() == [-2, -1, -2, -3]


def test_an_access_ages_ago_is_no_more_than_that(tmp_path: Path) -> None:
    with full_from_the_start(tmp_path / "run.h5", [-(2**62), -2]) as trace:
        assert last_steps(first_keys(trace, 0), step_keys(trace))[:3].tolist() == [-1 - FARTHEST, -2, NEVER]
        assert (queue(trace, 0, 8).ages.sum(1) + queue(trace, 0, 8).never == 12).all()


@given(st.lists(st.integers(-2, 6), max_size=30), st.integers(1, 9))
def test_the_smallest_come_in_order_ties_to_the_first(values: list[int], count: int) -> None:
    found = smallest(np.array(values, np.int64), count)
    assert found.tolist() == sorted(range(len(values)), key=lambda i: (values[i], i))[:count]
