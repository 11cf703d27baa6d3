"""A small key-value memory network written from scratch, and recorded while it answers.

An episode shows six pairs of a key and a value, one a step, then asks for the value of each key. A step
writes the pair it is shown into the next free slot, then reads the four slots whose keys are nearest.

    python examples/key_value_memory.py --out traces/key-value.h5

Shape legend: T steps, B batch, N slots, W word size, K slots read.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

import samviz

PAIRS, BITS, SLOTS, HALF, READS = 6, 4, 16, 12, 4
STEPS = 2 * PAIRS

META = {
    "model": {"class": "KeyValueMemory"},
    "task": {
        "name": "pairs",
        "description": "Keep pairs of a key and a value, then answer the value of a key.",
        "input_fields": [
            {"name": "key", "kind": "bits", "start": 0, "stop": BITS},
            {"name": "value", "kind": "bits", "start": BITS, "stop": 2 * BITS},
        ],
        "output_fields": [{"name": "value", "kind": "bits", "start": 0, "stop": BITS}],
    },
    "output_kind": "bits",
}


class Episode(NamedTuple):
    """The second half of the steps asks for what the first half showed."""

    key: Tensor  # [T, B, BITS]
    value: Tensor  # [T, B, BITS], the target where it is asked for
    source: Tensor  # [T], the step that showed the pair
    asks: Tensor  # [T]


class Read(NamedTuple):
    """What a step found."""

    slot: Tensor  # [B, K]
    weight: Tensor  # [B, K]
    word: Tensor  # [B, W]


class KeyValueMemory(nn.Module):
    """A row of the memory is a key, then a value."""

    def __init__(self) -> None:
        super().__init__()
        self.key, self.value = nn.Linear(BITS, HALF), nn.Linear(BITS, HALF)
        self.answer = nn.Linear(HALF, BITS)

    def write(self, memory: Tensor, slot: int, key: Tensor, value: Tensor) -> Tensor:
        """The memory [B, N, W] with a pair in one slot."""
        row = torch.cat([self.key(key), self.value(value)], -1)
        return memory.index_copy(1, torch.tensor([slot]), row.unsqueeze(1))

    def read(self, memory: Tensor, key: Tensor) -> Read:
        """The mean of the K rows whose keys are nearest, weighted by how near they are."""
        score = (memory[..., :HALF] @ self.key(key).unsqueeze(-1)).squeeze(-1)  # [B, N]
        best, slot = score.topk(READS)
        weight = best.softmax(-1)
        rows = memory.gather(1, slot.unsqueeze(-1).expand(-1, -1, 2 * HALF))  # [B, K, W]
        return Read(slot, weight, (weight.unsqueeze(1) @ rows).squeeze(1))

    def forward(self, shown: Episode, recorder: samviz.Recorder | None = None, number: int = 0) -> Tensor:
        """The logits of every step [T, B, BITS]."""
        memory, outputs = torch.zeros(shown.key.shape[1], SLOTS, 2 * HALF), []
        for t in range(STEPS):
            wrote = {} if shown.asks[t] else {"write_slot": t, "write_weight": 1.0}
            if wrote:
                memory = self.write(memory, t, shown.key[t], shown.value[t])
            read = self.read(memory, shown.key[t])
            outputs.append(self.answer(read.word[:, HALF:]))
            if recorder is not None:  # all that recording takes
                recorder.step(
                    **wrote,
                    read_slot=read.slot,
                    read_weight=read.weight,
                    read_word=read.word,
                    memory=memory,
                    input=torch.cat([shown.key[t], shown.value[t] * ~shown.asks[t]], -1),
                    output=outputs[-1],
                    target=shown.value[t],
                    mask=shown.asks[t],
                    source=number * STEPS + shown.source[t] if shown.asks[t] else -1,
                    episode=number,
                )
        return torch.stack(outputs)


def episode(batch: int) -> Episode:
    """Pairs with different keys, and the order in which they are asked for."""
    numbers = torch.stack([torch.randperm(2**BITS)[:PAIRS] for _ in range(batch)], 1)
    key = (numbers.unsqueeze(-1) >> torch.arange(BITS)) & 1
    value = torch.randint(0, 2, (PAIRS, batch, BITS))
    order, steps = torch.randperm(PAIRS), torch.arange(STEPS)
    key, value = (torch.cat([each, each[order]]).float() for each in (key, value))
    return Episode(key, value, torch.cat([steps[:PAIRS], order]), steps >= PAIRS)


def train(model: KeyValueMemory, steps: int) -> float:
    """The share of bits that are right after so many steps."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        shown = episode(batch=32)
        output, target = model(shown)[shown.asks], shown.value[shown.asks]
        optimizer.zero_grad()
        cross_entropy(output, target).backward()
        optimizer.step()
    return float(((output > 0) == (target > 0.5)).float().mean())


def main() -> None:
    """Train, record some episodes, and say how to look at them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("traces/key-value.h5"), help="the trace to write")
    parser.add_argument(
        "--steps", type=int, default=40, help="training steps; so few leave some answers wrong"
    )
    parser.add_argument("--episodes", type=int, default=20, help="episodes to record")
    parser.add_argument("--overwrite", action="store_true", help="replace a trace that exists")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = KeyValueMemory()
    right = train(model, options.steps)
    print(f"Trained for {options.steps} steps: {right:.1%} of the bits are right.")
    sizes = {"slots": SLOTS, "word_size": 2 * HALF}
    try:
        with (
            samviz.Recorder(options.out, **sizes, meta=META, overwrite=options.overwrite) as recorder,
            torch.no_grad(),
        ):
            for number in range(options.episodes):
                model(episode(batch=1), recorder, number)
    except samviz.SamvizError as error:
        parser.error(str(error))
    print(f"Recorded {recorder.n_steps} steps in {options.episodes} episodes to {options.out}.")
    print(f"Look at it: streamlit run samviz/app/main.py -- --traces {options.out.parent}")


if __name__ == "__main__":
    main()
