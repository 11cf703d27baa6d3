"""The demo is a SAM's memory by the equations, and there is something to see in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.analysis.errors import all_wrong_counts
from samviz.demo import Demo, generate
from samviz.demo.script import scripts
from samviz.errors import ConfigError
from samviz.kernels.script import ASK, REVISE, STORE
from samviz.kernels.scripted import EXACT_BELOW
from samviz.trace import Trace, open_trace
from tests.simulation import Simulation, check_trace, close


def made(path: Path, **sizes: Any) -> Path:
    demo = Demo(**sizes)
    assert generate(demo, path) == demo.steps
    return path


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    """The trace that `samviz demo` makes by default."""
    return open_trace(made(tmp_path_factory.mktemp("demo") / "demo.h5"))


@pytest.mark.parametrize(
    "sizes",
    [
        {"steps": 400, "slots": 200},
        {"steps": 1100, "slots": 16, "seed": 3},
        {"steps": 60, "slots": 4, "word_size": 4},
        {"steps": 90, "slots": 30, "heads": 1, "reads": 3, "word_size": 9},
        {"steps": 90, "slots": 30, "heads": 3, "reads": 1},
        {"steps": 1, "slots": 5, "heads": 2, "reads": 5},
    ],
)
def test_every_step_follows_from_the_equations(tmp_path: Path, sizes: dict[str, int]) -> None:
    (simulation,) = check_trace(made(tmp_path / "demo.h5", **sizes), Simulation)
    assert (simulation.reused > 0) == (sizes["steps"] > 1), "small memories must reuse slots"


def test_what_a_large_memory_reads_are_the_nearest_words(tmp_path: Path) -> None:
    path = made(tmp_path / "demo.h5", steps=4000, slots=3 * EXACT_BELOW, seed=1)
    found, asked = 0, 0
    with open_trace(path) as trace:
        for t in np.linspace(3000, 3999, 12).astype(int).tolist():
            live = int(trace["write/slot"][: t + 1].max()) + 1
            assert live > EXACT_BELOW
            rows, query = (
                trace.memory(t, np.arange(live)).astype(float),
                trace["read/query"][t, 0].astype(float),
            )
            lengths = np.linalg.norm(query, axis=1)[:, None] * np.linalg.norm(rows, axis=1) + 1e-6
            cosine = query @ rows.T / lengths
            slot, score = trace["read/slot"][t, 0], trace["read/score"][t, 0]
            close(score, np.take_along_axis(cosine, slot, 1), "cosines")
            assert (np.diff(score) <= 0).all()
            nearest = np.sort(cosine, axis=1)[:, : -trace.dimensions.reads - 1 : -1]
            found += int((np.abs(nearest - score) < 1e-4).sum())
            asked += slot.size
    assert found / asked > 0.95  # of an item that was overwritten the script knows no neighbours


def test_there_are_right_wrong_and_overwritten_answers_at_all_lags(trace: Trace) -> None:
    wrong, source = all_wrong_counts(trace), trace["io/source"][:, 0, 0]
    asked = np.flatnonzero(wrong >= 0)
    lag = asked - source[asked]
    assert (source[asked] >= 0).all()
    assert (lag > 0).all()
    assert lag.min() == 1
    assert lag.max() > len(trace) / 2
    share = (wrong[asked] > 0).mean()
    assert 0.02 < share < 0.3
    stored = trace["io/input"][source[asked], 0, 28] == 1
    assert (wrong[asked][(lag < 20) & stored] == 0).all(), "what was just stored is known"
    assert np.median(lag[wrong[asked] > 0]) > np.median(lag[wrong[asked] == 0])


def test_an_answer_is_the_value_that_its_source_told(trace: Trace) -> None:
    shown, kind = trace["io/input"][:, 0, 20:28], trace["io/input"][:, 0, 28:].argmax(1)
    target, source, key = trace["io/target"][:, 0], trace["io/source"][:, 0, 0], trace["io/input"][:, 0, :20]
    asked = np.flatnonzero(trace["io/mask"][:, 0])
    np.testing.assert_array_equal(kind == ASK, trace["io/mask"][:, 0] == 1)
    np.testing.assert_array_equal(target[asked], shown[source[asked]])
    np.testing.assert_array_equal(key[asked], key[source[asked]])
    assert {STORE, REVISE} == set(kind[source[asked]].tolist())


def test_losses_are_cross_entropies_in_bits(trace: Trace) -> None:
    output, target = trace["io/output"][:, 0].astype("f8"), trace["io/target"][:, 0]
    bits = np.logaddexp(0, np.where(target == 1, -output, output)).sum(1) / np.log(2)
    close(trace["io/loss"][:, 0], np.where(trace["io/mask"][:, 0] == 1, bits, 0), "loss in bits")


def test_the_seed_determines_the_trace(tmp_path: Path) -> None:
    sizes = {"steps": 150, "slots": 40}
    traces = [
        open_trace(made(tmp_path / f"{name}.h5", **sizes, seed=seed))
        for name, seed in (("a", 7), ("b", 7), ("c", 8))
    ]
    for name in traces[0].datasets:
        first, same, other = (trace[name][:] for trace in traces)
        np.testing.assert_array_equal(first, same)
        assert name == "episode" or not np.array_equal(first, other, equal_nan=True)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    steps=st.integers(1, 300),
    heads=st.integers(1, 4),
    window=st.integers(1, 80),
)
def test_a_script_asks_for_what_it_stored_and_revises_what_it_asked(
    seed: int, steps: int, heads: int, window: int
) -> None:
    parts = list(scripts(seed, steps, heads, window))
    kind, item, wanted = (np.concatenate(column) for column in zip(*parts, strict=True))
    assert len(kind) == steps
    assert kind[0] == STORE
    stored = np.cumsum(kind == STORE)
    np.testing.assert_array_equal(item[kind == STORE], np.arange(stored[-1]))
    assert (wanted >= 0).all()
    assert (wanted < stored[:, None]).all()
    np.testing.assert_array_equal(wanted[:, 0], item)
    revised = np.flatnonzero(kind == REVISE)
    assert (kind[revised - 1] == ASK).all()
    np.testing.assert_array_equal(item[revised], item[revised - 1])


def test_a_stop_keeps_the_windows_that_were_made(tmp_path: Path) -> None:
    done: list[int] = []
    demo = Demo(steps=5000, slots=64)
    made = generate(demo, tmp_path / "a.h5", report=done.append, stop=lambda: sum(done) >= 2000)
    assert made == sum(done) == 2048
    with open_trace(tmp_path / "a.h5") as trace:
        assert len(trace) == 2048
        assert trace.status == "complete"


@pytest.mark.parametrize(
    "sizes",
    [
        {"slots": 3},
        {"heads": 2, "reads": 9, "slots": 8},
        {"word_size": 3},
        {"steps": 0},
        {"steps": 2**31},
        {"seed": -1},
        {"seed": 2**63},
    ],
)
def test_sizes_that_no_memory_can_have_are_refused(sizes: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"must be .*, found"):
        Demo(**sizes)
