"""A trace, read with bare h5py, satisfies SAM's equations entry by entry.

The memory is simulated once more here, in float64 and from the paper: only gates, queries, strengths and
write words are taken from the trace; memory, usage, choice of slots, weights and read words are computed and
compared.
"""

from pathlib import Path

import h5py
import numpy as np
import pytest

from samviz import session
from samviz.tasks import make_task

TOLERANCE = 1e-4


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


def close(found: np.ndarray, expected: np.ndarray, what: str) -> None:
    scale = max(np.abs(expected).max(), 1e-2)
    assert np.abs(found - expected).max() <= TOLERANCE * scale, what


def cosine(query: np.ndarray, row: np.ndarray) -> float:
    return query @ row / (np.linalg.norm(query) * np.linalg.norm(row) + 1e-6)


def merge(slots: np.ndarray, weights: np.ndarray) -> dict[int, float]:
    """One head's weights per slot; entries that name the same slot are summed."""
    merged: dict[int, float] = {}
    for slot, weight in zip(slots.tolist(), weights.tolist(), strict=True):
        if slot >= 0:
            merged[slot] = merged.get(slot, 0.0) + weight
    return merged


class Simulation:
    """One episode's memory, in plain lists and loops."""

    def __init__(self, attributes: h5py.AttributeManager, start: int) -> None:
        self.slots, self.heads, self.reads = (int(attributes[name]) for name in ("slots", "heads", "reads"))
        self.delta, self.start = float(attributes["access_threshold"]), start
        self.memory = np.zeros((self.slots, int(attributes["word_size"])))
        self.order = list(range(self.slots))  # least recently accessed first
        self.last_access = np.full(self.slots, -1)
        self.live: set[int] = set()
        self.read_slot = np.full((self.heads, self.reads), -1)
        self.read_weight = np.zeros((self.heads, self.reads))
        self.reused = 0

    def write(self, alpha: np.ndarray, gamma: np.ndarray, word: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        taken = np.array(self.order[: self.heads])
        slot = np.concatenate([self.read_slot, taken[:, None]], axis=1)
        fresh = np.ones((self.heads, 1))
        weight = alpha[:, None] * np.concatenate(
            [gamma[:, None] * self.read_weight, (1 - gamma[:, None]) * fresh], axis=1
        )
        self.reused += int((self.last_access[taken] >= 0).sum())
        self.live |= set(taken.tolist())
        self.memory[taken] = 0
        for head in range(self.heads):
            for place, share in merge(slot[head], weight[head]).items():
                self.memory[place] += share * word[head]
        return slot, weight

    def read(self, query: np.ndarray, beta: np.ndarray, recorded: np.ndarray) -> tuple[np.ndarray, ...]:
        slot, weight = np.full((self.heads, self.reads), -1), np.zeros((self.heads, self.reads))
        score = np.zeros((self.heads, self.reads))
        for head in range(self.heads):
            cosines = {i: cosine(query[head], self.memory[i]) for i in sorted(self.live)}
            best = sorted(cosines, key=lambda i: (-cosines[i], i))[: self.reads]
            chosen = [int(s) for s in recorded[head] if s >= 0]
            if chosen != best:  # only at ties closer than the tolerance
                assert len(set(chosen)) == len(best)
                close(np.array([cosines[i] for i in chosen]), np.array([cosines[i] for i in best]), "a tie")
                best = chosen
            slot[head, : len(best)] = best
            score[head, : len(best)] = [cosines[i] for i in best]
            exponent = np.exp(beta[head] * score[head, : len(best)])
            weight[head, : len(best)] = exponent / exponent.sum()
        word = np.einsum("hk,hkw->hw", weight, self.memory[slot.clip(min=0)])
        return slot, weight, score, word

    def access(self, slot: np.ndarray, weight: np.ndarray, step: int) -> None:
        for head in range(self.heads):
            merged = merge(slot[head], weight[head])
            for place in slot[head].tolist():
                if place >= 0 and merged[place] > self.delta:
                    self.order.remove(place)
                    self.order.append(place)
                    self.last_access[place] = step

    def age(self, slot: np.ndarray) -> np.ndarray:
        known = self.last_access[slot.clip(min=0)]
        return np.where((slot < 0) | (known < 0), -1, known)


def check_step(simulation: Simulation, f: h5py.File, t: int) -> None:
    def entry(name: str) -> np.ndarray:
        return f[name][t, 0]

    slot, weight = simulation.write(
        entry("gate/alpha"), entry("gate/gamma"), entry("write/word").astype("f8")
    )
    assert np.array_equal(entry("write/slot"), slot), "write slots, the least recently accessed one last"
    close(entry("write/weight"), weight, "write weights")
    used = slot >= 0
    close(entry("write/row")[used], simulation.memory[slot[used]], "rows at the end of the step")
    query, beta = entry("read/query").astype("f8"), entry("gate/beta").astype("f8")
    read_slot, read_weight, score, word = simulation.read(query, beta, entry("read/slot"))
    assert np.array_equal(entry("read/slot"), read_slot), "read slots"
    close(entry("read/weight"), read_weight, "read weights")
    close(entry("read/score"), score, "cosines")
    close(entry("read/word"), word, "read words")
    assert np.array_equal(entry("usage/write"), simulation.age(slot)), "usage of the written slots"
    assert np.array_equal(entry("usage/read"), simulation.age(read_slot)), "usage of the read slots"
    simulation.access(slot, weight, t)
    simulation.access(read_slot, read_weight, t)
    simulation.read_slot, simulation.read_weight = read_slot, read_weight


def test_every_step_follows_from_gates_queries_and_words(trace: Path) -> None:
    reused = 0
    with h5py.File(trace) as f:
        steps, episode = int(f["n_steps"][0]), f["episode"][:, 0]
        simulation = None
        for t in range(steps):
            if simulation is None or episode[t] != episode[t - 1]:
                simulation = Simulation(f.attrs, t)
            check_step(simulation, f, t)
            reused += simulation.reused
        assert steps == len(episode)
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
