"""`samviz record`: let a trained model answer episodes and record its memory."""

from datetime import UTC, datetime
from pathlib import Path

import click

from samviz.cli.options import (
    AT_LEAST_0,
    AT_LEAST_1,
    INDEX_NAMES,
    checkpoint_options,
    exit_if_stopped,
    find_checkpoint,
    given,
    size_limit_option,
    task_options,
)
from samviz.terminal import progress_bar, stop_request


@click.command(short_help="Let a trained model answer episodes and record its memory.")
@checkpoint_options
@task_options
@click.option(
    "--episodes", type=AT_LEAST_1, default=12, show_default=True, help="How many episodes to record."
)
@click.option("--slots", type=AT_LEAST_1, help="Memory size N; default: as trained.")
@click.option("--index", type=INDEX_NAMES, help="How sam and sdnc look for words; default: as trained.")
@click.option(
    "--seed", type=AT_LEAST_0, default=0, show_default=True, help="Episode i is determined by (seed, i)."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="The trace; default traces/TASK-MODEL-DATE-TIME.h5."
)
@size_limit_option
@click.option("--overwrite", is_flag=True, help="Replace the trace if it exists.")
def record(
    checkpoint: Path | None,
    model_name: str | None,
    task_name: str | None,
    episodes: int,
    slots: int | None,
    index: str | None,
    seed: int,
    out: Path | None,
    size_limit: int | None,
    overwrite: bool,
    **task_settings: object,
) -> None:
    """Let a trained model answer fresh episodes and record what its memory did.

    \b
    Examples:
      samviz record --task recall
      samviz record --task follow --model sdnc
      samviz record --task recall --episodes 50 --max-items 10 --slots 256 --seed 7
      samviz record --checkpoint runs/a --out traces/mine.h5
    """
    from samviz import session
    from samviz.model.compile import prepare_torch

    prepare_torch()
    found = find_checkpoint(checkpoint, task_name, model_name)
    task = found.task(**given(task_settings))
    model = found.model(**given({"slots": slots, "index": index}))
    path = out or default_trace(task.name, found.model_name)
    with progress_bar(episodes, "episode") as advance, stop_request() as stop:
        recorded = session.record(
            found,
            task,
            model,
            path,
            episodes=episodes,
            seed=seed,
            overwrite=overwrite,
            size_limit=size_limit,
            report=lambda _: advance(1),
            stop=stop,
        )
    searched = f" (index: {model.index_kind})" if hasattr(model, "index_kind") else ""
    click.echo(f"recorded {recorded:,} {'episode' if recorded == 1 else 'episodes'} to {path}{searched}")
    exit_if_stopped(recorded, episodes, "episode")


def default_trace(task_name: str, model_name: str, more: str = "") -> Path:
    """A new name in the folder that the app shows."""
    return Path("traces") / f"{task_name}-{model_name}{more}-{datetime.now(UTC):%Y%m%d-%H%M%S}.h5"
