"""The examples run as they are shown, and their traces are what their own tensors say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

import samviz
from examples import attention_cache, key_value_memory
from samviz.trace import Trace

ROOT = Path(__file__).parents[2]
CORE = {
    "episode",
    "read/slot",
    "read/weight",
    "write/slot",
    "write/weight",
    "write/row",
    "usage/read",
    "usage/write",
}


def check_usage(trace: Trace) -> None:
    """Every /usage value is the reader's own answer at the end of the step before."""
    for t in range(len(trace)):
        begins = trace.episode_at(t).start == t
        before = np.full(trace.dimensions.slots, -1) if begins else trace.usage(t - 1)
        for kind in ("read", "write"):
            slot = trace[f"{kind}/slot"][t, 0]
            np.testing.assert_array_equal(trace[f"usage/{kind}"][t, 0], np.where(slot < 0, -1, before[slot]))


@pytest.mark.parametrize("name", ["key_value_memory", "attention_cache"])
def test_an_example_runs_and_says_what_it_recorded(name: str, tmp_path: Path) -> None:
    command = [sys.executable, f"examples/{name}.py", "--out", str(tmp_path / "run.h5")]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Recorded " in done.stdout
    assert f"Look at it: streamlit run samviz/app/main.py -- --traces {tmp_path}" in done.stdout
    assert samviz.open(tmp_path / "run.h5").status == "complete"
    again = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )
    assert again.returncode == 2
    assert again.stderr.splitlines()[-1].endswith("choose another name or add --overwrite (overwrite=True)")


def test_the_key_value_memory_is_what_its_tensors_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(3)
    model, shown, told = key_value_memory.KeyValueMemory(), key_value_memory.episode(batch=1), []
    read = key_value_memory.KeyValueMemory.read

    def watch(self, memory, key):
        told.append((memory.clone(), read(self, memory, key)))
        return told[-1][1]

    monkeypatch.setattr(key_value_memory.KeyValueMemory, "read", watch)
    path = tmp_path / "run.h5"
    with samviz.Recorder(path, slots=16, word_size=24) as recorder, torch.no_grad():
        outputs = [model(shown, recorder, number) for number in range(2)]
    trace = samviz.open(path)
    assert len(trace) == len(told) == 24
    for t, (memory, found) in enumerate(told):
        np.testing.assert_array_equal(trace.memory(t), memory[0])
        np.testing.assert_array_equal(trace["read/slot"][t, 0], found.slot)
        np.testing.assert_array_equal(trace["read/weight"][t, 0], found.weight)
        np.testing.assert_array_equal(trace["read/word"][t, 0], found.word)
    np.testing.assert_array_equal(trace["io/output"][:12], outputs[0])
    np.testing.assert_array_equal(trace["io/target"][:12], shown.value)
    assert trace["io/mask"][:, 0].tolist() == 2 * ([0] * 6 + [1] * 6)
    asked = shown.source[6:].numpy()
    assert trace["io/source"][:, 0, 0].tolist() == [-1] * 6 + [*asked] + [-1] * 6 + [*(12 + asked)]
    assert trace["write/slot"][:12, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5] + [-1] * 6
    check_usage(trace)
    io = {f"io/{name}" for name in ("input", "output", "target", "mask", "source")}
    assert set(trace.datasets) == CORE | io | {"read/word"}


def test_training_is_the_same_while_recording(tmp_path: Path) -> None:
    grads = []
    for recorder in (None, samviz.Recorder(tmp_path / "run.h5", slots=16, word_size=24)):
        torch.manual_seed(0)
        model = key_value_memory.KeyValueMemory()
        model(key_value_memory.episode(batch=1), recorder).square().sum().backward()
        grads.append([parameter.grad for parameter in model.parameters()])
        if recorder is not None:
            recorder.close()
    assert all(torch.equal(*pair) for pair in zip(*grads, strict=True))


def test_the_cache_is_what_its_tensors_say(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = attention_cache.AttentionCache()
    with samviz.Recorder(tmp_path / "run.h5", slots=64, word_size=64, heads=2, read_entries=8) as recorder:
        texts = [
            attention_cache.read_text(model, text, recorder, k)
            for k, text in enumerate(attention_cache.TEXTS)
        ]
        left_out = recorder.left_out
    trace = samviz.open(tmp_path / "run.h5")
    assert (trace.dimensions.reads, trace.dimensions.read_entries) == (64, 8)
    assert [episode.stop - episode.start for episode in trace.episodes] == [len(text) for text in texts]
    lost = []
    for t, attended in enumerate(word for text in texts for word in text):
        n = len(attended.cache)
        memory = np.zeros((64, 64), np.float32)
        memory[:n] = attended.cache
        np.testing.assert_array_equal(trace.memory(t), memory)
        slot, weight = trace["read/slot"][t, 0], trace["read/weight"][t, 0]
        for head in range(2):
            dense = attended.weight[head].numpy()
            kept = slot[head] >= 0
            assert kept.sum() == min(n, 8)
            np.testing.assert_array_equal(weight[head][kept], dense[slot[head][kept]])
            np.testing.assert_array_equal(weight[head][kept], np.sort(dense)[::-1][:8] if n > 8 else dense)
            lost.append(1 - weight[head].sum(dtype=float))
        assert trace["write/slot"][t, 0].tolist() == [[n - 1], [-1]]
    assert left_out == pytest.approx(max(lost), abs=1e-6)
    assert left_out > 0.1
    check_usage(trace)
    assert set(trace.datasets) == CORE | {"io/input"}


def test_the_weights_of_the_cache_are_those_of_torch() -> None:
    torch.manual_seed(0)
    model, cache = attention_cache.AttentionCache(), torch.zeros(0, 64)
    for word in torch.tensor([0, 3, 0, 5]):
        attended = model(word, cache)
        cache = attended.cache
    values = cache[:, 32:].unflatten(1, (2, 16)).transpose(0, 1)  # [H, n, D]
    torch.testing.assert_close(attended.weight.unsqueeze(1) @ values, attended.found.unsqueeze(1))
    torch.testing.assert_close(attended.weight.sum(-1), torch.ones(2))
    keys = cache[:, :32].unflatten(1, (2, 16)).transpose(0, 1)
    found = scaled_dot_product_attention(keys[:, -1:], keys, values, scale=1.0)
    torch.testing.assert_close(found.squeeze(1), attended.found)
