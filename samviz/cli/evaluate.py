"""`samviz eval`: measure a trained model's errors."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from samviz.cli.options import (
    AT_LEAST_0,
    AT_LEAST_1,
    INDEX_NAMES,
    checkpoint_options,
    exit_if_stopped,
    find_checkpoint,
    given,
    task_options,
)
from samviz.terminal import progress_bar, stop_request

if TYPE_CHECKING:
    from samviz.session import Measured
    from samviz.tasks import Task

DEFAULT_EPISODES = 1000
FAILED = 0.05  # a bAbI task counts as failed above this share of wrong answers


@click.command("eval", short_help="Measure a trained model's errors.")
@checkpoint_options
@task_options
@click.option(
    "--episodes",
    type=AT_LEAST_1,
    help=f"How many fresh episodes; default: {DEFAULT_EPISODES:,}, or all that a published test set has.",
)
@click.option("--slots", type=AT_LEAST_1, help="Memory size N; default: as trained.")
@click.option("--index", type=INDEX_NAMES, help="How sam and sdnc look for words; default: as trained.")
@click.option("--seed", type=AT_LEAST_0, default=1_000_000, show_default=True, help="Of the episodes.")
def evaluate(
    checkpoint: Path | None,
    model_name: str | None,
    task_name: str | None,
    episodes: int | None,
    slots: int | None,
    index: str | None,
    seed: int,
    **task_settings: object,
) -> None:
    """Measure a trained model's errors on episodes that it was not trained on.

    The error is in the paper's unit: bits per sequence for copy, recall, sort and follow, wrong answers by
    task for babi, wrong labels by presentation for omniglot.

    \b
    Examples:
      samviz eval --task recall
      samviz eval --task sort --model sdnc
      samviz eval --checkpoint runs/a --episodes 20 --min-items 100 --max-items 100 --slots 4096
      samviz eval --checkpoint runs/babi --data babi/en
    """
    from samviz import session
    from samviz.model.compile import prepare_torch

    prepare_torch()
    found = find_checkpoint(checkpoint, task_name, model_name)
    model, task = found.model(**given({"slots": slots, "index": index})), found.task(**given(task_settings))
    published = task.held_out().episodes
    count = episodes or published or DEFAULT_EPISODES
    with progress_bar(count, "episode") as advance, stop_request() as stop:
        measured = session.evaluate(
            model,
            task,
            episodes=None if published and episodes is None else count,
            seed=seed,
            report=lambda _: advance(1),
            stop=stop,
        )
    for line in summary(task, measured):
        click.echo(line)
    exit_if_stopped(measured.episodes, count, "episode")


def summary(task: "Task", measured: "Measured") -> list[str]:
    """The errors in words, and a table where the task has groups."""
    of_bits = task.output_kind == "bits"
    what, whole = ("bits", "sequence") if of_bits else (f"{task.unit}s", "episode")
    text = (
        f"{task.name}, {measured.episodes:,} episodes: {measured.wrong:.3f} wrong {what} and "
        f"{measured.loss_bits:.3f} bits of cross-entropy per {whole}; "
        f"{measured.error:.2%} of the {what} are wrong"
    )
    lines = [text + (f", {1 - measured.failed:.1%} of the {whole}s have no error" if of_bits else "")]
    width = max((len(name) for name in task.groups), default=0)
    errors = measured.failed_by_group
    for name, error, asked in zip(task.groups, errors, measured.score.questions, strict=False):
        lines.append(
            f"  {name:<{width}}  {error:7.2%} wrong of {asked:,}"
            if asked
            else f"  {name:<{width}}  none asked"
        )
    if task.name == "babi":
        known = errors[measured.score.questions > 0]
        failed = f"{(known > FAILED).sum()} of {len(known)}"
        lines.append(f"  mean error {known.mean():.1%}; failed (above {FAILED:.0%}): {failed}")
    return lines
