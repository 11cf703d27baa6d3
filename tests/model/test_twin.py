"""The compiled window and its readable twin agree: outputs, gradients, events, states."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import ConfigError
from samviz.kernels.usage import ring_order
from samviz.model import SAM, SDNC, Events, SAMConfig, SAMState, SDNCConfig
from samviz.model.linkage import to_dense

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


@st.composite
def sizes(draw: st.DrawFn) -> tuple[SAMConfig, int, int]:
    """A random model with its T and B: small memories reuse slots within a few steps."""
    heads, reads, links = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(0, 9))
    config = {
        "input_size": draw(st.integers(1, 4)),
        "output_size": draw(st.integers(1, 4)),
        "hidden_size": draw(st.integers(1, 9)),
        "slots": draw(st.integers(max(heads, reads), 24)),
        "word_size": draw(st.integers(2, 9)),
        "heads": heads,
        "reads": reads,
        "access_threshold": draw(st.sampled_from([0.0, 0.005, 0.2, 0.6])),
    }
    made = SDNCConfig(**config, links=links) if links else SAMConfig(**config)
    return made, draw(st.integers(1, 12)), draw(st.integers(1, 4))


def twins(config: SAMConfig, dtype: torch.dtype, seed: int) -> tuple[SAM, SAM]:
    """The same weights in both implementations."""
    torch.manual_seed(seed)
    kind = SDNC if isinstance(config, SDNCConfig) else SAM
    fast = kind(config).to(dtype)
    slow = kind(config, reference=True).to(dtype)
    slow.load_state_dict(fast.state_dict())
    return fast, slow


def assert_close(
    fast: torch.Tensor, slow: torch.Tensor, what: str, exact: torch.Tensor | None = None
) -> None:
    """Equal relative to the largest entry; whole numbers exactly.

    Where float32 itself cannot hold the tolerance, the twin being further than that from float64 (`exact`),
    the fast path may be as far away as the twin is, within a small factor.
    """
    assert fast.dtype == slow.dtype, what
    if 0 in fast.shape:
        assert fast.shape == slow.shape, what
        return
    if not fast.dtype.is_floating_point:
        assert torch.equal(fast, slow), what
        return
    assert torch.equal(fast.isnan(), slow.isnan()), what
    fast, slow = fast.nan_to_num(0), slow.nan_to_num(0)
    exact = None if exact is None else exact.nan_to_num(0)
    bound = TOLERANCE[fast.dtype] * max(slow.abs().max().item(), 1e-3)
    if exact is not None:
        bound = max(bound, 4 * (slow - exact).abs().max().item())
    assert (fast - slow).abs().max().item() <= bound, what


def assert_same_events(fast: Events, slow: Events, exact: Events | None = None) -> None:
    for name, left, right in zip(Events._fields, fast, slow, strict=True):
        assert (left is None) == (right is None), name
        if left is None:
            continue
        assert_close(left, right, name, None if exact is None else getattr(exact, name))


def assert_same_state(fast: SAMState, slow: SAMState, exact: SAMState | None = None) -> None:
    for name in ("hidden", "cell", "read_word", "read_slot", "read_weight"):
        truth = None if exact is None else getattr(exact, name)
        assert_close(getattr(fast, name), getattr(slow, name), name, truth)
    left, right = fast.memory.tensors, slow.memory.tensors
    for name in ("word", "norm"):
        truth = None if exact is None else getattr(exact.memory.tensors, name)
        assert_close(getattr(left, name), getattr(right, name), name, truth)
    links = [None if state is None else dense_links(state) for state in (fast, slow, exact)]
    for i, name in enumerate(("before", "after", "precedence")):
        assert_close(links[0][i], links[1][i], name, None if exact is None else links[2][i])
    for name in ("last_access", "live", "after", "before", "mark"):
        assert torch.equal(getattr(left, name), getattr(right, name)), name
    assert fast.step == slow.step


def dense_links(state: SAMState) -> list[torch.Tensor]:
    """The rows, the columns and the precedence of a state as dense arrays."""
    tables = state.memory.links
    rows, precedence = to_dense(tables, state.memory.word.shape[1])
    columns, _ = to_dense(
        tables._replace(before_slot=tables.after_slot, before_weight=tables.after_weight),
        state.memory.word.shape[1],
    )
    assert torch.equal(rows, columns.mT), "one table is the other's transpose"
    return [rows, columns, precedence]


def assert_same_gradients(fast: SAM, slow: SAM, exact: SAM | None = None) -> None:
    for name, left in fast.named_parameters():
        truth = None if exact is None else exact.get_parameter(name).grad
        right = slow.get_parameter(name)
        assert left.grad is not None
        assert right.grad is not None
        assert_close(left.grad, right.grad, name, truth)


def parted_at_a_tie(fast: Events, slow: Events) -> bool:
    """Whether the two chose different slots; if so, what they chose by must tie within rounding.

    Ties are natural: two slots that hold nothing but one head's word have the same direction.
    """
    chosen = [name for name in Events._fields if name.endswith("_slot") and getattr(fast, name) is not None]
    differ = [(getattr(fast, name) != getattr(slow, name)).flatten(1).any(1) for name in chosen]
    if not torch.stack(differ).any():
        return False
    first = int(torch.stack(differ).any(0).nonzero()[0])
    for name, where in zip(chosen, differ, strict=True):
        if where[first] and name not in ("read_slot", "write_slot"):  # lists sorted by weight
            weight = name.replace("slot", "weight")
            assert_close(getattr(fast, weight)[first], getattr(slow, weight)[first], weight)
    scores = [events.read_score[first].nan_to_num(0) for events in (fast, slow)]
    content = fast.forward_slot.shape[-1] if fast.forward_slot is not None else None
    assert_close(scores[0][..., :content], scores[1][..., :content], "cosines of different slots")
    return True


@pytest.mark.parametrize("filled", [False, True], ids=["fresh", "filled"])
@settings(max_examples=60, deadline=None)
@given(drawn=sizes(), seed=st.integers(0, 2**31 - 1))
def test_two_windows_agree_in_float64(drawn: tuple[SAMConfig, int, int], seed: int, filled: bool) -> None:
    config, steps, batch = drawn
    fast, slow = twins(config, torch.float64, seed)
    states = start(fast, slow, batch=batch, filled=filled)
    for _ in range(2):
        seen, seen_by_twin = run_and_differentiate([fast, slow], states, steps)
        if parted_at_a_tie(seen, seen_by_twin):
            return
        assert_same_events(seen, seen_by_twin)
        assert_same_gradients(fast, slow)
        assert_same_state(states[0], states[1])


@pytest.mark.parametrize("filled", [False, True], ids=["fresh", "filled"])
@settings(max_examples=60, deadline=None)
@given(drawn=sizes(), seed=st.integers(0, 2**31 - 1))
def test_two_windows_agree_in_float32(drawn: tuple[SAMConfig, int, int], seed: int, filled: bool) -> None:
    config, steps, batch = drawn
    fast, slow = twins(config, torch.float32, seed)
    exact = copy.deepcopy(slow).double()
    states = start(fast, slow, exact, batch=batch, filled=filled)
    for _ in range(2):
        seen, seen_by_twin, truth = run_and_differentiate([fast, slow, exact], states, steps)
        if parted_at_a_tie(seen, seen_by_twin) or parted_at_a_tie(seen_by_twin, as_float32(truth)):
            return
        assert_same_events(seen, seen_by_twin, truth)
        assert_same_gradients(fast, slow, exact)
        assert_same_state(*states)


def start(*models: SAM, batch: int, filled: bool) -> list[SAMState]:
    """One state for each model, all alike."""
    config = models[0].config
    memory = torch.randn(batch, config.slots, config.word_size) if filled else None
    return [model.initial_state(batch, memory) for model in models]


def run_and_differentiate(models: list[SAM], states: list[SAMState], steps: int) -> list[Events]:
    """One window of the same random inputs through each model and back; `states` move on."""
    config = models[0].config
    inputs = torch.randn(steps, states[0].batch, config.input_size)
    pull = torch.randn(steps, states[0].batch, config.output_size)
    outputs, seen = [], []
    for i, model in enumerate(models):
        dtype = states[i].hidden.dtype
        output, states[i], events = model(inputs.to(dtype), states[i], events=True)
        assert events is not None
        outputs.append(output)
        seen.append(events)
        (output * pull.to(dtype)).sum().backward()
    if torch.equal(seen[0].read_slot, seen[1].read_slot):
        assert_close(outputs[0], outputs[1], "output")
    return seen


def as_float32(events: Events) -> Events:
    return Events(
        *(
            tensor.float() if tensor is not None and tensor.is_floating_point() else tensor
            for tensor in events
        )
    )


def test_interleaved_sequences_do_not_know_of_each_other() -> None:
    config = SAMConfig(3, 2, hidden_size=5, slots=11, word_size=4, heads=2, reads=3)
    model, _ = twins(config, torch.float64, 1)
    first, second = torch.randn(2, 3, 4, 2, 3, dtype=torch.float64)  # [window, T, B, I] each
    alone = []
    for windows in (first, second):
        state = model.initial_state(2)
        for window in windows:
            output, state, _ = model(window, state)
        alone.append((output.detach(), state))
    states = [model.initial_state(2), model.initial_state(2)]
    for window in range(3):
        for i, windows in enumerate((first, second)):
            output, states[i], _ = model(windows[window], states[i])
            if window == 2:
                assert torch.equal(output, alone[i][0])
    for i in range(2):
        assert torch.equal(states[i].memory.word, alone[i][1].memory.word)


def test_windows_continue_as_one_sequence() -> None:
    config = SAMConfig(3, 2, hidden_size=5, slots=9, word_size=4, heads=2, reads=2)
    model, _ = twins(config, torch.float64, 2)
    inputs = torch.randn(10, 2, 3, dtype=torch.float64)
    whole, end, seen = model(inputs, events=True)
    state, outputs, usage = None, [], []
    for window in inputs.split([1, 4, 5]):
        output, state, events = model(window, state, events=True)
        outputs.append(output)
        usage.append(events.read_usage)
    assert torch.allclose(torch.cat(outputs), whole, rtol=1e-12)
    assert torch.equal(torch.cat(usage), seen.read_usage)
    assert torch.allclose(state.memory.word, end.memory.word, rtol=1e-12)
    assert state.step == end.step == 10


@pytest.mark.parametrize("filled", [False, True], ids=["fresh", "filled"])
def test_finite_differences(filled: bool) -> None:
    """The analytic gradient predicts a small change of the loss along random directions."""
    config = SAMConfig(3, 2, hidden_size=6, slots=7, word_size=4, heads=2, reads=3)
    model, _ = twins(config, torch.float64, 3)
    inputs = torch.randn(8, 2, 3, dtype=torch.float64)
    pull = torch.randn(8, 2, 2, dtype=torch.float64)
    memory = torch.randn(2, 7, 4, dtype=torch.float64) if filled else None

    def loss(of: SAM) -> torch.Tensor:
        output, _, _ = of(inputs, of.initial_state(2, memory))
        return (output * pull).sum()

    loss(model).backward()
    for name, parameter in model.named_parameters():
        direction = torch.randn_like(parameter)
        ends = []
        for sign in (1, -1):
            moved = copy.deepcopy(model)
            with torch.no_grad():
                moved.get_parameter(name).add_(direction, alpha=sign * 1e-6)
            ends.append(loss(moved).item())
        assert parameter.grad is not None
        expected = (parameter.grad * direction).sum().item()
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(expected, rel=1e-5, abs=1e-7), name


def test_input_gradient_equals_the_twins() -> None:
    config = SAMConfig(3, 2, hidden_size=6, slots=7, word_size=4, heads=2, reads=3)
    gradients = []
    for model in twins(config, torch.float64, 4):
        inputs = torch.linspace(-1, 1, 30, dtype=torch.float64).reshape(5, 2, 3).requires_grad_()
        output, _, _ = model(inputs)
        output.square().sum().backward()
        assert inputs.grad is not None
        gradients.append(inputs.grad)
    assert_close(gradients[0], gradients[1], "inputs")


def test_ring_holds_every_slot_once() -> None:
    config = SAMConfig(3, 2, hidden_size=6, slots=9, word_size=4, heads=3, reads=2)
    model, _ = twins(config, torch.float32, 5)
    _, state, _ = model(torch.randn(40, 2, 3))
    for after, before in zip(
        state.memory.tensors.after.numpy(), state.memory.tensors.before.numpy(), strict=True
    ):
        order = ring_order(after)
        assert sorted(order) == list(range(9))
        assert [int(before[after[i]]) for i in range(10)] == list(range(10))
        assert np.array_equal(order[::-1], ring_order(before))


@pytest.mark.parametrize("index", ["pages", "faiss"])
def test_twins_agree_on_what_an_index_proposes(index: str) -> None:
    config = SAMConfig(3, 2, hidden_size=6, slots=25_000, word_size=6, heads=2, reads=3, index=index)
    fast, slow = twins(config, torch.float64, 6)
    assert fast.index_kind == index
    states = start(fast, slow, batch=2, filled=True)
    for _ in range(2):
        seen, seen_by_twin = run_and_differentiate([fast, slow], states, 4)
        assert not parted_at_a_tie(seen, seen_by_twin)
        assert_same_events(seen, seen_by_twin)
        assert_same_gradients(fast, slow)
        assert_same_state(states[0], states[1])


@pytest.mark.parametrize("index", ["pages", "faiss"])
def test_an_index_only_proposes(index: str) -> None:
    """Whatever it proposed, weights are those of the true rows; a clone goes on like its original."""
    config = SAMConfig(3, 2, hidden_size=6, slots=25_000, word_size=8, heads=2, reads=3, index=index)
    model, _ = twins(config, torch.float64, 7)
    state = model.initial_state(1, torch.randn(1, 25_000, 8, dtype=torch.float64))
    _, state, _ = model(torch.randn(5, 1, 3, dtype=torch.float64), state)
    copy_of_state = state.clone()
    inputs = torch.randn(1, 1, 3, dtype=torch.float64)
    output, state, events = model(inputs, state, events=True)
    rows = state.memory.word[0][events.read_slot[0, 0].long()]  # [H, K, W]
    query = events.read_query[0, 0, :, None]
    lengths = query.norm(dim=-1) * rows.norm(dim=-1)
    cosine = (query * rows).sum(-1) / (lengths + 1e-6)
    weight = torch.softmax(events.beta[0, 0, :, None] * cosine, dim=-1)
    assert torch.allclose(events.read_score[0, 0], cosine, rtol=1e-12)
    assert torch.allclose(events.read_weight[0, 0], weight, rtol=1e-12)
    again, _, _ = model(inputs, copy_of_state)
    assert torch.equal(again, output)


@pytest.mark.parametrize("index", ["pages", "faiss"])
def test_the_index_holds_the_words_after_the_backward_pass(index: str) -> None:
    config = SAMConfig(3, 2, hidden_size=6, slots=25_000, word_size=8, heads=2, reads=3, index=index)
    model, _ = twins(config, torch.float32, 8)
    state = model.initial_state(1, torch.randn(1, 25_000, 8))
    output, state, events = model(torch.randn(30, 1, 3), state, events=True)
    output.sum().backward()
    changed = events.write_slot.unique()
    words = state.memory.word[0].numpy()
    live = changed[np.linalg.norm(words[changed], axis=1) > 1e-3]
    assert len(live) > 30
    found = state.memory.index.propose(0, words[live])
    assert found is not None
    nearly_all = np.mean([slot in row for slot, row in zip(live.tolist(), found, strict=True)])
    assert nearly_all > 0.9


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("kind", [SAMConfig, SDNCConfig])
def test_the_twin_runs_on_a_gpu(kind: type[SAMConfig]) -> None:
    config = kind(3, 2, hidden_size=6, slots=9, word_size=4, heads=2, reads=3)
    fast, slow = twins(config, torch.float64, 9)
    inputs = torch.randn(8, 2, 3, dtype=torch.float64)
    expected, _, _ = fast(inputs)
    expected.sum().backward()
    slow = slow.cuda()
    output, state, _ = slow(inputs.cuda(), events=True)
    output.sum().backward()
    assert state.memory.word.is_cuda
    assert_close(output.cpu(), expected, "output")
    assert_same_gradients(fast, slow.cpu())
    with pytest.raises(ConfigError, match="reference=True"):
        fast.cuda()(inputs.cuda())
