"""A trace, read with bare h5py, satisfies SAM's equations entry by entry.

The memory is simulated once more (tests/simulation.py), in float64 and from the paper: only gates, queries,
strengths and write words are taken from the trace; memory, usage, choice of slots, weights and read words are
computed and compared.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz import session
from samviz.tasks import make_task
from tests.simulation import Simulation, check_trace, close


@pytest.fixture(
    scope="module",
    params=[{}, {"slots": 13}, {"max_items": 40}, {"slots": 5, "min_items": 9, "max_items": 9}],
    ids=["shipped", "13-slots", "long", "5-slots"],
)
def trace(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped recall model's trace: as it comes, and with memories so small that slots are reused."""
    settings = dict(request.param)
    checkpoint = session.shipped_checkpoint("recall", "sam")
    model = checkpoint.model(**({"slots": settings.pop("slots")} if "slots" in settings else {}))
    path = tmp_path_factory.mktemp("trace") / "recall.h5"
    task = make_task("recall", checkpoint.recipe["task"]["settings"] | settings)
    session.record(checkpoint, task, model, path, episodes=8, seed=5)
    return path


def test_every_step_follows_from_gates_queries_and_words(trace: Path) -> None:
    reused = sum(simulation.reused for simulation in check_trace(trace, Simulation))
    with h5py.File(trace) as f:
        steps = int(f["n_steps"][0])
        assert steps == len(f["episode"])
        assert (reused > 0) == (f.attrs["slots"] < 64 or steps > 8 * 14), "small memories must reuse slots"


def test_losses_and_sources_are_those_of_the_task(trace: Path) -> None:
    with h5py.File(trace) as f:
        mask, source = f["io/mask"][:, 0] == 1, f["io/source"][:, 0, 0]
        output, target = f["io/output"][:, 0].astype("f8"), f["io/target"][:, 0]
        bits = np.logaddexp(0, np.where(target == 1, -output, output)).sum(1) / np.log(2)
        close(f["io/loss"][:, 0], np.where(mask, bits, 0), "loss in bits")
        assert mask.sum() == 8
        for t in np.flatnonzero(mask):
            assert np.array_equal(f["io/input"][source[t], 0, :8], target[t])
            assert f["episode"][source[t], 0] == f["episode"][t, 0]
