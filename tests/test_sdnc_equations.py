"""A trace of an SDNC, read with bare h5py, satisfies its equations entry by entry, and so do its links.

As in test_equations.py all is computed once more (tests/simulation.py) from gates, modes, queries, strengths
and write words, the reads of earlier steps included. Only the order of a read's entries is the trace's own.
The link tables are not in a trace, but what they led to is.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz import session
from samviz.kernels.follow import follow, follow_scratch
from samviz.kernels.link_tables import Table, empty_links
from samviz.kernels.links import advance_links, link_scratch
from tests.builders import fresh_checkpoint
from tests.simulation import SDNCSimulation, check_trace

MEMORIES = {
    "64-slots": {"slots": 64},
    "9-slots": {"slots": 9, "heads": 2},
    "4-slots": {"slots": 4, "heads": 1, "reads": 2},
    "2-links": {"slots": 40, "links": 2},
    "1-link": {"slots": 12, "heads": 3, "reads": 3, "links": 1},
}
ITEMS = 14
EPISODES = 4
REPLAYED = (
    *("read/slot", "read/weight", "write/slot", "write/weight"),
    *(f"link/{name}_{part}" for name in ("precedence", "forward", "backward") for part in ("slot", "weight")),
)


@pytest.fixture(scope="module", params=MEMORIES)
def trace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights so large that gates and modes open and shut: memories large and small, links enough and few."""
    folder = tmp_path_factory.mktemp(request.param)
    checkpoint = fresh_checkpoint(folder / "run", "sdnc", scale=6.0, word_size=8, **MEMORIES[request.param])
    task = checkpoint.task(min_items=ITEMS, max_items=ITEMS)
    session.record(checkpoint, task, checkpoint.model(), folder / "a.h5", episodes=EPISODES, seed=5)
    return folder / "a.h5"


def test_every_step_follows_from_gates_modes_queries_and_words(trace: Path) -> None:
    episodes = check_trace(trace, SDNCSimulation)
    with h5py.File(trace) as f:
        few_slots = f.attrs["slots"] < f.attrs["heads"] * (2 * ITEMS + 1)
        links, mode = f.attrs["links"], f["gate/mode"][:]
    assert len(episodes) == EPISODES
    for simulation in episodes:
        assert not few_slots or simulation.reused > 0, "small memories must reuse slots"
        assert links == 8 or simulation.dropped > 0, "few links must be cut off"
        assert simulation.led > 0, "links must lead where content did not"
    assert (mode.max((0, 1, 2)) > 0.7).all(), "every mode must be chosen"
    assert (mode.min((0, 1, 2)) < 0.1).all(), "every mode must be left out"


def test_weights_obey_their_laws(trace: Path) -> None:
    with h5py.File(trace) as f:
        for name in ("read/", "write/", "link/precedence_", "link/forward_", "link/backward_"):
            slot, weight = f[f"{name}slot"][:], f[f"{name}weight"][:]
            assert (weight >= 0).all(), name
            assert (weight[slot < 0] == 0).all(), name
            assert (weight.astype("f8").sum(-1) <= 1 + 1e-5).all(), name
            if name.startswith("link/"):
                assert (weight[slot >= 0] > 0).all(), name
                assert (np.diff(weight) <= 0).all(), "largest first"
        np.testing.assert_allclose(f["gate/mode"][:].sum(-1), 1, atol=1e-5)


def test_replayed_links_are_those_of_the_model_bit_for_bit(trace: Path) -> None:
    with h5py.File(trace) as f:
        episode = f["episode"][:, 0]
        column = {name: f[name][:, 0] for name in REPLAYED}
        slots, links = int(f.attrs["slots"]), int(f.attrs["links"])
    _, heads, entries = column["read/slot"].shape
    reads = column["link/forward_slot"].shape[-1]
    mark, found = np.full(slots, -1, np.int32), np.empty(reads, np.int32)
    weight, link = np.empty(reads, np.float32), np.empty((reads, entries), np.float32)
    for t in range(len(episode)):
        if t == 0 or episode[t] != episode[t - 1]:
            tables = empty_links(1, heads, slots, links, np.float32)
            last = np.full((heads, entries), -1, np.int32), np.zeros((heads, entries), np.float32)
        scratch = link_scratch(tables, entries + 1)
        advance_links(tables, 0, column["write/slot"][t], column["write/weight"][t], mark, scratch)
        assert np.array_equal(tables.precedence_slot[0], column["link/precedence_slot"][t])
        assert np.array_equal(tables.precedence_weight[0], column["link/precedence_weight"][t])
        sides = {
            "forward": (tables.after_slot, tables.after_weight),
            "backward": (tables.before_slot, tables.before_weight),
        }
        for name, (slot_table, weight_table) in sides.items():
            for head in range(heads):
                table = Table(slot_table[0, head], weight_table[0, head])
                room = follow_scratch(tables, entries)
                follow(table, last[0][head], last[1][head], mark, room, found, weight, link)
                assert np.array_equal(found, column[f"link/{name}_slot"][t, head]), name
                assert np.array_equal(weight, column[f"link/{name}_weight"][t, head]), name
        last = column["read/slot"][t], column["read/weight"][t]
