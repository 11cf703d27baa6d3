"""Attention over a growing cache, recorded as a memory: a slot is a position, a read the weights of a head.

A layer of torch's scaled_dot_product_attention reads a text word by word. Each word writes its key and value
into the next slot of the cache; then every head looks at all slots so far. Only the largest weights of a head
are recorded; what they leave out is told.

    python examples/attention_cache.py --out traces/attention.h5

Shape legend: T words, H heads, D size of a head, n positions in the cache, W word size (2 H D).
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot, scaled_dot_product_attention

import samviz

HEADS, SIZE, SLOTS, ENTRIES = 2, 16, 64, 8
WIDTH = HEADS * SIZE

TEXTS = (
    "the cat sat on the mat and the dog sat on the rug ; the cat saw the dog and the dog saw the cat .",
    "one for the master and one for the dame and one for the little boy who lives down the lane .",
)
WORDS = sorted(set(" ".join(TEXTS).split()))

META = {
    "model": {"class": "AttentionCache"},
    "task": {
        "name": "texts",
        "description": "Read a text word by word.",
        "input_fields": [{"name": "word", "kind": "words", "start": 0, "stop": len(WORDS), "labels": WORDS}],
    },
}


class Attended(NamedTuple):
    """What one word did."""

    cache: Tensor  # [n, W], all keys and values so far, the word's own last
    weight: Tensor  # [H, n]
    found: Tensor  # [H, D]


class AttentionCache(nn.Module):
    """One attention layer: heads look for the words that are like the present one, each in its own way."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.value = nn.Embedding(len(WORDS), WIDTH), nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)  # of queries, too

    def forward(self, word: Tensor, cache: Tensor) -> Attended:
        """Append the word to the cache [n - 1, W] and attend to it."""
        hidden = self.embed(word)
        query, value = self.key(hidden), self.value(hidden)
        cache = torch.cat([cache, torch.cat([query, value]).unsqueeze(0)])
        keys, values = (half.unflatten(1, (HEADS, SIZE)).transpose(0, 1) for half in cache.split(WIDTH, 1))
        query = query.view(HEADS, 1, SIZE)
        found = scaled_dot_product_attention(query, keys, values, scale=1.0)
        # the weights themselves: what it returns for values that are the unit vectors
        weight = scaled_dot_product_attention(
            query, keys, torch.eye(len(cache)).expand(HEADS, -1, -1), scale=1.0
        )
        return Attended(cache, weight.squeeze(1), found.squeeze(1))


@torch.no_grad()
def read_text(model: AttentionCache, text: str, recorder: samviz.Recorder, number: int) -> list[Attended]:
    """Let the layer read a text, and tell the recorder of every word."""
    cache, told = torch.zeros(0, 2 * WIDTH), []
    for t, word in enumerate(torch.tensor([WORDS.index(word) for word in text.split()])):
        attended = model(word, cache)
        cache = attended.cache
        recorder.step(
            read_weight=attended.weight,  # dense: weight i belongs to slot i
            write_slot=t,
            write_weight=1.0,
            write_row=cache[t],
            input=one_hot(word, len(WORDS)),
            episode=number,
        )
        told.append(attended)
    return told


def main() -> None:
    """Record the texts, and say how to look at them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("traces/attention.h5"), help="the trace to write")
    parser.add_argument("--overwrite", action="store_true", help="replace a trace that exists")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = AttentionCache()
    sizes = {"slots": SLOTS, "word_size": 2 * WIDTH, "heads": HEADS, "read_entries": ENTRIES}
    try:
        with samviz.Recorder(options.out, **sizes, meta=META, overwrite=options.overwrite) as recorder:
            for number, text in enumerate(TEXTS):
                read_text(model, text, recorder, number)
    except samviz.SamvizError as error:
        parser.error(str(error))
    print(f"Recorded {recorder.n_steps} words of {len(TEXTS)} texts to {options.out}.")
    print(
        f"The {ENTRIES} largest weights of a head are kept; at most {recorder.left_out:.3f} of 1 is left out."
    )
    print(f"Look at it: streamlit run samviz/app/main.py -- --traces {options.out.parent}")


if __name__ == "__main__":
    main()
