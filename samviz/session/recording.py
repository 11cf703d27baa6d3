"""Let a model answer episodes and record what its memory did."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from samviz.checkpoint import Checkpoint
from samviz.errors import ConfigError, TraceError
from samviz.model import LSTM, SAM, SDNC
from samviz.model.registry import MODELS, Model, name_of
from samviz.recorder import Recorder
from samviz.recorder.fields import UNGATED_COLUMNS
from samviz.session.evaluation import require_fit
from samviz.tasks import Batch, Task, loss_bits
from samviz.versions import library_versions


def record(
    checkpoint: Checkpoint,
    task: Task,
    model: Model,
    path: Path,
    *,
    episodes: int,
    seed: int,
    overwrite: bool = False,
    size_limit: int | None = None,
    report: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Let the model answer fresh episodes and record what its memory did, one episode after the other.

    Episode i is determined by (seed, i); its memory starts afresh. Where `stop()` says so, the trace ends
    with the episode that was just recorded. Returns how many episodes that are.

    Raises:
        CheckpointError: the task's inputs do not fit the model.
        ConfigError: the model has no memory, or one that is too large to record.
        TraceError: the trace cannot be written, or not to its end: what is whole is kept.
    """
    task = task.held_out()
    meta = trace_meta(task, model, seed) | {"checkpoint_sha256": checkpoint.sha256}
    with recorder_for(
        model,
        task,
        path,
        meta=meta,
        weights=checkpoint.weights,
        overwrite=overwrite,
        size_limit=size_limit,
        on_stop=_refuse,
    ) as recorder:
        for episode in range(episodes):
            if stop():
                return episode
            batch = task.sample(np.random.default_rng([seed, episode]), 1)
            record_episode(recorder, model, batch, task.output_kind, episode)
            report(episode + 1)
    return episodes


def recorder_for(model: Model, task: Task, path: Path, **more: Any) -> Recorder:
    """A recorder with the sizes of a model and its task; `more` goes to it as it is.

    Raises:
        CheckpointError: the task's inputs do not fit the model.
        ConfigError: the model has no memory, or one that is too large to record.
        TraceError: the trace cannot be written.
    """
    require_fit(model, task)
    if isinstance(model, LSTM):
        recordable = ", ".join(name for name in MODELS if name != name_of(model))
        raise ConfigError(f"an LSTM has no memory to record, only {recordable} have: measure it with eval")
    sizes = model.config
    return Recorder(
        path,
        slots=sizes.slots,
        word_size=sizes.word_size,
        heads=sizes.heads,
        reads=sizes.reads,
        read_entries=sizes.read_entries,
        write_entries=sizes.write_entries,
        links=model.config.links if isinstance(model, SDNC) else 0,
        input_size=sizes.input_size,
        output_size=sizes.output_size,
        source_size=task.source_size,
        access_threshold=sizes.access_threshold,
        # the write entry that is no read entry is the slot that was taken, and so erased
        last_write_erases=sizes.write_entries > sizes.read_entries,
        columns=(*UNGATED_COLUMNS, *MODELS[name_of(model)].gates),
        checks=True,
        **more,
    )


def record_episode(
    recorder: Recorder, model: Model, batch: Batch, output_kind: str, episode: int, **more: Any
) -> None:
    """Let the model answer one episode and append it; `more` goes to the recorder's `append` as it is."""
    with torch.no_grad():
        output, state, events = model(batch.inputs, events=True)
        recorder.append(
            events,
            episode=episode,
            input=batch.inputs,
            output=output,
            target=batch.targets,
            mask=batch.mask,
            loss=loss_bits(output, batch, output_kind),
            source=batch.source if batch.source.shape[-1] else None,
            check=memory_of(state),
            **more,
        )


def memory_of(state: Any) -> torch.Tensor:
    """The memory [B, N, W] in the state of any model that has one."""
    memory = state.memory
    return memory if isinstance(memory, torch.Tensor) else memory.word


def trace_meta(task: Task, model: Model, seed: int) -> dict[str, Any]:
    """What a trace says about its making."""
    return {
        "model": {"class": type(model).__name__, "config": model.config.as_dict()},
        "task": {
            "name": task.name,
            "settings": task.settings(),
            "description": task.description,
            "input_fields": [field.as_dict() for field in task.input_fields],
            "output_fields": [field.as_dict() for field in task.output_fields],
        },
        "seed": seed,
        "index": model.index_kind if isinstance(model, SAM) else None,
        "output_kind": task.output_kind,
        "versions": library_versions(),
        "git_commit": _git_commit(),
        "user": {},
    }


def _refuse(reason: str) -> None:
    raise TraceError(reason)


def _git_commit() -> str | None:
    """The commit of a samviz that runs from its own checkout."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
