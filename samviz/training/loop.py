"""The loop: train, write checkpoints and metrics as it goes, and lose nothing whichever way it ends."""

from collections.abc import Callable
from math import isfinite
from pathlib import Path

from samviz.checkpoint import latest
from samviz.errors import CheckpointError, ConfigError
from samviz.training.metrics import Metrics, StepReport
from samviz.training.trainer import Trainer


def train(
    trainer: Trainer,
    run: Path,
    steps: int,
    *,
    checkpoint_every: int = 500,
    report: Callable[[StepReport], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> Path:
    """Train until `steps` steps are done or `stop()` says so; the last checkpoint's folder.

    A checkpoint is written at the start, every `checkpoint_every` steps and at the end, whichever way it
    comes, so that a killed run loses no more than one interval.

    Raises:
        CheckpointError: the disk refused.
        ConfigError: the loss is no longer finite.
    """
    metrics = Metrics(run, trainer.step)
    try:
        if trainer.step == 0:
            _commit(trainer, run, metrics)  # from now on, whatever happens, there is something to resume
        while trainer.step < steps and not stop():
            measured = trainer.train_step()
            if not isfinite(measured.loss_bits):
                raise ConfigError(
                    f"the loss is not finite at step {measured.step}: "
                    "start again with a lower --learning-rate"
                )
            metrics.add(measured)
            report(measured)
            if trainer.step % checkpoint_every == 0 and trainer.step < steps:
                _commit(trainer, run, metrics)
        return _commit(trainer, run, metrics)
    finally:
        metrics.close()


def _commit(trainer: Trainer, run: Path, metrics: Metrics) -> Path:
    """Append the new metrics, then write the checkpoint: metrics beyond it are dropped on resume."""
    metrics.commit()
    return trainer.save(run)


def refuse_used_folder(run: Path) -> None:
    """Raise CheckpointError if a run would be mixed with an older one."""
    if run.is_file():
        raise CheckpointError(f"{run}: expected a folder to write the run to, found a file")
    if latest(run) is not None:
        raise CheckpointError(f"{run}: holds a training run already; add --resume or choose another --out")
