"""Who wrote what a read found, the events of a slot, and the memory before a step."""

import numpy as np
import pytest

from samviz.analysis.history import ERASE, READ, WRITE, last_writes_at_reads, rows_before, slot_events
from samviz.trace import Trace


def test_last_writes_equal_a_walk_back_through_the_episode(trace: Trace) -> None:
    step, weight = last_writes_at_reads(trace, 30, 70)
    slots, weights = trace["write/slot"][:, 0], trace["write/weight"][:, 0]
    erased = 0
    for t in range(30, 70):
        first = trace.episode_at(t).start
        for at, slot in np.ndenumerate(trace["read/slot"][t, 0]):
            found = (-1, 0.0)
            for s in range(t, first - 1, -1):
                whole = np.where(slots[s] == slot, weights[s], 0).sum(-1)  # of each head at the slot
                if slot >= 0 and (whole > trace.access_threshold).any():
                    found = (s, whole.max())
                    break
                if (slots[s][:, -1] == slot).any():  # erased here, and no write above the threshold since
                    erased += 1
                    break
            assert step[(t - 30, *at)] == found[0]
            assert weight[(t - 30, *at)] == pytest.approx(found[1], rel=1e-6)
    assert erased > 0


def test_events_of_a_slot(trace: Trace) -> None:
    delta = trace.access_threshold
    for slot in range(trace.dimensions.slots):
        step, kind = slot_events(trace, slot)
        expected = {}
        for t in range(len(trace)):
            flags = 0
            for name, flag in (("read", READ), ("write", WRITE)):
                here = trace[f"{name}/slot"][t, 0] == slot
                whole = np.where(here, trace[f"{name}/weight"][t, 0], 0).sum(-1)
                flags |= flag * bool((whole > delta).any())
            flags |= ERASE * bool((trace["write/slot"][t, 0][:, -1] == slot).any())
            if flags:
                expected[t] = flags
        assert dict(zip(step.tolist(), kind.tolist(), strict=True)) == expected


def test_a_memory_starts_afresh_with_its_episode(trace: Trace) -> None:
    slots = np.arange(trace.dimensions.slots)
    for t in (0, 40, 60):
        assert not rows_before(trace, t, slots).any()
    for t in (1, 39, 59, 89):
        np.testing.assert_array_equal(rows_before(trace, t, slots), trace.memory(t - 1))
