"""What holds for every SAM, whatever its weights."""

import pytest
import torch

from samviz.errors import ConfigError, StateError
from samviz.model import SAM, SDNC, SAMConfig, SAMState, SDNCConfig, fused

CONFIG = SAMConfig(3, 2, hidden_size=6, slots=12, word_size=5, heads=3, reads=4)


@pytest.fixture(params=[SAM, SDNC])
def sparse(request: pytest.FixtureRequest) -> type[SAM]:
    return request.param


@pytest.fixture(params=[False, True], ids=["fused", "reference"])
def model(request: pytest.FixtureRequest, sparse: type[SAM]) -> SAM:
    return make(sparse, reference=request.param)


def make(sparse: type[SAM], *, reference: bool = False) -> SAM:
    """A model of the usual sizes; an SDNC with few links, so that they have to be truncated."""
    torch.manual_seed(0)
    if sparse is SDNC:
        return SDNC(SDNCConfig(**CONFIG.as_dict(), links=2), reference=reference)
    return SAM(CONFIG, reference=reference)


def inputs(steps: int = 9, batch: int = 2) -> torch.Tensor:
    return torch.randn(steps, batch, CONFIG.input_size, generator=torch.Generator().manual_seed(1))


def test_read_weights_sum_to_one_and_write_weights_to_the_gate(model: SAM) -> None:
    _, _, events = model(inputs(), events=True)
    read = events.read_weight.sum(-1)
    if events.mode is None:
        assert torch.allclose(read, torch.ones(9, 2, 3))
    else:  # links lead somewhere with a sum of at most 1
        told = (events.backward_weight.sum(-1), torch.ones(9, 2, 3), events.forward_weight.sum(-1))
        assert torch.allclose(read, (events.mode * torch.stack(told, dim=-1)).sum(-1))
        assert (read < 1 + 1e-6).all()
    last_read = torch.cat([torch.zeros(1, 2, 3), read[:-1]])
    expected = events.alpha * (events.gamma * last_read + 1 - events.gamma)
    assert torch.allclose(events.write_weight.sum(-1), expected)


def test_unused_entries_are_minus_one_with_weight_zero(model: SAM) -> None:
    _, _, events = model(inputs(), events=True)
    assert (events.read_slot[0, :, :, 3:] == -1).all()  # three slots are live after the first step, K is 4
    for slot, weight in ((events.read_slot, events.read_weight), (events.write_slot, events.write_weight)):
        assert (weight[slot == -1] == 0).all()
        assert (slot >= -1).all()
        assert (slot < CONFIG.slots).all()
    assert (events.write_row[events.write_slot == -1] == 0).all()


def test_heads_never_take_the_same_slot(model: SAM) -> None:
    _, _, events = model(inputs(), events=True)
    taken = events.write_slot[..., -1].sort(dim=-1).values
    assert (taken.diff(dim=-1) > 0).all()


def test_fresh_memory_is_taken_in_slot_order(model: SAM) -> None:
    _, _, events = model(inputs(), events=True)
    assert (events.write_slot[0, :, :, -1] == torch.arange(3)).all()


def test_a_slot_that_was_not_accessed_stays_in_front_and_is_erased() -> None:
    torch.manual_seed(0)
    model = SAM(
        SAMConfig(3, 2, hidden_size=6, slots=12, word_size=5, heads=3, reads=4, access_threshold=0.99)
    )
    memory = torch.randn(2, 12, 5)
    _, state, events = model(inputs(), model.initial_state(2, memory), events=True)
    assert (events.write_slot[..., -1] == torch.arange(3)).all()
    assert (state.memory.tensors.last_access == -1).all()
    assert not torch.equal(state.memory.word[:, :3], memory[:, :3])


def test_reading_all_slots_equals_the_dense_read() -> None:
    torch.manual_seed(0)
    config = SAMConfig(3, 2, hidden_size=6, slots=8, word_size=5, heads=2, reads=8)
    model = SAM(config).double()
    memory = torch.randn(2, 8, 5, dtype=torch.float64)
    _, state, events = model(inputs().double(), model.initial_state(2, memory), events=True)
    query, words = events.read_query[-1], state.memory.word
    lengths = query.norm(dim=-1)[..., None] * words.norm(dim=-1)[:, None]
    cosine = (query @ words.mT) / (lengths + 1e-6)  # [B, H, N]
    dense = torch.softmax(events.beta[-1][..., None] * cosine, dim=-1) @ words
    assert torch.allclose(events.read_word[-1], dense, rtol=1e-10, atol=1e-12)


