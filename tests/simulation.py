"""The sparse models once more, in float64, from the page that defines them and nothing of samviz.

A simulation is told the gates, queries and write words that a trace holds, step by step; memory, usage,
choice of slots, links, weights and read words it computes itself. `check_trace` compares them with the trace,
which is read with bare h5py. What the trace decided at a tie closer than the tolerance is taken over.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import h5py
import numpy as np

TOLERANCE = 1e-4

Array = np.ndarray[Any, Any]
Told = Callable[[str], Array]  # what the trace says at one step, by dataset name


class Read(NamedTuple):
    """What every head read."""

    slot: Array  # [H, R], -1 where there is no entry
    weight: Array  # [H, R]
    score: Array  # [H, R]


def close(found: Array, expected: Array, what: str) -> None:
    """Equal within the tolerance of float32 arithmetic."""
    scale = max(np.abs(expected).max(), 1e-2)
    assert np.abs(found - expected).max() <= TOLERANCE * scale, what


def cosine(query: Array, row: Array) -> float:
    """The similarity of eq. 4, 0 for a zero query or row."""
    return float(query @ row / (np.linalg.norm(query) * np.linalg.norm(row) + 1e-6))


def merge(slots: Array, weights: Array) -> dict[int, float]:
    """One head's weights per slot; entries that name the same slot are summed."""
    merged: dict[int, float] = {}
    for slot, weight in zip(slots.tolist(), weights.tolist(), strict=True):
        if slot >= 0:
            merged[slot] = merged.get(slot, 0.0) + weight
    return merged


def largest(values: Mapping[int, float], most: int, recorded: Sequence[int], what: str) -> list[int]:
    """The slots of the largest values, ties to the lower slot; at a tie within the tolerance as recorded."""
    best = sorted(values, key=lambda i: (-values[i], i))[:most]
    chosen = [int(slot) for slot in recorded if slot >= 0]
    if chosen != best:
        assert len(set(chosen)) == len(chosen) <= most, what
        gap = [0.0] * (most - len(chosen)), [0.0] * (most - len(best))
        close(
            np.array([values.get(i, 0.0) for i in chosen] + gap[0]),
            np.array([values[i] for i in best] + gap[1]),
            what,
        )
    return chosen


