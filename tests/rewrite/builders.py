"""Lawful traces with everything that the format can hold."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np

from samviz.recorder.layout import create_dataset
from samviz.trace import Trace, open_trace
from tests.builders import make_dimensions, random_arrays, recorder_for

META = {"model": {"class": "SAM"}, "task": {"name": "recall"}, "seed": 7, "user": {"why": "a test"}}
CHECKED = 256


def make_trace(
    path: Path,
    lengths: Sequence[int],
    *,
    seed: int = 0,
    half_rows: bool = False,
    start: bool = False,
    check: bool = False,
    weights: bytes | None = None,
    chunk_steps: int = 16,
    meta: dict[str, Any] | None = None,
    **sizes: int,
) -> Path:
    """One episode for each length; steps of last accesses and sources lie in the episode or are -1."""
    rng = np.random.default_rng(seed)
    dimensions = make_dimensions(**({"input_size": 2, "output_size": 2, "source_size": 1} | sizes))
    with recorder_for(
        path, dimensions, chunk_steps=chunk_steps, weights=weights, meta=META if meta is None else meta
    ) as recorder:
        at = 0
        for number, steps in enumerate(lengths):
            arrays = random_arrays(rng, steps, dimensions)
            lead = (steps, dimensions.batch)
            for name in ("read_usage", "write_usage"):
                arrays[name] = _earlier(rng, arrays[name].shape)
            recorder.append(
                SimpleNamespace(**arrays),
                episode=number,
                input=rng.normal(size=(*lead, 2)).astype("f4"),
                output=rng.normal(size=(*lead, 2)).astype("f4"),
                loss=np.where(rng.random(lead) < 0.2, np.nan, 1).astype("f4"),
                source=_earlier(rng, (*lead, dimensions.source_size)),
            )
            at += steps
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        if half_rows:
            rows = file["write/row"][:].astype("<f2")
            del file["write/row"]
            create_dataset(file, "write/row", rows.shape, "<f2", chunk_steps)[:] = rows
        if start:
            _add_start(file, rng)
        if check:
            _add_check(file, rng, sum(lengths))
    return path


def _earlier(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Steps before each one, counted in its episode; a third of them -1."""
    step = np.indices(shape)[0]
    earlier = (rng.random(shape) * step).astype("i4")
    return np.where((step == 0) | (rng.random(shape) < 0.3), -1, earlier)


def _add_start(file: h5py.File, rng: np.random.Generator) -> None:
    slots, batch = int(file.attrs["slots"]), int(file.attrs["batch"])
    slot = np.concatenate([rng.choice(slots, 5, replace=False) for _ in range(batch)]).astype("<i4")
    columns = {
        "slot": slot,
        "batch": np.repeat(np.arange(batch, dtype="<i4"), 5),
        "row": rng.normal(size=(len(slot), int(file.attrs["word_size"]))).astype("<f4"),
        "last_access": rng.integers(-9, 0, len(slot)).astype("<i8"),
    }
    _add(file, "start", columns)


def _add_check(file: h5py.File, rng: np.random.Generator, steps: int) -> None:
    step = np.sort(rng.integers(0, steps, 6)).astype("<i8")
    columns = {
        "step": step,
        "batch": rng.integers(0, int(file.attrs["batch"]), 6).astype("<i4"),
        "slot": rng.integers(0, int(file.attrs["slots"]), (6, CHECKED)).astype("<i4"),
        "row": rng.normal(size=(6, CHECKED, int(file.attrs["word_size"]))).astype("<f4"),
    }
    _add(file, "check", columns)


def _add(file: h5py.File, group: str, columns: dict[str, np.ndarray]) -> None:
    for name, values in columns.items():
        create_dataset(file, f"{group}/{name}", values.shape, values.dtype, len(values))[:] = values


def contents(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Type, shape and bytes of every column."""
    with open_trace(path) as trace:
        columns = {name: trace[name][:] for name in trace.datasets}
    return {name: (column.dtype.str, column.shape, column.tobytes()) for name, column in columns.items()}


def usage_seen_from(usage: np.ndarray, first: int) -> np.ndarray:
    """Last accesses as a trace that begins at step `first` counts them."""
    return np.array([u if u == -1 else u - first if u >= first else u - first - (u >= 0) for u in usage])


def assert_same_memory(part: Trace, whole: Trace, first: int) -> None:
    """Memory and usage of a trace at every step are those of another `first` steps later."""
    for batch in range(whole.dimensions.batch):
        for t in range(len(part)):
            np.testing.assert_array_equal(
                part.memory(t, batch=batch).view("u4"), whole.memory(t + first, batch=batch).view("u4")
            )
            expected = usage_seen_from(whole.usage(t + first, batch), first)
            np.testing.assert_array_equal(part.usage(t, batch), expected)


def files_in(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, by name."""
    return {found.name: found.read_bytes() for found in folder.iterdir()}
