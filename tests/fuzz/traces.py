"""Small traces to damage: finished ones of both models, one of a killed recorder, and an archive copy."""

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np

from samviz.recorder import Recorder
from samviz.recorder.hdf5 import new_hdf5
from samviz.trace.schema import Dimensions
from tests.builders import make_dimensions, random_arrays, recorder_for

STEPS = 1200
META = {"model": {"class": "SAM"}, "task": {"name": "recall"}, "user": {"note": "n" * 5000}}


def make_traces(folder: Path, steps: int = STEPS) -> dict[str, Path]:
    """The traces by kind, in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    sam = make_dimensions(input_size=3, output_size=3, source_size=1)
    sdnc = make_dimensions(links=4, read_entries=6, write_entries=7)
    paths = {kind: folder / f"{kind}.h5" for kind in ("sam", "sdnc", "crashed", "archive")}
    _record(paths["sam"], sam, steps)
    _record(paths["sdnc"], sdnc, steps)
    _record(folder / "live.h5", sam, steps, copy_to=paths["crashed"])
    _archive(paths["sam"], paths["archive"])
    return paths


def _record(path: Path, sizes: Dimensions, steps: int, copy_to: Path | None = None) -> None:
    rng = np.random.default_rng(7)
    with recorder_for(path, sizes, meta=META, weights=b"weights " * 600) as recorder:
        for episode in range(4):
            _append(recorder, rng, sizes, steps // 4, episode)
        if copy_to is not None:
            recorder.commit()
            shutil.copy(path, copy_to)


def _append(
    recorder: Recorder, rng: np.random.Generator, sizes: Dimensions, steps: int, episode: int
) -> None:
    lead = (steps, sizes.batch)
    io: dict[str, Any] = {}
    if sizes.input_size:
        io = {name: rng.normal(size=(*lead, 3)) for name in ("input", "output", "target")}
        io |= {"mask": np.ones(lead), "loss": rng.random(lead), "source": np.full((*lead, 1), -1)}
    recorder.append(SimpleNamespace(**random_arrays(rng, steps, sizes)), episode=episode, **io)  # type: ignore[arg-type]


def _archive(path: Path, archive: Path) -> None:
    """The same trace with gzip and shuffle, as for keeping."""
    with h5py.File(path) as source, new_hdf5(archive) as target:
        for name, value in source.attrs.items():
            target.attrs[name] = value
        names: list[str] = []
        source.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            settings: dict[str, Any] = {}
            if source[name].chunks:
                settings = {"chunks": source[name].chunks, "maxshape": source[name].maxshape}
                settings |= {
                    "compression": "gzip",
                    "compression_opts": 1,
                    "shuffle": True,
                    "fletcher32": True,
                }
            target.create_dataset(name, data=source[name][:], **settings)