class Simulation:
    """One episode's memory of a SAM, in plain lists and loops."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        self.slots, self.heads, self.reads = (int(attributes[name]) for name in ("slots", "heads", "reads"))
        self.delta, entries = float(attributes["access_threshold"]), int(attributes["read_entries"])
        self.memory = np.zeros((self.slots, int(attributes["word_size"])))
        self.order = list(range(self.slots))  # least recently accessed first
        self.last_access = np.full(self.slots, -1)
        self.live: set[int] = set()
        self.last = Read(*(np.full((self.heads, entries), nothing) for nothing in (-1, 0.0, 0.0)))
        self.reused = 0

    def write(self, told: Told) -> tuple[Array, Array]:
        """Take a slot for every head, erase them all, then add; slots and weights [H, E]."""
        alpha, gamma, word = (told(name) for name in ("gate/alpha", "gate/gamma", "write/word"))
        taken = np.array(self.order[: self.heads])
        slot = np.concatenate([self.last.slot, taken[:, None]], axis=1)
        fresh = np.ones((self.heads, 1))
        weight = alpha[:, None] * np.concatenate(
            [gamma[:, None] * self.last.weight, (1 - gamma[:, None]) * fresh], axis=1
        )
        self.reused += int((self.last_access[taken] >= 0).sum())
        self.live |= set(taken.tolist())
        self.memory[taken] = 0
        for head in range(self.heads):
            for place, share in merge(slot[head], weight[head]).items():
                self.memory[place] += share * word[head]
        return slot, weight

    def read(self, told: Told) -> Read:
        """What the heads read of the memory after the write."""
        slot, weight, score = (np.full_like(part, -1 if part.dtype == int else 0) for part in self.last)
        for head in range(self.heads):
            found = self.content(told, head, told("read/slot")[head])
            n = len(found)
            slot[head, :n] = list(found)
            weight[head, :n], score[head, :n] = np.array(list(found.values())).T
        return Read(slot, weight, score)

    def content(self, told: Told, head: int, recorded: Sequence[int]) -> dict[int, tuple[float, float]]:
        """The live slots nearest to the query, with softmax weights and cosines (eq. 2 and 4)."""
        query, beta = told("read/query")[head], told("gate/beta")[head]
        cosines = {i: cosine(query, self.memory[i]) for i in sorted(self.live)}
        chosen = largest(cosines, self.reads, recorded, "the nearest words")
        assert len(chosen) == min(self.reads, len(self.live))
        exponent = {i: np.exp(beta * cosines[i]) for i in chosen}
        return {i: (exponent[i] / sum(exponent.values()), cosines[i]) for i in chosen}

    def access(self, slot: Array, weight: Array, step: int) -> None:
        """Move what was accessed with a weight above delta to the back of the queue."""
        for head in range(self.heads):
            merged = merge(slot[head], weight[head])
            for place in slot[head].tolist():
                if place >= 0 and merged[place] > self.delta:
                    self.order.remove(place)
                    self.order.append(place)
                    self.last_access[place] = step

    def age(self, slot: Array) -> Array:
        """When the slots were last accessed, -1 never or no entry."""
        known = self.last_access[slot.clip(min=0)]
        return np.where((slot < 0) | (known < 0), -1, known)

    def check_step(self, told: Told, step: int) -> None:
        """Go one step on, and compare everything with what the trace says."""
        slot, weight = self.write(told)
        assert np.array_equal(told("write/slot"), slot), "write slots, the least recently accessed one last"
        close(told("write/weight"), weight, "write weights")
        used = slot >= 0
        close(told("write/row")[used], self.memory[slot[used]], "rows at the end of the step")
        read = self.read(told)
        assert np.array_equal(told("read/slot"), read.slot), "read slots"
        close(told("read/weight"), read.weight, "read weights")
        score, known = told("read/score"), ~np.isnan(read.score)
        assert np.array_equal(~np.isnan(score), known), "which entries have a cosine"
        close(score[known], read.score[known], "cosines")
        word = np.einsum("hk,hkw->hw", read.weight, self.memory[read.slot.clip(min=0)])
        close(told("read/word"), word, "read words")
        assert np.array_equal(told("usage/write"), self.age(slot)), "usage of the written slots"
        assert np.array_equal(told("usage/read"), self.age(read.slot)), "usage of the read slots"
        self.access(slot, weight, step)
        self.access(read.slot, read.weight, step)
        self.last = read


class SDNCSimulation(Simulation):
    """The same with temporal links, one dense matrix a head of which L entries a row and column are kept."""

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self.links = int(attributes["links"])
        self.link = np.zeros((self.heads, self.slots, self.slots))  # Lambda(i, j): i written right after j
        self.precedence = np.zeros((self.heads, self.slots))
        self.dropped = 0  # links that truncation cost
        self.led = 0  # read entries that a link alone led to

    def write(self, told: Told) -> tuple[Array, Array]:
        """SAM's write, then the links it makes."""
        slot, weight = super().write(told)
        for head in range(self.heads):
            written = np.zeros(self.slots)
            for place, share in merge(slot[head], weight[head]).items():
                written[place] = share
            recorded = told("link/precedence_slot")[head]
            self.advance(head, slot[:, -1], written, recorded)
            close(told("link/precedence_weight")[head], at(self.precedence[head], recorded), "precedence")
        return slot, weight

    def advance(self, head: int, taken: Array, w: Array, recorded: Array) -> None:
        """The links and the precedence of one head, rules 1 to 5."""
        link, p = self.link[head], self.precedence[head]
        link[taken], link[:, taken], p[taken] = 0, 0, 0  # 1
        link *= (1 - w[:, None] - w).clip(min=0)  # 2
        link += np.outer(w, p)  # 3
        np.fill_diagonal(link, 0)
        before = np.count_nonzero(link)
        for i in np.flatnonzero(w):  # 4
            self.truncate(link[i])
        for j in np.flatnonzero(p):
            self.truncate(link[:, j])
        self.dropped += before - np.count_nonzero(link)
        p = max(1 - w.sum(), 0) * p + w  # 5
        kept = largest(positive(p), self.links, recorded, "slots of the precedence")
        self.precedence[head] = 0
        self.precedence[head, kept] = p[kept]
        assert max(link.sum(0).max(), link.sum(1).max(), p.sum()) <= 1 + 1e-12, "sums of the links"

    def truncate(self, line: Array) -> None:
        """Keep the L largest of a row or column, in place; ties to the lower slot."""
        line[np.argsort(-line, kind="stable")[self.links :]] = 0

    def follow(self, told: Told, name: str, head: int) -> dict[int, float]:
        """Where the links led from the last read: the K largest of Lambda w, or of its transpose."""
        start = np.zeros(self.slots)
        for place, share in merge(self.last.slot[head], self.last.weight[head]).items():
            start[place] = share
        matrix = self.link[head] if name == "forward" else self.link[head].T
        values = matrix @ start
        recorded = told(f"link/{name}_slot")[head]
        chosen = largest(positive(values), self.reads, recorded, f"slots of {name}")
        close(told(f"link/{name}_weight")[head], at(values, recorded), name)
        return {i: values[i] for i in chosen}

    def read(self, told: Told) -> Read:
        """pi_b b + pi_c c + pi_f f, slots merged; the entries lie in the order of the trace."""
        slot, mode = told("read/slot"), told("gate/mode")
        weight, score = np.zeros(slot.shape), np.zeros(slot.shape)
        for head in range(self.heads):
            by_content = slot[head, ~np.isnan(told("read/score")[head])]
            content = self.content(told, head, by_content)
            backward, forward = (self.follow(told, name, head) for name in ("backward", "forward"))
            mixed: dict[int, float] = {}
            shares = ((backward, 0), ({i: share for i, (share, _) in content.items()}, 1), (forward, 2))
            for found, k in shares:
                for i, share in found.items():
                    mixed[i] = mixed.get(i, 0.0) + mode[head, k] * share
            entries = [int(i) for i in slot[head] if i >= 0]
            assert len(entries) == len(set(entries)), "every slot once"
            assert set(entries) == set(mixed), "slots that content or a link led to"
            weight[head, : len(entries)] = [mixed[i] for i in entries]
            score[head, : len(entries)] = [content[i][1] if i in content else np.nan for i in entries]
            self.led += len(set(mixed) - set(content))
        return Read(slot.astype(int), weight, score)


