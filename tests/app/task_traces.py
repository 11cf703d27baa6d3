"""Traces of tasks in words, in images and in values: made-up episodes through an untrained SAM."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]

PEOPLE = ("mary", "john", "daniel", "sandra")
PLACES = ("hallway", "garden", "kitchen", "office", "bathroom", "bedroom")
THINGS = ("football", "apple", "milk")
OTHER = ("went", "moved", "journeyed", "travelled", "to", "the", "got", "picked", "up", "took", "dropped")
MORE = ("where", "is", "there", "back", "then", "after", "that", "he", "she", "they", "and", "was", "in")
VOCABULARY = (*PEOPLE, *PLACES, *THINGS, *OTHER, *MORE, ".", "?", "-")
CHARACTERS = tuple("abcdefghijklmnopqrst")
SIDE = 20


class Episodes(NamedTuple):
    """Steps of all episodes end to end: T steps, I input, O output."""

    lengths: list[int]
    inputs: Array  # [T, I]
    target: Array  # [T, O]
    mask: Array  # [T]
    source: Array  # [T], within the episode, -1 none
    output: Array | None = None  # [T, O]; None for the model's own


def write_story(path: Path, labels: tuple[str, ...] = VOCABULARY) -> Path:
    """About 150 steps of stories in words; some of the answers are wrong."""
    rng = np.random.default_rng(3)
    stories = [story(rng, statements) for statements in (5, 3, 7, 4)]
    size, steps = len(VOCABULARY), sum(len(told) for told in stories)
    words = np.array([VOCABULARY.index(word) for told in stories for word, _, _ in told])
    answer = np.array([VOCABULARY.index(word) if word else -1 for told in stories for _, word, _ in told])
    source = np.array([step for told in stories for _, _, step in told])
    mask = answer >= 0
    target = np.where(mask[:, None], np.eye(size)[answer], 0)
    output = logits(rng, target, mask, wrong=0.4)
    assert output.shape == (steps, size)
    fields = {
        "input_fields": [words_field("word", 0, labels)],
        "output_fields": [words_field("answer", 0, labels)],
    }
    told = Episodes([len(s) for s in stories], np.eye(size)[words], target, mask, source, output)
    return write(path, told, task("babi", "Read a story and answer questions about it.", fields), "classes")


def story(rng: np.random.Generator, statements: int) -> list[tuple[str, str, int]]:
    """(word, answer or "", step that holds the answer or -1) of every step."""
    told: list[tuple[str, str, int]] = []
    place: dict[str, tuple[str, int]] = {}
    for number in range(statements):
        person, where = str(rng.choice(PEOPLE)), str(rng.choice(PLACES))
        verb = str(rng.choice(["went", "moved", "journeyed", "travelled"]))
        told += [(word, "", -1) for word in (person, verb, "to", "the", where, ".")]
        place[person] = where, len(told) - 2
        if number % 2 or number == statements - 1:
            asked = str(rng.choice(list(place)))
            told += [(word, "", -1) for word in ("where", "is", asked, "?")]
            told.append(("-", *place[asked]))
    return told


def write_characters(path: Path, episodes: int = 2, shows: int = 60) -> Path:
    """Drawn characters, each shown with the label of the one before; the label is the answer."""
    rng = np.random.default_rng(4)
    kinds, pixels = len(CHARACTERS), SIDE * SIDE
    inputs, targets, sources = [], [], []
    for _ in range(episodes):
        strokes = [rng.uniform(3, 17, (3, 4)) for _ in range(6)]
        label, shown = rng.permutation(kinds)[:6], rng.integers(0, 6, shows)
        images = np.stack([drawn(strokes[s] + rng.normal(0, 0.6, (3, 4))) for s in shown])
        one_hot = np.eye(kinds)[label[shown]]
        inputs.append(
            np.hstack(
                [images.reshape(shows, pixels), np.roll(one_hot, 1, 0) * (np.arange(shows) > 0)[:, None]]
            )
        )
        targets.append(one_hot)
        sources.append([max(np.flatnonzero(shown[:i] == s), default=-1) for i, s in enumerate(shown)])
    target, mask = np.concatenate(targets), np.ones(episodes * shows, bool)
    fields = {
        "input_fields": [
            {"name": "character", "kind": "image", "start": 0, "stop": pixels, "shape": (SIDE, SIDE)},
            words_field("previous label", pixels, CHARACTERS),
        ],
        "output_fields": [words_field("label", 0, CHARACTERS)],
    }
    output = logits(rng, target, mask, wrong=0.3)
    told = Episodes([shows] * episodes, np.concatenate(inputs), target, mask, np.concatenate(sources), output)
    return write(path, told, task("omniglot", "Name drawn characters.", fields), "classes")


def write_sort(path: Path, episodes: int = 4, items: int = 10) -> Path:
    """Bit vectors with a priority each, an end mark, then most of them in order."""
    rng = np.random.default_rng(5)
    kept, bits = 4 * items // 5, 8
    steps = items + 1 + kept
    inputs, target = np.zeros((episodes, steps, bits + 2)), np.zeros((episodes, steps, bits))
    source = np.full((episodes, steps), -1)
    for e in range(episodes):
        vectors, priority = rng.integers(0, 2, (items, bits)), rng.uniform(-1, 1, items)
        order = np.argsort(-priority)[:kept]
        inputs[e, :items, :bits], inputs[e, :items, bits] = vectors, priority
        inputs[e, items, bits + 1] = 1
        target[e, items + 1 :] = vectors[order]
        source[e, items + 1 :] = order
    mask = np.tile(np.arange(steps) > items, episodes)
    flat = target.reshape(-1, bits)
    output = (flat * 6 - 3) * np.where(rng.random(flat.shape) < 0.06, -1, 1) + rng.normal(size=flat.shape)
    fields = {
        "input_fields": [
            {"name": "item", "kind": "bits", "start": 0, "stop": bits},
            {"name": "priority", "kind": "value", "start": bits, "stop": bits + 1},
            {"name": "end", "kind": "flag", "start": bits + 1, "stop": bits + 2},
        ],
        "output_fields": [{"name": "item", "kind": "bits", "start": 0, "stop": bits}],
    }
    told = Episodes([steps] * episodes, inputs.reshape(-1, bits + 2), flat, mask, source.ravel(), output)
    return write(path, told, task("sort", "Sort vectors by their priority.", fields), "bits")


def write(path: Path, told: Episodes, task: dict[str, Any], output_kind: str, slots: int = 64) -> Path:
    """Record what an untrained SAM's memory did with the episodes."""
    import torch

    from samviz.model import SAM, SAMConfig
    from samviz.recorder import Recorder

    torch.manual_seed(0)
    sizes = {"input_size": told.inputs.shape[1], "output_size": told.target.shape[1]}
    model = SAM(SAMConfig(**sizes, slots=slots, word_size=16, heads=2, reads=4, hidden_size=32))
    c = model.config
    meta = {"model": {"class": "SAM", "config": c.as_dict()}, "task": task, "output_kind": output_kind}
    shape = {"slots": c.slots, "word_size": c.word_size, "heads": c.heads, "reads": c.reads}
    with (
        Recorder(path, **shape, **sizes, source_size=1, last_write_erases=True, meta=meta) as recorder,
        torch.no_grad(),
    ):
        for parameter in model.parameters():
            parameter *= 3
        first = 0
        for number, length in enumerate(told.lengths):
            at = slice(first, first + length)
            answer, _, events = model(torch.from_numpy(told.inputs[at, None]).float(), events=True)
            assert events is not None
            recorder.append(
                events,
                episode=number,
                input=told.inputs[at, None].astype(np.float32),
                output=answer if told.output is None else told.output[at, None].astype(np.float32),
                target=told.target[at, None].astype(np.float32),
                mask=told.mask[at, None],
                loss=np.where(told.mask[at, None], 0.5, 0).astype(np.float32),
                source=told.source[at, None, None].astype(np.int32),
            )
            first += length
    return path


def task(name: str, description: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The task part of a trace's meta."""
    return {"name": name, "description": description, "settings": {}, **fields}


def words_field(name: str, start: int, labels: tuple[str, ...]) -> dict[str, Any]:
    """One of the labels."""
    return {"name": name, "kind": "words", "start": start, "stop": start + len(labels), "labels": labels}


def logits(rng: np.random.Generator, target: Array, mask: Array, *, wrong: float) -> Array:
    """Outputs that choose the target but for a share of the scored steps."""
    output = rng.normal(size=target.shape)
    right = mask & (rng.random(len(mask)) > wrong)
    output[np.flatnonzero(right), target[right].argmax(-1)] += rng.uniform(4, 7, right.sum())
    return output


def drawn(strokes: Array) -> Array:
    """[SIDE, SIDE]: straight strokes (x, y, x, y) in ink of 0 to 1."""
    y, x = np.mgrid[:SIDE, :SIDE]
    image = np.zeros((SIDE, SIDE))
    for ax, ay, bx, by in strokes:
        for share in np.linspace(0, 1, 40):
            cx, cy = ax + (bx - ax) * share, ay + (by - ay) * share
            image = np.maximum(image, np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 1.2))
    return np.where(image > 0.15, image, 0)