def test_memory_and_ring_are_undone_to_the_start_and_put_forward_again(
    monkeypatch: pytest.MonkeyPatch, sparse: type[SAM]
) -> None:
    model = make(sparse)
    start = model.initial_state(2, torch.randn(2, CONFIG.slots, CONFIG.word_size))
    _, start, _ = model(inputs(20), start)  # so that neither words nor ring are in their first order
    before = copies(start)
    output, state, _ = model(inputs(40), start)
    end, seen = copies(state), []
    redo_window = fused.redo_window

    def spy(*arguments: object) -> None:
        seen.append(copies(state))
        redo_window(*arguments)

    monkeypatch.setattr(fused, "redo_window", spy)
    output.sum().backward()
    for name, there in before.items():
        assert torch.equal(seen[0][name], there), name
    for name, there in end.items():
        assert torch.equal(copies(state)[name], there), name
    assert not torch.equal(before["word"], end["word"])
    assert not torch.equal(before["after"], end["after"])


def copies(state: SAMState) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in state.memory.tensors._asdict().items()}


def test_asking_for_events_changes_nothing(model: SAM) -> None:
    results = []
    for events in (None, True):
        model.zero_grad()
        output, state, seen = model(inputs(), events=events)
        loss = output.square().sum()
        loss.backward()
        results.append((output, loss, state.memory.word, [p.grad.clone() for p in model.parameters()]))
        assert (seen is None) == (events is None)
    for left, right in zip(results[0][:3], results[1][:3], strict=True):
        assert torch.equal(left, right)
    assert all(torch.equal(*pair) for pair in zip(results[0][3], results[1][3], strict=True))


def test_events_are_kept_when_the_next_window_runs(model: SAM) -> None:
    _, state, events = model(inputs(), events=True)
    told = [tensor for tensor in events if tensor is not None]
    before = [tensor.clone() for tensor in told]
    output, _, _ = model(inputs(20), state, events=True)
    output.sum().backward()
    for left, right in zip(before, told, strict=True):
        assert torch.equal(left.nan_to_num(9), right.nan_to_num(9))
    assert not any(tensor.requires_grad for tensor in told)


def test_written_rows_are_the_memory_at_the_end_of_the_step() -> None:
    torch.manual_seed(0)
    model = SAM(CONFIG)
    whole = model(inputs(), events=True)[2]
    for steps in range(1, 10):
        _, state, events = model(inputs()[:steps], events=True)
        for b in range(2):
            slot = events.write_slot[-1, b]
            rows = state.memory.word[b][slot.clamp(min=0)] * (slot >= 0)[..., None]
            assert torch.equal(events.write_row[-1, b], rows)
            assert torch.allclose(whole.write_row[steps - 1, b], rows, atol=1e-6)


def test_a_consumed_state_is_refused(model: SAM) -> None:
    state = model.initial_state(2)
    copy = state.clone()
    model(inputs(), state)
    with pytest.raises(StateError, match="already consumed"):
        model(inputs(), state)
    with pytest.raises(StateError, match="already consumed"):
        state.clone()
    model(inputs(), copy)


def test_backward_after_the_memory_moved_on_is_refused() -> None:
    model = SAM(CONFIG)
    output, state, _ = model(inputs())
    model(inputs(), state)
    with pytest.raises(StateError, match="moved on"):
        output.sum().backward()


def test_a_second_backward_is_refused() -> None:
    model = SAM(CONFIG)
    output, _, _ = model(inputs())
    output.sum().backward(retain_graph=True)
    with pytest.raises(StateError, match="already differentiated"):
        output.sum().backward()


def test_only_one_output_used_still_gives_gradients() -> None:
    model = SAM(CONFIG)
    output, _, _ = model(inputs())
    output[0].sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


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
def test_bad_inputs_are_refused(model: SAM, bad: torch.Tensor, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        model(bad)


def test_a_state_of_another_batch_is_refused(model: SAM) -> None:
    with pytest.raises(ConfigError, match="batch of 3"):
        model(inputs(), model.initial_state(3))


def test_bad_memory_is_refused(model: SAM) -> None:
    with pytest.raises(ConfigError, match=r"\[2, 12, 5\]"):
        model.initial_state(2, torch.zeros(2, 5, 5))
    with pytest.raises(ConfigError, match="finite"):
        model.initial_state(1, torch.full((1, 12, 5), torch.inf))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"slots": 3}, "max"),
        ({"heads": 0}, "heads"),
        ({"access_threshold": 1.0}, "access_threshold"),
        ({"index": "magic"}, "index"),
        ({"word_size": 2.5}, "word_size"),
    ],
)
def test_bad_configs_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SAMConfig.from_dict(CONFIG.as_dict() | change)
