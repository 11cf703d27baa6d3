"""The Neural Turing Machine: its equations in plain loops, and their laws."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.model import NTM, NTMConfig
from samviz.model import ntm as machine
from samviz.model.ntm_addressing import retained, sharpened, shifted

CONFIG = NTMConfig(3, 2, hidden_size=6, slots=7, word_size=5, heads=2, shifts=5)


def weights(random: np.random.Generator, *shape: int) -> torch.Tensor:
    return torch.from_numpy(random.dirichlet(np.full(shape[-1], 0.3), shape[:-1]))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), slots=st.integers(5, 9), reach=st.integers(0, 2))
def test_a_shift_is_a_circular_convolution(seed: int, slots: int, reach: int) -> None:
    random = np.random.default_rng(seed)
    weight, shift = weights(random, 2, 3, slots), weights(random, 2, 3, 2 * reach + 1)
    moved = shifted(weight, shift)
    for b, h, i in np.ndindex(2, 3, slots):
        expected = sum(
            weight[b, h, (i - by) % slots] * shift[b, h, by + reach] for by in range(-reach, reach + 1)
        )
        assert abs(moved[b, h, i] - expected) < 1e-12
    assert torch.allclose(moved.sum(-1), torch.ones(2, 3, dtype=torch.float64))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), sharpness=st.floats(1, 20))
def test_sharpening_is_a_power_that_sums_to_one(seed: int, sharpness: float) -> None:
    weight = weights(np.random.default_rng(seed), 2, 3, 7)
    weight[0, 0] = torch.eye(7)[2]
    powers = weight**sharpness
    sharp = sharpened(weight, torch.full((2, 3), sharpness, dtype=torch.float64))
    assert torch.allclose(sharp, powers / powers.sum(-1, keepdim=True), rtol=1e-6, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), heads=st.integers(1, 9))
def test_erasures_multiply(seed: int, heads: int) -> None:
    random = np.random.default_rng(seed)
    weight, erase = weights(random, 2, heads, 6), torch.from_numpy(random.random((2, heads, 4)))
    left = retained(weight, erase)
    for b, i, j in np.ndindex(2, 6, 4):
        expected = np.prod([1 - weight[b, h, i] * erase[b, h, j] for h in range(heads)])
        assert abs(left[b, i, j] - expected) < 1e-12
    assert (left > -1e-12).all()
    assert (left < 1 + 1e-12).all()


def test_a_step_is_its_equations_in_plain_loops() -> None:
    torch.manual_seed(0)
    model = NTM(CONFIG).double()
    state = model.initial_state(2, torch.randn(2, 7, 5, dtype=torch.float64))
    with torch.no_grad():
        for x in torch.randn(4, 2, 3, dtype=torch.float64):
            last, (state, ask) = state, machine.step(model.controller, CONFIG, x, state)
            for b in range(2):
                memory = last.memory[b].numpy().copy()
                written = [placed(ask.write, b, h, last.write_weight[b, h], memory) for h in range(2)]
                for weight, erase in zip(written, ask.erase[b].numpy(), strict=True):
                    memory *= 1 - np.outer(weight, erase)
                for weight, word in zip(written, ask.add[b].numpy(), strict=True):
                    memory += np.outer(weight, word)
                assert np.allclose(state.write_weight[b], written, rtol=1e-9, atol=1e-12)
                assert np.allclose(state.memory[b], memory, rtol=1e-9, atol=1e-12)
                for h in range(2):
                    read = placed(ask.read, b, h, last.read_weight[b, h], memory)
                    assert np.allclose(state.read_weight[b, h], read, rtol=1e-9, atol=1e-12)
                    assert np.allclose(state.read_word[b, h], read @ memory, rtol=1e-9, atol=1e-12)


def placed(ask: machine.Interface, b: int, h: int, previous: torch.Tensor, memory: np.ndarray) -> np.ndarray:
    """One head's weights after content, interpolation, shift and sharpening (eq. 5 to 9)."""
    key, strength, gate, shift, sharpness = (part[b, h].numpy() for part in ask)
    product = np.linalg.norm(key) * np.linalg.norm(memory, axis=1)
    content = np.exp(strength * (memory @ key) / (product + 1e-6))
    gated = gate * content / content.sum() + (1 - gate) * previous.numpy()
    moved = sum(np.roll(gated, by) * shift[by + 2] for by in range(-2, 3))
    return moved**sharpness / (moved**sharpness).sum()


def test_gates_are_in_their_range_and_weights_sum_to_one() -> None:
    torch.manual_seed(0)
    model = NTM(CONFIG)
    state = model.initial_state(2)
    assert torch.equal(state.read_weight[0, 0], torch.eye(7)[0])
    for x in 10 * torch.randn(6, 2, 3):
        state, ask = machine.step(model.controller, CONFIG, x, state)
        for placing in (ask.read, ask.write):
            assert (placing.strength > 0).all()
            assert (placing.sharpness >= 1).all()
            assert torch.allclose(placing.shift.sum(-1), torch.ones(2, 2))
        assert torch.allclose(state.read_weight.sum(-1), torch.ones(2, 2))
        assert torch.allclose(state.write_weight.sum(-1), torch.ones(2, 2))


def test_its_events_have_no_gates_of_sam() -> None:
    _, _, told = NTM(CONFIG)(torch.randn(3, 2, 3), events=True)
    assert told.alpha is told.gamma is told.mode is None
    assert told.beta is not None
