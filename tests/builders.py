"""Random but lawful events, and traces made of them."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from samviz.recorder import Recorder
from samviz.recorder.fields import OWN_COLUMNS
from samviz.trace.schema import Dimensions

if TYPE_CHECKING:
    from samviz.checkpoint import Checkpoint
    from samviz.model.events import Events

Arrays = dict[str, np.ndarray[Any, Any]]


def fresh_checkpoint(
    run: Path, model: str, *, scale: float = 1.0, seed: int = 0, **sizes: int
) -> "Checkpoint":
    """A model of that name for copy as it is before training, its parameters enlarged."""
    import torch

    from samviz.checkpoint import load_checkpoint
    from samviz.training import Trainer, TrainingConfig

    task = {"min_items": 2, "max_items": 3}
    config = TrainingConfig(task="copy", task_settings=task, model=model, model_settings=sizes, seed=seed)
    trainer = Trainer.start(config)
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter *= scale
    return load_checkpoint(trainer.save(run))


def make_dimensions(**sizes: int) -> Dimensions:
    """Small dimensions; R = K and E = R + 1 unless told otherwise."""
    base = {"slots": 12, "word_size": 3, "heads": 2, "reads": 2, "links": 0, "batch": 1} | sizes
    entries = {"read_entries": base["reads"], "write_entries": base["reads"] + 1}
    return Dimensions(**(entries | base))


def random_events(rng: np.random.Generator, steps: int, sizes: Dimensions) -> "Events":
    """The arrays below as a model would hand them out."""
    import torch

    from samviz.model.events import Events

    return Events(
        **{field: torch.from_numpy(array) for field, array in random_arrays(rng, steps, sizes).items()}
    )


def random_arrays(rng: np.random.Generator, steps: int, sizes: Dimensions) -> Arrays:
    """T steps: distinct slots in a read, some entries unused, one after-image of a slot in a step."""
    lead = (steps, sizes.batch, sizes.heads)
    read_slot = np.argsort(rng.random((*lead, sizes.slots)), axis=-1)[..., : sizes.read_entries].astype("i4")
    read_slot[rng.random(read_slot.shape) < 0.1] = -1
    write_slot = rng.integers(-1, sizes.slots, (*lead, sizes.write_entries), dtype="i4")
    step, element = np.indices(write_slot.shape)[:2]
    images = rng.normal(size=(steps, sizes.batch, sizes.slots, sizes.word_size)).astype("f4")
    return {
        "read_slot": read_slot,
        "read_weight": _weights(rng, read_slot),
        "read_score": np.where(read_slot < 0, 0, rng.uniform(-1, 1, read_slot.shape)).astype("f4"),
        "read_query": rng.normal(size=(*lead, sizes.word_size)).astype("f4"),
        "read_word": rng.normal(size=(*lead, sizes.word_size)).astype("f4"),
        "read_usage": _earlier_steps(rng, read_slot.shape),
        "write_slot": write_slot,
        "write_weight": _weights(rng, write_slot),
        "write_row": images[step, element, write_slot],
        "write_word": rng.normal(size=(*lead, sizes.word_size)).astype("f4"),
        "write_usage": _earlier_steps(rng, write_slot.shape),
        "alpha": rng.random(lead).astype("f4"),
        "gamma": rng.random(lead).astype("f4"),
        "beta": rng.random(lead).astype("f4"),
        **(_link_arrays(rng, lead, sizes) if sizes.links else {}),
    }


def _earlier_steps(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """For every entry of step t a step from -1 to t - 1."""
    return rng.integers(-1, np.arange(shape[0]).reshape(-1, 1, 1, 1), shape).astype("i4")


def _link_arrays(rng: np.random.Generator, lead: tuple[int, ...], sizes: Dimensions) -> Arrays:
    """What only an SDNC tells."""
    lists = {"precedence": sizes.links, "forward": sizes.reads, "backward": sizes.reads}
    arrays = {"mode": rng.dirichlet(np.ones(3), lead).astype("f4")}
    for name, length in lists.items():
        slot = rng.integers(-1, sizes.slots, (*lead, length), dtype="i4")
        arrays |= {f"{name}_slot": slot, f"{name}_weight": _weights(rng, slot)}
    return arrays


def window(events: "Events", start: int, stop: int) -> "Events":
    """Steps [start, stop) of the events."""
    return events._make(None if field is None else field[start:stop] for field in events)


def recorder_for(path: Path, sizes: Dimensions, **settings: Any) -> Recorder:
    """A recorder of those dimensions."""
    own = {"columns": OWN_COLUMNS, "last_write_erases": True}
    return Recorder(path, **(own | sizes.__dict__ | settings))


def write_trace(
    path: Path, events: "Events", sizes: Dimensions, episodes: Sequence[int] = (), **settings: Any
) -> Path:
    """Record the events; `episodes` are the lengths of all episodes but the last."""
    bounds = [0, *np.cumsum(episodes).tolist(), len(events.read_slot)]
    with recorder_for(path, sizes, **settings) as recorder:
        for number, (start, stop) in enumerate(pairwise(bounds)):
            recorder.append(window(events, start, stop), episode=number, first_step=start)
    return path


def add_start(path: Path, slot: Any, batch: Any, row: Any, last_access: Any) -> None:
    """Let the finished trace tell what the memory held before its first step."""
    with h5py.File(path, "r+") as file:
        file["start/slot"] = np.array(slot, "i4")
        file["start/batch"] = np.array(batch, "i4")
        file["start/row"] = np.array(row, "f4")
        file["start/last_access"] = np.array(last_access, "i8")


def _weights(rng: np.random.Generator, slot: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Weights of which about half lie below the access threshold; 0 where there is no entry."""
    weight = np.where(rng.random(slot.shape) < 0.5, rng.uniform(0, 0.008, slot.shape), rng.random(slot.shape))
    return np.where(slot < 0, 0, weight).astype("f4")
