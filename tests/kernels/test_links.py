"""The links: against dense matrices, against the laws they obey, and against the DNC's own recurrence."""

from typing import NamedTuple

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.kernels.arrays import LinkArrays
from samviz.kernels.follow import follow, follow_scratch
from samviz.kernels.link_tables import Table, empty_links
from samviz.kernels.links import advance_links, link_scratch
from samviz.model import linkage

Array = np.ndarray


class Sizes(NamedTuple):
    heads: int
    slots: int
    links: int
    entries: int


@st.composite
def sizes(draw: st.DrawFn) -> Sizes:
    heads = draw(st.integers(1, 3))
    return Sizes(heads, draw(st.integers(heads + 1, 14)), draw(st.integers(1, 10)), draw(st.integers(2, 5)))


def random_write(rng: np.random.Generator, of: Sizes) -> tuple[Array, Array]:
    """Entries as a model makes them: some unused, slots that repeat, the heads' last ones all different."""
    slot = rng.integers(-1, of.slots, (of.heads, of.entries)).astype(np.int32)
    slot[:, -1] = rng.permutation(of.slots)[: of.heads]
    weight = rng.dirichlet(np.full(of.entries, 0.5), of.heads) * rng.choice([0.0, 0.3, 1.0], (of.heads, 1))
    weight[rng.random(weight.shape) < 0.2] = 0
    return slot, np.where(slot < 0, 0, weight)


class Run:
    """The tables of one element and all that a step needs."""

    def __init__(self, of: Sizes, dtype: type = np.float64) -> None:
        self.tables = empty_links(1, of.heads, of.slots, of.links, dtype)
        self.scratch = link_scratch(self.tables, of.entries)
        self.mark = np.full(of.slots, -1, np.int32)

    def advance(self, slot: Array, weight: Array) -> None:
        advance_links(self.tables, 0, slot, weight, self.mark, self.scratch)
        assert (self.mark == -1).all()

    def dense(self, *, columns: bool = False) -> linkage.Links:
        tables = self.tables
        if columns:
            tables = tables._replace(before_slot=tables.after_slot, before_weight=tables.after_weight)
        return linkage.to_dense(LinkArrays(*(torch.from_numpy(part) for part in tables)), len(self.mark))


@settings(max_examples=150, deadline=None)
@given(of=sizes(), seed=st.integers(0, 2**32 - 1))
def test_the_tables_are_the_dense_matrices(of: Sizes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    run = Run(of)
    expected = run.dense()
    for _ in range(25):
        slot, weight = random_write(rng, of)
        run.advance(slot, weight)
        slots = torch.from_numpy(slot).long()[None]
        expected = linkage.advance(expected, slots[..., -1], slots, torch.from_numpy(weight)[None], of.links)
        found = run.dense()
        assert torch.equal(found.link, run.dense(columns=True).link.mT)
        assert torch.allclose(found.link, expected.link, rtol=1e-9, atol=1e-15)
        assert torch.allclose(found.precedence, expected.precedence, rtol=1e-9, atol=1e-15)


@settings(max_examples=60, deadline=None)
@given(of=sizes(), seed=st.integers(0, 2**32 - 1))
def test_links_obey_their_laws_in_float32(of: Sizes, seed: int) -> None:
    rng = np.random.default_rng(seed)
    run = Run(of, np.float32)
    for _ in range(60):
        slot, weight = random_write(rng, of)
        run.advance(slot, weight.astype(np.float32))
        link, precedence = (part.numpy()[0] for part in run.dense())
        assert (np.diagonal(link, axis1=1, axis2=2) == 0).all()
        assert (link >= 0).all()
        assert (link <= 1).all()
        assert (link.sum(1) <= 1 + 1e-5).all()
        assert (link.sum(2) <= 1 + 1e-5).all()
        assert ((link > 0).sum(1) <= of.links).all()
        assert ((link > 0).sum(2) <= of.links).all()
        assert (precedence.sum(1) <= 1 + 1e-5).all()
        assert ((precedence > 0).sum(1) <= of.links).all()


def test_without_truncation_and_reuse_it_is_the_recurrence_of_the_dnc() -> None:
    """Graves et al. 2016: L_t(i,j) = (1 - w(i) - w(j)) L(i,j) + w(i) p(j), p_t = (1 - sum w) p + w."""
    rng = np.random.default_rng(0)
    slots, steps = 24, 20
    of = Sizes(1, slots, slots, 5)
    run = Run(of)
    link, precedence = np.zeros((slots, slots)), np.zeros(slots)
    for step in range(steps):
        written = rng.permutation(step)[:4] if step >= 4 else [-1] * 4
        slot = np.append(written, step)[None].astype(np.int32)
        weight = np.where(slot < 0, 0, rng.dirichlet(np.ones(5))[None] * rng.random())
        run.advance(slot, weight)
        w = np.zeros(slots)
        np.add.at(w, slot[slot >= 0], weight[slot >= 0])
        link = (1 - w[:, None] - w) * link + np.outer(w, precedence)
        np.fill_diagonal(link, 0)
        precedence = (1 - w.sum()) * precedence + w
        np.testing.assert_allclose(run.dense().link[0, 0], link, atol=1e-12)
        np.testing.assert_allclose(run.dense().precedence[0, 0], precedence, atol=1e-12)


def test_a_slot_written_in_turn_with_twenty_others_keeps_a_row_sum_of_at_most_one() -> None:
    """With the halves (19) and (20) of the paper this row would keep its eight oldest links at 1 for ever."""
    run = Run(Sizes(1, 30, 8, 2))
    for step in range(40):
        slot = 0 if step % 2 == 0 else 1 + (step // 2) % 20
        run.advance(np.array([[slot, 29]], np.int32), np.array([[1.0, 0.0]]))
        assert run.dense().link.sum(-1).max() <= 1 + 1e-12


@settings(max_examples=100, deadline=None)
@given(of=sizes(), reads=st.integers(1, 5), seed=st.integers(0, 2**32 - 1))
def test_following_links_is_the_matrix_product(of: Sizes, reads: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    run = Run(of)
    for _ in range(30):
        run.advance(*random_write(rng, of))
    start = rng.permutation(of.slots)[: min(4, of.slots)].astype(np.int32)[None]
    weight = rng.dirichlet(np.ones(start.shape[1]))[None]
    start[0, 0], weight[0, 0] = -1, 0
    dense = run.dense()
    tables = {"forward": (run.tables.after_slot, run.tables.after_weight, dense.link)}
    tables["backward"] = (run.tables.before_slot, run.tables.before_weight, dense.link.mT)
    for name, (table_slot, table_weight, matrix) in tables.items():
        table = Table(table_slot[0, 0], table_weight[0, 0])
        slot, value = np.empty(reads, np.int32), np.empty(reads)
        link = np.empty((reads, start.shape[1]))
        scratch = follow_scratch(run.tables, start.shape[1])
        follow(table, start[0], weight[0], run.mark, scratch, slot, value, link)
        entries = torch.from_numpy(start)[None].long(), torch.from_numpy(weight)[None]
        wanted, weights = linkage.follow(matrix[:, :1], *entries, reads)
        np.testing.assert_allclose(value, weights[0, 0], rtol=1e-9, err_msg=name)
        known = matrix[0, 0].numpy()[slot[:, None], start] * (slot[:, None] >= 0) * (start >= 0)
        np.testing.assert_array_equal(link, known)
        np.testing.assert_allclose(link @ weight[0], value, rtol=1e-9)
        assert slot.tolist() == wanted[0, 0].tolist() or len(set(value)) < reads
        assert (run.mark == -1).all()
