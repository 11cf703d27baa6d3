"""What holds for every dense model: shapes, refusals, windows, events, gradients, and that it learns."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.func import functional_call

from samviz.errors import ConfigError
from samviz.model import DAM, DNC, LSTM, NTM, DAMConfig, DNCConfig, LSTMConfig, NTMConfig
from samviz.model.dense_addressing import products
from samviz.tasks import loss_bits, make_task

MEMORY = {
    "dam": lambda **more: DAM(
        DAMConfig(3, 2, hidden_size=6, word_size=5, **({"slots": 9, "heads": 3} | more))
    ),
    "ntm": lambda **more: NTM(
        NTMConfig(3, 2, hidden_size=6, word_size=5, **({"slots": 9, "heads": 3} | more))
    ),
    "dnc": lambda **more: DNC(
        DNCConfig(3, 2, hidden_size=6, word_size=5, **({"slots": 9, "heads": 3} | more))
    ),
}
ALL = MEMORY | {"lstm": lambda: LSTM(LSTMConfig(3, 2, hidden_size=6))}

memory_models = pytest.mark.parametrize("name", MEMORY)
all_models = pytest.mark.parametrize("name", ALL)


def made(name: str, **sizes: int) -> Any:
    torch.manual_seed(0)
    return ALL[name](**sizes)


def inputs(steps: int = 7, batch: int = 2) -> torch.Tensor:
    return torch.randn(steps, batch, 3, generator=torch.Generator().manual_seed(1))


def fields(named: Any) -> dict[str, Any]:
    return {name: part for name, part in named._asdict().items() if isinstance(part, torch.Tensor)}


@all_models
def test_two_windows_are_one_long_one(name: str) -> None:
    model = made(name)
    whole, end, _ = model(inputs())
    first, state, _ = model(inputs()[:3])
    second, last, _ = model(inputs()[3:], state)
    assert torch.allclose(torch.cat([first, second]), whole, atol=1e-6)
    for field, part in fields(end).items():
        assert torch.allclose(part, fields(last)[field], atol=1e-6), field
    assert last.step == end.step == 7
    assert end.batch == 2


@all_models
def test_a_state_is_left_as_it_is_and_carries_no_gradient(name: str) -> None:
    model = made(name)
    _, state, _ = model(inputs())
    kept = state.clone()
    output, end, _ = model(inputs(), state)
    output.sum().backward()
    assert all(torch.equal(part, fields(kept)[field]) for field, part in fields(state).items())
    assert not any(part.requires_grad for part in [*state, *end] if isinstance(part, torch.Tensor))
    again, _, _ = model(inputs(), kept)
    assert torch.equal(output, again)


@all_models
def test_batch_elements_do_not_see_each_other(name: str) -> None:
    model = made(name)
    whole = model(inputs(batch=3))[0]
    alone = torch.cat([model(inputs(batch=3)[:, [b]])[0] for b in range(3)], dim=1)
    assert torch.allclose(whole, alone, atol=1e-6)


@all_models
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (torch.zeros(0, 2, 3), "T, B >= 1"),
        (torch.zeros(4, 2, 5), "I = 3"),
        (torch.zeros(4, 3), "shape"),
        (torch.zeros(4, 2, 3, dtype=torch.float64), "type"),
        (torch.full((4, 2, 3), torch.nan), "finite"),
    ],
)
def test_bad_inputs_are_refused(name: str, bad: torch.Tensor, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        made(name)(bad)


@all_models
def test_states_that_do_not_fit_are_refused(name: str) -> None:
    model = made(name)
    with pytest.raises(ConfigError, match="batch of 3"):
        model(inputs(), model.initial_state(3))
    with pytest.raises(ConfigError, match="at least 1"):
        model.initial_state(0)


@memory_models
def test_a_bad_memory_is_refused(name: str) -> None:
    model = made(name)
    with pytest.raises(ConfigError, match=r"\[2, 9, 5\]"):
        model.initial_state(2, torch.zeros(2, 5, 5))
    with pytest.raises(ConfigError, match="finite"):
        model.initial_state(1, torch.full((1, 9, 5), torch.inf))


def test_an_lstm_has_no_memory_to_start_with() -> None:
    with pytest.raises(ConfigError, match="no memory"):
        made("lstm").initial_state(2, torch.zeros(2, 9, 5))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("dam", {"slots": 2}, "slots must be at least heads = 3"),
        ("dam", {"usage_decay": 1.1}, r"usage_decay must be in \[0, 1\]"),
        ("dam", {"usage_decay": "much"}, "usage_decay"),
        ("dam", {"access_threshold": 1}, r"access_threshold must be in \[0, 1\)"),
        ("dam", {"reads": 4}, "reads"),
        ("ntm", {"shifts": 2}, "odd"),
        ("ntm", {"shifts": 11}, "shifts = 11"),
        ("ntm", {"heads": 0}, "heads"),
        ("dnc", {"word_size": 2.5}, "word_size"),
        ("dnc", {"slots": 2**29}, "at most"),
        ("lstm", {"hidden_size": True}, "hidden_size"),
        ("lstm", {"slots": 4}, "slots"),
    ],
)
def test_bad_settings_are_refused(name: str, change: dict[str, object], message: str) -> None:
    config = made(name).config
    assert type(config).from_dict(config.as_dict()) == config
    with pytest.raises(ConfigError, match=message):
        type(config).from_dict(config.as_dict() | change)


@memory_models
def test_asking_for_events_changes_nothing(name: str) -> None:
    model, results = made(name), []
    for events in (None, True):
        model.zero_grad()
        output, state, told = model(inputs(), events=events)
        output.square().sum().backward()
        results.append([output, *fields(state).values(), *(p.grad.clone() for p in model.parameters())])
        assert (told is None) == (events is None)
    assert all(torch.equal(*pair) for pair in zip(*results, strict=True))


@memory_models
def test_events_name_every_slot_and_tell_what_it_holds(name: str) -> None:
    model = made(name)
    memory = torch.randn(2, 9, 5)
    _, _, told = model(inputs(), model.initial_state(2, memory), events=True)
    sizes = model.config
    assert told.read_weight.shape == (7, 2, 3, sizes.read_entries)
    assert told.write_row.shape == (7, 2, 3, sizes.write_entries, 5)
    assert not any(part.requires_grad for part in told if part is not None)
    assert (told.read_slot == torch.arange(9)).all()
    assert (told.write_slot[:, :, 0, :9] == torch.arange(9)).all()
    state = model.initial_state(2, memory)
    for t, x in enumerate(inputs()):
        before = state.last_access
        _, state, _ = model(x.unsqueeze(0), state)
        assert torch.allclose(told.read_word[t], state.read_word, atol=1e-6)
        assert torch.allclose(told.write_row[t, :, 0, :9], state.memory, atol=1e-6)
        assert torch.equal(told.read_usage[t], before.unsqueeze(1).expand(-1, 3, -1))
        assert torch.allclose(told.read_word[t], told.read_weight[t] @ state.memory, atol=1e-6)


@memory_models
def test_the_last_access_is_that_of_the_latest_weight_above_the_threshold(name: str) -> None:
    model = made(name)
    _, state, told = model(inputs(), events=True)
    last = np.full((2, 9), -1)
    for t, b, h in np.ndindex(7, 2, 3):
        for slots, weights in ((told.read_slot, told.read_weight), (told.write_slot, told.write_weight)):
            for slot in range(9):
                merged = weights[t, b, h][slots[t, b, h] == slot].sum()
                if merged > model.config.access_threshold:
                    last[b, slot] = t
    assert np.array_equal(state.last_access.numpy(), last)


@memory_models
@pytest.mark.parametrize("filled", [False, True], ids=["fresh", "filled"])
def test_gradients_are_those_of_finite_differences(name: str, filled: bool) -> None:
    model = made(name, slots=5, heads=2).double()
    memory = torch.randn(2, 5, 5) if filled else None
    x = inputs(steps=4).double().requires_grad_()

    def output(x: torch.Tensor, weight: torch.Tensor) -> Any:
        state = model.initial_state(2, memory)
        return functional_call(model, {"controller.interface.weight": weight}, (x, state))[0]

    weight = model.controller.interface.weight.detach().clone().requires_grad_()
    assert torch.autograd.gradcheck(output, (x, weight), fast_mode=True)


@pytest.mark.parametrize(("batch", "rows"), [(2, 9), (1, 9), (1, 1500), (2, 1500)])
def test_products_are_the_same_however_they_are_made(batch: int, rows: int) -> None:
    vectors, matrix = torch.randn(batch, 3, 32), torch.randn(batch, rows, 32)
    results = []
    for multiply in (products, lambda left, right: (left.unsqueeze(2) * right.unsqueeze(1)).sum(-1)):
        left, right = vectors.clone().requires_grad_(), matrix.clone().requires_grad_()
        product = multiply(left, right)
        results.append((product, *torch.autograd.grad(product.square().sum(), (left, right))))
    for fast, slow in zip(*results, strict=True):
        assert torch.allclose(fast, slow, rtol=1e-4, atol=1e-2)


@memory_models
def test_a_memory_of_zeros_gives_no_nan(name: str) -> None:
    model = made(name)
    output, _, _ = model(inputs(), model.initial_state(2, torch.zeros(2, 9, 5)))
    output.sum().backward()
    assert torch.isfinite(output).all()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


@all_models
def test_it_learns_one_batch_of_copy(name: str) -> None:
    """Chance is a bit of loss for each of the 16 bits to copy."""
    torch.manual_seed(0)
    task = make_task("copy", {"min_items": 2, "max_items": 2})
    batch = task.sample(np.random.default_rng(0), 8)
    sizes = {"slots": 8, "word_size": 8, "heads": 2} if name in MEMORY else {}
    config = type(made(name).config)(9, 8, hidden_size=32, **sizes)
    model = type(made(name))(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(100):
        loss = loss_bits(model(batch.inputs)[0], batch, "bits").sum(0).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert 14 < losses[0] < 18
    assert losses[-1] < 4
