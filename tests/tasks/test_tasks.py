"""Every task keeps the laws of the protocol; recall and copy ask for what the paper describes."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from samviz.errors import ConfigError
from samviz.tasks import Copy, Recall, input_size, loss_bits, make_task, output_size, wrong_elements

item_counts = st.integers(1, 9)
ITEM_TASKS = ("copy", "follow", "recall", "sort")  # babi and omniglot have tests of their own


@pytest.mark.parametrize("name", ITEM_TASKS)
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    batch=st.integers(1, 5),
    low=item_counts,
    more=item_counts,
    bits=st.integers(5, 9),
)
def test_laws(name: str, seed: int, batch: int, low: int, more: int, bits: int) -> None:
    low += (name == "follow") * 3  # it needs items to answer with
    task = make_task(name, {"min_items": low, "max_items": low + more, "bits": bits})
    drawn, again = (task.sample(np.random.default_rng(seed), batch) for _ in range(2))
    steps = len(drawn.inputs)
    assert drawn.inputs.shape == (steps, batch, input_size(task))
    assert drawn.targets.shape == (steps, batch, output_size(task))
    assert drawn.mask.shape == (steps, batch)
    assert drawn.source.shape == (steps, batch, task.source_size)
    assert all(torch.equal(*pair) for pair in zip(drawn, again, strict=True))
    for field in task.input_fields:
        values = drawn.inputs[..., field.start : field.stop]
        assert field.kind == "value" or set(values.unique().tolist()) <= {0.0, 1.0}
        assert values.abs().max() <= 1
    for fields in (task.input_fields, task.output_fields):
        assert [field.start for field in fields] == [0, *(field.stop for field in fields[:-1])]
    steps_of = torch.arange(steps)[:, None, None]
    assert (drawn.source < steps_of).all()
    assert ((drawn.source >= 0) == drawn.mask[..., None]).all()
    assert (drawn.targets[~drawn.mask] == 0).all()
    assert make_task(name, task.settings()) == task


@pytest.mark.parametrize("name", ITEM_TASKS)
def test_the_source_step_shows_the_answer(name: str) -> None:
    task = make_task(name, {})
    item = task.input_fields[0]
    for seed in range(20):
        drawn = task.sample(np.random.default_rng(seed), 3)
        for t, b in drawn.mask.nonzero().tolist():
            shown = drawn.inputs[drawn.source[t, b, 0], b, item.start : item.stop]
            assert torch.equal(shown, drawn.targets[t, b])


def test_recall_shows_pairs_then_a_cue_then_asks() -> None:
    drawn = Recall(min_items=4, max_items=4).sample(np.random.default_rng(3), 5)
    assert len(drawn.inputs) == 2 * 4 + 2
    item, key, value, cue = drawn.inputs[..., :8], *(drawn.inputs[..., 8 + i] for i in range(3))
    assert (key[0:8:2] == 1).all()
    assert (value[1:8:2] == 1).all()
    assert (cue[8] == 1).all()
    assert (drawn.inputs[..., 8:].sum((0, 2)) == 9).all()
    assert (drawn.inputs[9] == 0).all()
    assert drawn.mask.sum(0).tolist() == [1] * 5
    for b in range(5):
        keys = item[0:8:2, b]
        assert len(keys.unique(dim=0)) == 4
        asked = (keys == item[8, b]).all(-1).nonzero().item()
        assert drawn.source[9, b, 0] == 2 * asked + 1


def test_copy_repeats_in_order() -> None:
    drawn = Copy(min_items=5, max_items=5).sample(np.random.default_rng(3), 2)
    assert len(drawn.inputs) == 11
    assert (drawn.inputs[5, :, 8] == 1).all()
    assert torch.equal(drawn.targets[6:], drawn.inputs[:5, :, :8])


def test_recall_draws_all_lengths_and_cues_evenly() -> None:
    task, random = Recall(), np.random.default_rng(0)
    drawn = [task.sample(random, 1) for _ in range(400)]
    lengths = np.bincount([(len(d.inputs) - 2) // 2 for d in drawn], minlength=7)[3:7]
    assert lengths.sum() == 400
    assert lengths.min() > 70
    cued = np.bincount([int(d.source[-1]) // 2 for d in drawn if len(d.inputs) == 8], minlength=3)
    assert cued.min() > 15


def test_loss_is_in_bits_and_counts_answers_alone() -> None:
    drawn = Recall().sample(np.random.default_rng(0), 2)
    undecided = torch.zeros_like(drawn.targets)
    assert loss_bits(undecided, drawn, "bits").sum(0).tolist() == pytest.approx([8.0, 8.0])
    right = (drawn.targets * 2 - 1) * 100
    assert loss_bits(right, drawn, "bits").sum().item() == pytest.approx(0)
    assert wrong_elements(right, drawn, "bits").sum().item() == 0
    assert wrong_elements(-right, drawn, "bits").sum(0).tolist() == [8, 8]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("sorting", {}, "babi, copy, follow, omniglot, recall, sort"),
        ("recall", {"colour": 1}, "colour"),
        ("recall", {"min_items": 5, "max_items": 4}, "max_items must be at least min_items = 5"),
        ("copy", {"min_items": 0}, "min_items"),
        ("copy", {"bits": 1.5}, "bits"),
        ("recall", {"bits": 2}, "items of an episode to differ"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_task(name, settings)