def at(values: Array, slot: Array) -> Array:
    """The values of the slots of one head's entries, 0 where there is no entry."""
    return np.where(slot < 0, 0, values[slot])


def positive(values: Array) -> dict[int, float]:
    """The entries above 0, by slot."""
    return {int(i): float(values[i]) for i in np.flatnonzero(values > 0)}


Kind = TypeVar("Kind", bound=Simulation)


def check_trace(path: Path, kind: type[Kind]) -> list[Kind]:
    """Compare every step of a trace; returns the simulations of its episodes as they ended."""
    with h5py.File(path) as file:
        n_steps, episode = int(file["n_steps"][0]), file["episode"][:, 0]
        columns = {
            f"{group}/{name}": file[group][name][:n_steps, 0]
            for group in ("read", "write", "usage", "gate", "link")
            if group in file
            for name in file[group]
        }
        simulations: list[Kind] = []
        for t in range(n_steps):
            if t == 0 or episode[t] != episode[t - 1]:
                simulations.append(kind(file.attrs))
            simulations[-1].check_step(at_step(columns, t), t)
    return simulations


def at_step(columns: Mapping[str, Array], t: int) -> Told:
    """What the columns say at step t, floats as float64."""

    def told(name: str) -> Array:
        value = columns[name][t]
        return value.astype(np.float64) if value.dtype.kind == "f" else value

    return told
