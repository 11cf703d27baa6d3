"""The runs of a study: one for each task, model and seed, trained where they are not yet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from samviz.checkpoint import Checkpoint, latest, load_checkpoint
from samviz.errors import ConfigError
from samviz.session import Progress, TrainingRun, run_together
from samviz.training import TrainingConfig


class Member(NamedTuple):
    """One run of a study."""

    task: str
    model: str
    seed: int
    run: TrainingRun

    @property
    def steps_done(self) -> int:
        """Minibatches at its latest checkpoint."""
        folder = latest(self.run.out)
        return 0 if folder is None else int(folder.name.removeprefix("step-"))

    @property
    def finished(self) -> bool:
        """Whether it has all its minibatches (or more)."""
        return self.steps_done >= self.run.steps

    def checkpoint(self) -> Checkpoint:
        """Its latest checkpoint."""
        return load_checkpoint(self.run.out)


def members_of(
    folder: Path,
    steps: Mapping[str, int],
    *,
    seeds: int,
    slots: int,
    sizes: Mapping[str, Any] = MappingProxyType({}),
    **config: Any,
) -> list[Member]:
    """A run for each seed and model, with its minibatches, in a study's folder; an LSTM has no slots."""
    return [
        member(
            folder,
            minibatches,
            model=model,
            seed=seed,
            model_settings=({} if model == "lstm" else {"slots": slots}) | dict(sizes),
            **config,
        )
        for seed in range(seeds)
        for model, minibatches in steps.items()
    ]


def member(folder: Path, steps: int, **config: Any) -> Member:
    """A run below a study's folder, named after task, model and seed."""
    found = TrainingConfig(**config)
    out = folder / f"{found.task}-{found.model}" / f"seed-{found.seed}"
    run = TrainingRun(config=found, out=out, steps=steps, checkpoint_every=1000, resume=True)
    return Member(found.task, found.model, found.seed, run)


def train_members(
    members: Sequence[Member],
    processes: int,
    *,
    report: Callable[[int, str], None],
    stop: Callable[[], bool],
    warn: Callable[[str], None],
) -> None:
    """Train those that are not finished; `report` is told of new minibatches and by whom.

    Raises:
        TrainingError: runs failed.
    """
    missing = [one for one in members if not one.finished]
    done = [one.steps_done for one in missing]

    def tell(progress: Progress) -> None:
        one = missing[progress.run]
        report(progress.step - done[progress.run], f"{one.task} {one.model} {one.seed}: {progress.note}")
        done[progress.run] = progress.step

    run_together([one.run for one in missing], processes, report=tell, stop=stop, say=warn)


def finished(members: Iterable[Member], warn: Callable[[str], None]) -> list[Member]:
    """Those that are finished; `warn` is told of the others.

    Raises:
        ConfigError: none is.
    """
    found: list[Member] = []
    left: list[Member] = []
    for one in members:
        (found if one.finished else left).append(one)
    if not found:
        raise ConfigError("no run of the study is finished: run it again without --as-is")
    if left:
        told = ", ".join(f"{one.task} {one.model} {one.seed} ({one.steps_done:,} steps)" for one in left)
        warn(f"left out, as not finished: {told}")
    return found
