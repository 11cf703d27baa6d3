"""Traces of other people's models: each lacks what its model does not know."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from samviz.recorder import Recorder

Array = np.ndarray[Any, Any]


def write_dense(path: Path) -> Path:
    """Dense reads of three heads and nothing else, two batch elements, three episodes."""
    rng = np.random.default_rng(0)
    with Recorder(path, slots=32, word_size=16, heads=3, batch=2) as recorder:
        for t in range(60):
            read = rng.dirichlet(np.ones(32), (2, 3))
            slot = np.array([[[t % 32]], [[7 * t % 32]]])
            row = rng.normal(size=(2, 1, 1, 16))
            recorder.step(
                read_weight=read, write_slot=slot, write_weight=0 * slot + 1, write_row=row, episode=t // 20
            )
    return path


def write_largest(path: Path) -> Path:
    """The largest four weights of one head over a cache that grows, with inputs alone."""
    rng = np.random.default_rng(1)
    with Recorder(path, slots=64, word_size=8, read_entries=4) as recorder:
        for t in range(50):
            told = {"read_weight": rng.dirichlet(np.ones(t + 1)), "write_slot": t, "write_weight": 1.0}
            recorder.step(**told, write_row=rng.normal(size=8), input=rng.integers(0, 2, 5))
    return path


def write_full(path: Path) -> Path:
    """A memory that was full before and is read alone, with weights of both signs and above one."""
    rng = np.random.default_rng(2)
    with Recorder(path, slots=12, word_size=6, reads=3, start_memory=rng.normal(size=(12, 6))) as recorder:
        for _ in range(40):
            recorder.step(read_slot=rng.permutation(12)[:3], read_weight=2 * rng.normal(size=3))
    return path


def write_some(path: Path) -> Path:
    """One gate, a loss and outputs without targets."""
    rng = np.random.default_rng(3)
    with Recorder(path, slots=300, word_size=8, heads=2) as recorder:
        for t in range(50):
            recorder.step(
                read_slot=[rng.permutation(300)[:2] for _ in range(2)],
                read_weight=rng.random((2, 2)),
                write_slot=[[t], [t + 100]],
                write_weight=[[1], [0.4]],
                write_row=rng.normal(size=(2, 1, 8)),
                beta=rng.random(2),
                loss=rng.random(),
                output=rng.normal(size=5),
            )
    return path


FOREIGN: dict[str, Callable[[Path], Path]] = {
    "dense": write_dense,
    "largest": write_largest,
    "full": write_full,
    "some": write_some,
}


def write_foreign(folder: Path) -> Path:
    """One of each, in a folder."""
    for name, write in FOREIGN.items():
        write(folder / f"{name}.h5")
    return folder
