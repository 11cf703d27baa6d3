"""`samviz train`: train a model, or several replicas of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from samviz.cli.options import (
    AT_LEAST_0,
    AT_LEAST_1,
    DEFAULT_MODEL,
    INDEX_NAMES,
    MODEL_NAMES,
    TASK_NAMES,
    exit_if_stopped,
    given,
    size_limit_option,
    task_options,
    with_options,
)
from samviz.cli.record import default_trace
from samviz.errors import CheckpointError
from samviz.terminal import progress_bar, stop_request, warn

if TYPE_CHECKING:
    from samviz.session import Progress, TrainingRun

DEFAULT_SLOTS = 256

model_options = with_options(
    click.option("--model", type=MODEL_NAMES, default=DEFAULT_MODEL, show_default=True),
    click.option(
        "--slots",
        type=AT_LEAST_1,
        help=f"Memory size N; default: {DEFAULT_SLOTS}, none for an LSTM, which has no memory.",
    ),
    click.option("--hidden-size", type=AT_LEAST_1, help="Units of the controller D; default: 100."),
    click.option("--word-size", type=AT_LEAST_1, help="Numbers of a word W; default: 32."),
    click.option("--heads", type=AT_LEAST_1, help="Heads H; default: 4."),
    click.option("--reads", type=AT_LEAST_1, help="Words K that a head of sam or sdnc reads; default: 4."),
    click.option(
        "--index", type=INDEX_NAMES, help="How sam and sdnc look for words; default: auto, by --slots."
    ),
)

optimizer_options = with_options(
    click.option("--batch", type=AT_LEAST_1, default=8, show_default=True, help="Episodes of a minibatch."),
    click.option("--optimizer", type=click.Choice(["adam", "rmsprop"]), default="adam", show_default=True),
    click.option("--learning-rate", type=float, default=1e-3, show_default=True, help="At its height."),
    click.option(
        "--warm-up", type=AT_LEAST_0, default=0, show_default=True, help="Minibatches in which it rises."
    ),
    click.option(
        "--half-life",
        type=AT_LEAST_0,
        default=0,
        show_default=True,
        help="Minibatches in which it halves; 0: never.",
    ),
    click.option(
        "--clip-norm",
        type=float,
        default=10.0,
        show_default=True,
        help="Longest gradient, over all weights.",
    ),
)

curriculum_options = with_options(
    click.option(
        "--curriculum",
        "curriculum_bits",
        type=float,
        help="Draw 1 to h items, and double h when an answered step costs less than so many bits, "
        "in the mean over 100 minibatches.",
    ),
    click.option(
        "--max-level", type=AT_LEAST_1, help="h grows no further; default: as far as the task goes."
    ),
)

run_options = with_options(
    click.option(
        "--steps", type=AT_LEAST_1, default=20_000, show_default=True, help="Minibatches to train in all."
    ),
    click.option("--out", type=click.Path(path_type=Path), required=True, help="The run's folder."),
    click.option("--resume", is_flag=True, help="Go on from the run's latest checkpoint."),
    click.option("--checkpoint-every", type=AT_LEAST_1, default=500, show_default=True, help="Minibatches."),
    click.option(
        "--record-every", type=AT_LEAST_1, help="Record one held-out episode each so many minibatches."
    ),
    click.option(
        "--trace",
        type=click.Path(path_type=Path),
        help="Where to; default traces/TASK-MODEL-training-DATE-TIME.h5.",
    ),
    size_limit_option,
    click.option(
        "--seed", type=AT_LEAST_0, default=0, show_default=True, help="Determines weights and episodes."
    ),
    click.option(
        "--replicas",
        type=AT_LEAST_1,
        default=1,
        show_default=True,
        help="Train seeds SEED, SEED + 1, … in OUT/seed-…",
    ),
    click.option("--processes", type=AT_LEAST_1, help="Replicas at a time; default: one a core."),
)


@click.command(short_help="Train a model.")
@click.option("--task", "task_name", type=TASK_NAMES, required=True)
@task_options
@click.option("--bits", type=AT_LEAST_1, help="Bits of an item of copy, recall, sort and follow; default: 8.")
@click.option(
    "--as-published",
    is_flag=True,
    default=None,
    help="Train on bAbI's stories as they are; without it, words that are alike take each other's places.",
)
@click.option("--labels", type=AT_LEAST_1, help="Different labels of omniglot; default: 20.")
@model_options
@optimizer_options
@curriculum_options
@run_options
def train(
    task_name: str,
    model: str,
    batch: int,
    optimizer: str,
    learning_rate: float,
    warm_up: int,
    half_life: int,
    clip_norm: float,
    curriculum_bits: float | None,
    max_level: int | None,
    steps: int,
    out: Path,
    resume: bool,
    checkpoint_every: int,
    record_every: int | None,
    trace: Path | None,
    size_limit: int | None,
    seed: int,
    replicas: int,
    processes: int | None,
    slots: int | None,
    hidden_size: int | None,
    word_size: int | None,
    heads: int | None,
    reads: int | None,
    index: str | None,
    **task_settings: object,
) -> None:
    """Train a model; checkpoints, metrics.jsonl and TensorBoard events go to the run's folder.

    Ctrl-C writes a checkpoint and stops; after a kill, --resume goes on from the last one. The same seed
    gives the same run. With --record-every the trace can be watched in the app while it grows.

    \b
    Examples:
      samviz train --task recall --out runs/recall
      samviz train --task recall --out runs/recall --steps 60000 --resume
      samviz train --task sort --model sdnc --replicas 3 --out runs/sort
      samviz train --task recall --bits 12 --word-size 64 --slots 8192 --curriculum 4 --out runs/long
      samviz train --task babi --data en --babi-tasks 1 --model sdnc --learning-rate 0.003 --out runs/babi
      samviz train --task omniglot --data omniglot --max-items 2 --labels 10 --curriculum 0.85 --out runs/o
      samviz train --task follow --model sdnc --record-every 200 --out runs/follow
    """
    from samviz.checkpoint import latest
    from samviz.model.compile import prepare_torch
    from samviz.session import TrainingRun
    from samviz.training import TrainingConfig

    if slots is None and model != "lstm":
        slots = DEFAULT_SLOTS
    sizes = {
        "hidden_size": hidden_size,
        "slots": slots,
        "word_size": word_size,
        "heads": heads,
        "reads": reads,
    }
    if record_every:
        trace = trace or default_trace(task_name, model, "-training")
    runs = [
        TrainingRun(
            config=TrainingConfig(
                task=task_name,
                task_settings=given(task_settings),
                model=model,
                model_settings=given(sizes | {"index": index}),
                batch=batch,
                optimizer=optimizer,
                learning_rate=learning_rate,
                warm_up=warm_up,
                half_life=half_life,
                clip_norm=clip_norm,
                curriculum_bits=curriculum_bits or 0.0,
                max_level=max_level or 0,
                seed=seed + replica,
            ),
            out=out if replicas == 1 else out / f"seed-{seed + replica}",
            steps=steps,
            resume=resume,
            checkpoint_every=checkpoint_every,
            trace=trace
            if replicas == 1 or trace is None
            else trace.with_stem(f"{trace.stem}-seed-{seed + replica}"),
            size_limit=size_limit,
            **given({"record_every": record_every}),
        )
        for replica in range(replicas)
    ]
    if resume and not any(latest(run.out) for run in runs):
        raise CheckpointError(f"{out}: expected a checkpoint to resume from, found none: leave --resume out")
    prepare_torch()
    if replicas == 1:
        train_one(runs[0])
    else:
        train_several(runs, processes)


def train_one(run: "TrainingRun") -> None:
    """Train in this process."""
    from samviz.training import RecentMeans, StepReport

    trainer, recent = run.open(), RecentMeans()
    with progress_bar(run.steps, "step", done=trainer.step) as advance, stop_request() as stop:

        def report(measured: StepReport) -> None:
            recent.add(measured)
            advance(1, str(recent))

        folder = run.train(trainer, report, stop, warn)
    click.echo(f"trained {trainer.step:,} steps; checkpoint in {folder}")
    exit_if_stopped(trainer.step, run.steps, "step", "; go on with --resume")


def train_several(runs: "list[TrainingRun]", processes: int | None) -> None:
    """Train each in a process of its own."""
    import os

    from samviz.session import run_together

    done = [0] * len(runs)
    total = sum(run.steps for run in runs)
    with progress_bar(total, "step") as advance, stop_request() as stop:

        def report(progress: "Progress") -> None:
            advance(progress.step - done[progress.run], f"{runs[progress.run].out.name}: {progress.note}")
            done[progress.run] = progress.step

        steps = run_together(runs, processes or os.cpu_count() or 1, report=report, stop=stop, say=warn)
    for run, count in zip(runs, steps, strict=True):
        click.echo(f"trained {count:,} steps in {run.out}")
    exit_if_stopped(sum(steps), total, "step", "; go on with --resume")
