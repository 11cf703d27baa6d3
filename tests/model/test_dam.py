"""The dense access memory: equal to SAM with K = N, and to its equations in plain loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.model import DAM, SAM, DAMConfig, addressing
from samviz.model.dense_addressing import content_logits, cosines, least_used, lengths

CONFIG = DAMConfig(3, 2, hidden_size=6, slots=8, word_size=5, heads=3, usage_decay=0.9)


def inputs(steps: int) -> torch.Tensor:
    return torch.randn(steps, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("reference", [False, True], ids=["fused", "reference"])
def test_with_every_slot_live_the_first_step_is_that_of_sam_with_k_equal_n(reference: bool) -> None:
    torch.manual_seed(0)
    dense = DAM(CONFIG).double()
    sparse = SAM(CONFIG.as_sam(), reference=reference).double()
    sparse.load_state_dict(dense.state_dict())
    memory = torch.randn(2, 8, 5, dtype=torch.float64)
    output, state, told = dense(inputs(1), dense.initial_state(2, memory), events=True)
    expected, its_state, seen = sparse(inputs(1), sparse.initial_state(2, memory), events=True)

    def by_slot(entries: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(entries).scatter(-1, seen.read_slot.long(), entries)

    assert torch.allclose(told.read_weight, by_slot(seen.read_weight), rtol=1e-12, atol=1e-14)
    assert torch.allclose(told.read_score, by_slot(seen.read_score), rtol=1e-12, atol=1e-14)
    assert torch.allclose(told.read_word, seen.read_word, rtol=1e-12, atol=1e-14)
    assert torch.equal(told.write_slot[..., -1], seen.write_slot[..., -1])
    assert torch.allclose(state.memory, its_state.memory.word, rtol=1e-12, atol=1e-14)
    assert torch.allclose(output, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("filled", [False, True], ids=["fresh", "filled"])
def test_it_is_its_equations_in_plain_loops(filled: bool) -> None:
    torch.manual_seed(0)
    model = DAM(CONFIG).double()
    start = torch.randn(2, 8, 5, dtype=torch.float64) if filled else None
    with torch.no_grad():
        _, state, told = model(inputs(9), model.initial_state(2, start), events=True)
    for b in range(2):
        memory = np.zeros((8, 5)) if start is None else start[b].numpy().copy()
        usage, read, live = np.zeros(8), np.zeros((3, 8)), set(range(8)) if filled else set()
        for t in range(9):
            taken = sorted(range(8), key=lambda slot: (usage[slot], slot))[:3]
            assert told.write_slot[t, b, :, -1].tolist() == taken
            live |= set(taken)
            memory[taken] = 0
            usage *= 0.9
            for h in range(3):
                alpha, gamma = told.alpha[t, b, h].item(), told.gamma[t, b, h].item()
                for slot in range(8):
                    weight = alpha * (gamma * read[h, slot] + (1 - gamma) * (slot == taken[h]))
                    memory[slot] += weight * told.write_word[t, b, h].numpy()
                    usage[slot] += weight
            assert np.allclose(told.write_row[t, b, 0, -1], memory[taken[0]], rtol=1e-9, atol=1e-12)
            for h in range(3):
                query, beta = told.read_query[t, b, h].numpy(), told.beta[t, b, h].item()
                score = np.full(8, -np.inf)
                for slot in live:
                    lengths_product = np.linalg.norm(query) * np.linalg.norm(memory[slot])
                    score[slot] = query @ memory[slot] / (lengths_product + 1e-6)
                weight = np.exp(beta * score) / np.exp(beta * score).sum()
                assert np.allclose(told.read_weight[t, b, h], weight, rtol=1e-9, atol=1e-12)
                assert np.allclose(told.read_word[t, b, h], weight @ memory, rtol=1e-9, atol=1e-12)
                read[h] = weight
                usage += weight
        assert np.allclose(state.memory[b], memory, rtol=1e-9, atol=1e-12)
        assert np.allclose(state.usage[b], usage, rtol=1e-9, atol=1e-12)
        assert state.live[b] == len(live)


def test_weights_sum_to_what_the_gates_allow() -> None:
    model = DAM(CONFIG)
    _, _, told = model(inputs(9).float(), events=True)
    assert torch.allclose(told.read_weight.sum(-1), torch.ones(9, 2, 3))
    earlier = torch.ones(9, 2, 3)
    earlier[0] = 0  # nothing was read yet
    assert torch.allclose(told.write_weight.sum(-1), told.alpha * (told.gamma * earlier + 1 - told.gamma))


def test_slots_that_are_not_live_are_no_entries() -> None:
    _, state, told = DAM(CONFIG)(inputs(2).float(), events=True)
    assert told.read_slot[0, 0, 0].tolist() == [0, 1, 2, *[-1] * 5]
    assert told.write_slot[:, 0, 1].tolist() == [[*[-1] * 8, 1], [0, 1, 2, *[-1] * 5, 4]]
    assert (told.read_weight[told.read_slot < 0] == 0).all()
    assert (told.read_score[told.read_slot < 0] == 0).all()
    assert (told.write_weight[told.write_slot < 0] == 0).all()
    assert (told.write_row[told.write_slot < 0] == 0).all()
    assert state.live.tolist() == [6, 6]


def test_ties_of_usage_go_to_the_lower_slot() -> None:
    usage = torch.tensor([[0.5, 0, 0.1, 0, 0.1], [1, 1, 1, 1, 1]])
    assert least_used(usage, 4).tolist() == [[1, 3, 2, 4], [0, 1, 2, 3]]
    assert usage[0].tolist() == pytest.approx([0.5, 0, 0.1, 0, 0.1])


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), zero_query=st.booleans(), zero_word=st.booleans())
def test_the_dense_cosine_is_the_sparse_one(seed: int, zero_query: bool, zero_word: bool) -> None:
    random = torch.Generator().manual_seed(seed)
    query = torch.randn(2, 3, 4, generator=random, dtype=torch.float64)
    words = torch.randn(2, 6, 4, generator=random, dtype=torch.float64)
    query[0, 1] *= not zero_query
    words[1, 2] *= not zero_word
    finders = (
        lambda query, words: addressing.cosine(query.unsqueeze(2), words.unsqueeze(1)),
        lambda query, words: cosines(query, words, lengths(words)),
    )
    results = []
    for find in finders:
        asked, held = query.clone().requires_grad_(), words.clone().requires_grad_()
        found = find(asked, held)
        results.append((found, *torch.autograd.grad(found.pow(3).sum() + found.sum(), (asked, held))))
    for sparse, dense in zip(*results, strict=True):
        assert torch.allclose(dense, sparse, rtol=1e-10, atol=1e-12)
    strength = torch.rand(2, 3, generator=random, dtype=torch.float64)
    logit = content_logits(query, strength, words, lengths(words))
    assert torch.allclose(logit, strength.unsqueeze(-1) * results[0][0], rtol=1e-10, atol=1e-12)
