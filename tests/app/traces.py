"""Traces for the tests of the app: shaped like recall runs, and those of untrained models."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.builders import fresh_checkpoint, make_dimensions, random_events, recorder_for, window

Array = np.ndarray[Any, Any]

FIELDS = {
    "input_fields": [
        {"name": "item", "kind": "bits", "start": 0, "stop": 4},
        {"name": "key", "kind": "flag", "start": 4, "stop": 5},
        {"name": "cue", "kind": "flag", "start": 5, "stop": 6},
    ],
    "output_fields": [{"name": "value", "kind": "bits", "start": 0, "stop": 4}],
}
META: dict[str, Any] = {
    "model": {"class": "SAM", "config": {}},
    "task": {"name": "recall", "description": "Answer the value of a key.", "settings": {}, **FIELDS},
    "output_kind": "bits",
}
EPISODE = 10
WRONG_EPISODE = 2


def write_recall(
    path: Path, *, episodes: int = 6, slots: int = 24, meta: dict[str, Any] | None = None
) -> Path:
    """Episodes of ten steps that answer at their last; the third one is the first that is wrong."""
    sizes = make_dimensions(
        slots=slots, word_size=8, heads=2, reads=3, input_size=6, output_size=4, source_size=1
    )
    rng = np.random.default_rng(5)
    events = random_events(rng, episodes * EPISODE, sizes)
    with recorder_for(path, sizes, meta=META if meta is None else meta) as recorder:
        for number in range(episodes):
            first = number * EPISODE
            recorder.append(
                window(events, first, first + EPISODE),
                episode=number,
                first_step=first,
                **episode_io(rng, first, wrong=number >= WRONG_EPISODE and number % 2 == 0),
            )
    return path


def write_model(folder: Path, model: str, **sizes: int) -> Path:
    """MODEL.h5: what an untrained model did with twelve episodes of copy, its gates open and shut."""
    from samviz import session

    checkpoint = fresh_checkpoint(folder / f"run-{model}", model, scale=6.0, slots=12, word_size=8, **sizes)
    path = folder / f"{model}.h5"
    session.record(checkpoint, checkpoint.task(), checkpoint.model(), path, episodes=12, seed=0)
    return path


def episode_io(rng: np.random.Generator, first: int, *, wrong: bool) -> dict[str, Array]:
    """Inputs, outputs and answers of one episode."""
    target = np.zeros((EPISODE, 1, 4), np.float32)
    target[-1, 0] = rng.integers(0, 2, 4)
    output = rng.normal(size=target.shape).astype(np.float32)
    output[-1] = 6 * target[-1] - 3
    if wrong:
        output[-1, 0, :2] *= -1
    mask = np.zeros((EPISODE, 1), np.uint8)
    mask[-1] = 1
    source = np.full((EPISODE, 1, 1), -1, np.int32)
    source[-1] = first + 3
    return {
        "input": rng.integers(0, 2, (EPISODE, 1, 6)).astype(np.float32),
        "output": output,
        "target": target,
        "mask": mask,
        "loss": np.full((EPISODE, 1), 0.25 + wrong, np.float32),
        "source": source,
    }
