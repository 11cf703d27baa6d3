"""A training run as it was asked for: start or resume, train, and record episodes on the way."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samviz.checkpoint import latest
from samviz.session.recording import record_episode, recorder_for, trace_meta
from samviz.training import StepReport, Trainer, TrainingConfig, refuse_used_folder, train

EPISODE_SEED = 1_000_000  # of the episode that is recorded: no minibatch is drawn from it


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One run: what is trained, where it goes, how long, and what is recorded meanwhile."""

    config: TrainingConfig
    out: Path
    steps: int
    resume: bool = False
    checkpoint_every: int = 500
    trace: Path | None = None  # where episodes are recorded to
    record_every: int = 500  # minibatches between them
    size_limit: int | None = None  # bytes that the trace may grow to

    def open(self) -> Trainer:
        """The model as the run's latest checkpoint left it, or with fresh weights where there is none.

        Raises:
            CheckpointError: the folder holds a run and none was to be resumed, or another one.
        """
        if self.resume and latest(self.out) is not None:
            return Trainer.resume(self.config, self.out)
        refuse_used_folder(self.out)
        return Trainer.start(self.config)

    def train(
        self,
        trainer: Trainer,
        report: Callable[[StepReport], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda _: None,
    ) -> Path:
        """Train to the end; the last checkpoint's folder. A trace that fails ends with one line to `say`.

        Raises:
            CheckpointError: the disk refused.
            ConfigError: the loss is no longer finite, or the model has no memory to record.
            TraceError: the trace cannot be made.
        """
        with self._watcher(trainer, say) as watcher:

            def see(measured: StepReport) -> None:
                if watcher is not None:
                    watcher.see(measured.step)
                report(measured)

            return train(
                trainer, self.out, self.steps, checkpoint_every=self.checkpoint_every, report=see, stop=stop
            )

    def _watcher(self, trainer: Trainer, say: Callable[[str], None]) -> "Watcher | nullcontext[None]":
        if self.trace is None:
            return nullcontext()
        return Watcher(trainer, self.trace, self.record_every, say, self.size_limit)


class Watcher:
    """Records one and the same episode again and again while training goes on, committed each time.

    The episode is one that training does not draw. What changes in the trace is what was learnt.
    """

    def __init__(
        self, trainer: Trainer, path: Path, every: int, say: Callable[[str], None], size_limit: int | None
    ) -> None:
        self._trainer, self._every = trainer, every
        self._task = trainer.task.held_out()
        self._batch = self._task.sample(np.random.default_rng(EPISODE_SEED), 1)
        meta = trace_meta(self._task, trainer.model, EPISODE_SEED)
        self._recorder = recorder_for(
            trainer.model,
            self._task,
            path,
            meta=meta,
            chunk_steps=1,
            training=True,
            size_limit=size_limit,
            on_stop=lambda reason: say(f"{reason}; training goes on"),
        )
        self._episode = 0
        say(f"recording an episode every {every:,} steps to {path}")

    def __enter__(self) -> "Watcher":
        self.see(self._trainer.step)
        return self

    def __exit__(self, *error: Any) -> None:
        self._recorder.__exit__(*error)

    def see(self, step: int) -> None:
        """Record the episode if it is time to."""
        if step % self._every or self._recorder.stopped:
            return
        model, kind = self._trainer.model, self._task.output_kind
        record_episode(self._recorder, model, self._batch, kind, self._episode, train_step=step)
        self._recorder.commit()
        self._episode += 1
