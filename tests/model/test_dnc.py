"""The Differentiable Neural Computer: its equations in plain loops, and their laws."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.model import DNC, DNCConfig
from samviz.model import dnc as computer
from samviz.model.dnc_addressing import allocation, linked, preceding

CONFIG = DNCConfig(3, 2, hidden_size=6, slots=7, word_size=5, heads=2)


def slow_allocation(usage: np.ndarray) -> np.ndarray:
    order = sorted(range(len(usage)), key=lambda slot: (usage[slot], slot))
    free, product = np.zeros(len(usage)), 1.0
    for slot in order:
        free[slot] = (1 - usage[slot]) * product
        product *= usage[slot]
    return free


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.99, 1.0]), min_size=6, max_size=6), min_size=1)
)
def test_free_slots_are_allocated_in_order_of_usage(rows: list[list[float]]) -> None:
    usage = torch.tensor(rows, dtype=torch.float64)
    found = allocation(usage)
    for row, free in zip(usage.numpy(), found.numpy(), strict=True):
        assert np.allclose(free, slow_allocation(row), rtol=1e-12, atol=1e-15)
    assert (found.sum(1) <= 1 + 1e-12).all()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), steps=st.integers(1, 30))
def test_links_keep_their_laws(seed: int, steps: int) -> None:
    random = np.random.default_rng(seed)
    link, precedence = torch.zeros(2, 6, 6, dtype=torch.float64), torch.zeros(2, 6, dtype=torch.float64)
    slow_link, slow_precedence = link.numpy().copy(), precedence.numpy().copy()
    for _ in range(steps):
        written = random.dirichlet(np.full(6, 0.2), 2) * random.random((2, 1))
        link = linked(link, precedence, torch.from_numpy(written))
        precedence = preceding(precedence, torch.from_numpy(written))
        for b, i, j in np.ndindex(2, 6, 6):
            kept = (1 - written[b, i] - written[b, j]) * slow_link[b, i, j]
            slow_link[b, i, j] = 0 if i == j else kept + written[b, i] * slow_precedence[b, j]
        slow_precedence = (1 - written.sum(1, keepdims=True)) * slow_precedence + written
    assert np.allclose(link, slow_link, rtol=1e-10, atol=1e-14)
    assert np.allclose(precedence, slow_precedence, rtol=1e-10, atol=1e-14)
    assert (link.diagonal(dim1=1, dim2=2) == 0).all()
    assert (link > -1e-12).all()
    for sums in (link.sum(1), link.sum(2), precedence.sum(1)):
        assert (sums < 1 + 1e-12).all()


def content(key: np.ndarray, strength: float, memory: np.ndarray) -> np.ndarray:
    product = np.linalg.norm(key) * np.linalg.norm(memory, axis=1)
    weight = np.exp(strength * (memory @ key) / (product + 1e-6))
    return weight / weight.sum()


def test_a_step_is_its_equations_in_plain_loops() -> None:
    torch.manual_seed(0)
    model = DNC(CONFIG).double()
    state = model.initial_state(2, torch.randn(2, 7, 5, dtype=torch.float64))
    with torch.no_grad():
        for x in torch.randn(5, 2, 3, dtype=torch.float64):
            last, (state, ask) = state, computer.step(model.controller, CONFIG, x, state)
            for b in range(2):
                usage = last.usage[b].numpy() + last.write_weight[b].numpy()
                usage -= (last.usage[b] * last.write_weight[b]).numpy()
                for h in range(2):
                    usage *= 1 - (ask.free[b, h] * last.read_weight[b, h]).numpy()
                assert np.allclose(state.usage[b], usage, rtol=1e-9, atol=1e-12)
                memory = last.memory[b].numpy().copy()
                found = content(ask.write_key[b, 0].numpy(), ask.write_strength[b].item(), memory)
                gate = ask.allocate[b].item()
                written = ask.write[b].item() * (gate * slow_allocation(usage) + (1 - gate) * found)
                assert np.allclose(state.write_weight[b], written, rtol=1e-9, atol=1e-12)
                memory = memory * (1 - np.outer(written, ask.erase[b])) + np.outer(written, ask.word[b])
                assert np.allclose(state.memory[b], memory, rtol=1e-9, atol=1e-12)
                link = state.link[b].numpy()
                for h in range(2):
                    found = content(ask.read_key[b, h].numpy(), ask.read_strength[b, h].item(), memory)
                    before, mode = last.read_weight[b, h].numpy(), ask.mode[b, h].numpy()
                    read = mode[0] * link.T @ before + mode[1] * found + mode[2] * link @ before
                    assert np.allclose(state.read_weight[b, h], read, rtol=1e-9, atol=1e-12)
                    assert np.allclose(state.read_word[b, h], read @ memory, rtol=1e-9, atol=1e-12)


def test_weights_sum_to_what_the_gates_allow() -> None:
    torch.manual_seed(0)
    model = DNC(CONFIG)
    state = model.initial_state(2)
    for x in 5 * torch.randn(40, 2, 3):
        state, ask = computer.step(model.controller, CONFIG, x, state)
        assert (state.write_weight.sum(1) <= ask.write.squeeze(1) + 1e-5).all()
        assert (state.read_weight.sum(-1) <= 1 + 1e-5).all()
        assert (state.read_weight > -1e-6).all()
        assert ((state.usage >= 0) & (state.usage <= 1)).all()
        assert torch.allclose(ask.mode.sum(-1), torch.ones(2, 2))


def test_the_one_write_head_is_head_zero() -> None:
    _, state, told = DNC(CONFIG)(torch.randn(3, 2, 3), events=True)
    assert torch.equal(told.write_weight[-1, :, 0], state.write_weight)
    assert (told.write_slot[:, :, 1:] == -1).all()
    assert (told.write_usage[:, :, 1:] == -1).all()
    assert not told.write_weight[:, :, 1:].any()
    assert not told.write_row[:, :, 1:].any()
    assert not told.write_word[:, :, 1:].any()
    assert told.alpha is told.gamma is None
    assert told.mode is not None
