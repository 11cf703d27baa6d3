"""The command line: parse, one library call, print. Every refusal is one line on stderr and exit code 2."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from samviz import __version__
from samviz.bench.commands import bench
from samviz.errors import ConfigError, SamvizError
from samviz.terminal import progress_bar, stop_request

TASK_NAMES = click.Choice(["copy", "recall"])
MODEL_NAMES = click.Choice(["sam", "sdnc", "dam", "ntm", "dnc", "lstm"])
DEFAULT_MODEL, DEFAULT_SLOTS = "sam", 64
INDEX_NAMES = click.Choice(["auto", "exact", "pages", "faiss"])
AT_LEAST_1 = click.IntRange(min=1)
AT_LEAST_0 = click.IntRange(min=0)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="samviz")
def cli() -> None:
    """See what the memory of a sparse memory-augmented network did.

    \b
    Examples:
      samviz record --task recall              a trained model answers; its memory goes to traces/
      samviz info traces/recall-….h5           what a trace holds
      samviz train --task recall --out runs/a  train a model of your own
      streamlit run samviz/app/main.py         look at the traces of the folder traces/
    """


def task_options(command: Callable[..., None]) -> Callable[..., None]:
    """The settings that tasks share; what is not given stays as it was trained, or at its default."""
    for option in (
        click.option("--max-items", type=AT_LEAST_1, help="Items of an episode, at most."),
        click.option("--min-items", type=AT_LEAST_1, help="Items of an episode, at least."),
    ):
        command = option(command)
    return command


def checkpoint_options(command: Callable[..., None]) -> Callable[..., None]:
    """Which trained model to use."""
    for option in (
        click.option(
            "--checkpoint",
            type=click.Path(path_type=Path),
            help="A training run or checkpoint folder; default: the model that comes with samviz.",
        ),
        click.option(
            "--model",
            "model_name",
            type=MODEL_NAMES,
            help=f"Default: what the checkpoint holds; without one, {DEFAULT_MODEL}.",
        ),
        click.option(
            "--task", "task_name", type=TASK_NAMES, help="Default: what the checkpoint was trained on."
        ),
    ):
        command = option(command)
    return command


@cli.command(short_help="Let a trained model answer episodes and record its memory.")
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
    overwrite: bool,
    **task_settings: int | None,
) -> None:
    """Let a trained model answer fresh episodes and record what its memory did.

    \b
    Examples:
      samviz record --task recall
      samviz record --task recall --episodes 50 --max-items 10 --slots 256 --seed 7
      samviz record --checkpoint runs/a --out traces/mine.h5
    """
    from samviz import session

    _prepare_torch()
    found = _checkpoint(checkpoint, task_name, model_name)
    task = found.task(**_given(task_settings))
    model = found.model(**_given({"slots": slots, "index": index}))
    path = out or _default_trace(task.name, found.model_name)
    with progress_bar(episodes, "episode") as advance, stop_request() as stop:
        recorded = session.record(
            found,
            task,
            model,
            path,
            episodes=episodes,
            seed=seed,
            overwrite=overwrite,
            report=lambda _: advance(1),
            stop=stop,
        )
    searched = f" (index: {model.index_kind})" if hasattr(model, "index_kind") else ""
    click.echo(f"recorded {recorded:,} {'episode' if recorded == 1 else 'episodes'} to {path}{searched}")
    _exit_if_stopped(recorded, episodes, "episode")


@cli.command("eval", short_help="Measure a trained model's errors on fresh episodes.")
@checkpoint_options
@task_options
@click.option("--episodes", type=AT_LEAST_1, default=1000, show_default=True, help="How many fresh episodes.")
@click.option("--slots", type=AT_LEAST_1, help="Memory size N; default: as trained.")
@click.option("--index", type=INDEX_NAMES, help="How sam and sdnc look for words; default: as trained.")
@click.option("--seed", type=AT_LEAST_0, default=1_000_000, show_default=True, help="Of the episodes.")
def evaluate(
    checkpoint: Path | None,
    model_name: str | None,
    task_name: str | None,
    episodes: int,
    slots: int | None,
    index: str | None,
    seed: int,
    **task_settings: int | None,
) -> None:
    """Measure a trained model's errors on fresh episodes.

    \b
    Examples:
      samviz eval --task recall
      samviz eval --checkpoint runs/a --episodes 200 --max-items 12
    """
    from samviz import session

    _prepare_torch()
    found = _checkpoint(checkpoint, task_name, model_name)
    model, task = found.model(**_given({"slots": slots, "index": index})), found.task(**_given(task_settings))
    with progress_bar(episodes, "episode") as advance, stop_request() as stop:
        measured = session.evaluate(
            model, task, episodes=episodes, seed=seed, report=lambda _: advance(1), stop=stop
        )
    click.echo(
        f"{task.name}, {measured.episodes} episodes: {measured.wrong:.3f} wrong bits and "
        f"{measured.loss_bits:.3f} bits of cross-entropy a sequence; {1 - measured.failed:.1%} have no error"
    )
    _exit_if_stopped(measured.episodes, episodes, "episode")


@cli.command(short_help="Train a model.")
@click.option("--task", "task_name", type=TASK_NAMES, required=True)
@click.option("--model", "model_name", type=MODEL_NAMES, default=DEFAULT_MODEL, show_default=True)
@task_options
@click.option("--bits", type=AT_LEAST_1, help="Bits of an item.")
@click.option(
    "--steps", type=AT_LEAST_1, default=20_000, show_default=True, help="Minibatches to train in all."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The run's folder.")
@click.option("--resume", is_flag=True, help="Go on from the run's latest checkpoint.")
@click.option(
    "--slots",
    type=AT_LEAST_1,
    help=f"Memory size N; default: {DEFAULT_SLOTS}, none for an LSTM, which has no memory.",
)
@click.option("--index", type=INDEX_NAMES, help="How sam and sdnc look for words; default: auto, by --slots.")
@click.option("--batch", type=AT_LEAST_1, default=16, show_default=True, help="Episodes of a minibatch.")
@click.option("--learning-rate", type=float, default=1e-3, show_default=True, help="Of Adam.")
@click.option("--checkpoint-every", type=AT_LEAST_1, default=500, show_default=True, help="Minibatches.")
@click.option(
    "--seed", type=AT_LEAST_0, default=0, show_default=True, help="Determines weights and episodes."
)
def train(
    task_name: str,
    model_name: str,
    bits: int | None,
    steps: int,
    out: Path,
    resume: bool,
    slots: int | None,
    index: str | None,
    batch: int,
    learning_rate: float,
    checkpoint_every: int,
    seed: int,
    **task_settings: int | None,
) -> None:
    """Train a model; checkpoints and metrics.jsonl go to the run's folder.

    Ctrl-C writes a checkpoint and stops; after a kill, --resume goes on from the last one. The same seed
    gives the same run.

    \b
    Examples:
      samviz train --task recall --steps 30000 --out runs/recall
      samviz train --task recall --steps 60000 --out runs/recall --resume
      samviz record --checkpoint runs/recall
    """
    from samviz import training

    _prepare_torch()
    if slots is None and model_name != "lstm":
        slots = DEFAULT_SLOTS
    config = training.TrainingConfig(
        task=task_name,
        task_settings=_given(task_settings | {"bits": bits}),
        model=model_name,
        model_settings=_given({"slots": slots, "index": index}),
        batch=batch,
        learning_rate=learning_rate,
        seed=seed,
    )
    if resume:
        trainer = training.Trainer.resume(config, out)
    else:
        training.refuse_used_folder(out)
        trainer = training.Trainer.start(config)
    recent = training.RecentMeans()
    with progress_bar(steps, "step", done=trainer.step) as advance, stop_request() as stop:

        def report(measured: training.StepReport) -> None:
            recent.add(measured)
            advance(1, str(recent))

        folder = training.train(
            trainer, out, steps, checkpoint_every=checkpoint_every, report=report, stop=stop
        )
    click.echo(f"trained {trainer.step:,} steps; checkpoint in {folder}")
    _exit_if_stopped(trainer.step, steps, "step", "; go on with --resume")


@cli.command(short_help="Say what a trace holds.")
@click.argument("trace", type=click.Path(path_type=Path))
def info(trace: Path) -> None:
    """Say what a trace holds.

    \b
    Example:
      samviz info traces/recall-….h5
    """
    from samviz.trace import describe, open_trace

    with open_trace(trace) as opened:
        click.echo(describe(opened))


cli.add_command(bench)


@cli.command("compile", short_help="Compile the memory kernels now.")
@click.argument("precisions", nargs=-1, type=click.Choice(["float32", "float64"]), metavar="[PRECISION]...")
def compile_kernels(precisions: tuple[str, ...]) -> None:
    """Compile the memory kernels now, for float32 or for each PRECISION, so that no first call has to wait.

    \b
    Examples:
      samviz compile
      samviz compile float32 float64
    """
    from samviz.kernels.compiled import cache_folder
    from samviz.model.compile import PRECISIONS, ensure_compiled

    for name in precisions or ("float32",):
        ensure_compiled(PRECISIONS[name])
    click.echo(f"kernels ready in {cache_folder()}")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the entry point of the script `samviz`."""
    try:
        outcome = cli.main(arguments, prog_name="samviz", standalone_mode=False)
    except SamvizError as error:
        _refuse(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        _refuse(f"{error.format_message()} (see {_help_of(error)})")
    except MemoryError:
        _refuse("there is not enough memory for that: ask for fewer slots or a smaller batch")
    except RuntimeError as error:  # torch has no type of its own for it
        if "can't allocate memory" not in str(error):
            raise
        _refuse("there is not enough memory for that: ask for fewer slots or a smaller batch")
    except (click.Abort, KeyboardInterrupt):
        click.echo("samviz: stopped", err=True)
        sys.exit(130)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _refuse(reason: str) -> None:
    click.echo(f"samviz: {' '.join(reason.split())}", err=True)
    sys.exit(2)


def _exit_if_stopped(done: int, asked: int, unit: str, advice: str = "") -> None:
    if done < asked:
        click.echo(f"samviz: stopped after {unit} {done:,} of {asked:,}{advice}", err=True)
        sys.exit(130)


def _help_of(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'samviz'} --help"


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _prepare_torch() -> None:
    """One thread, as a second one costs more than it brings here; kernels ready before a bar starts."""
    import torch

    from samviz.model.compile import ensure_compiled

    torch.set_num_threads(1)
    ensure_compiled()


def _checkpoint(path: Path | None, task_name: str | None, model_name: str | None) -> Any:
    from samviz.checkpoint import load_checkpoint
    from samviz.session import shipped_checkpoint

    if path is None and task_name is None:
        raise ConfigError("expected --task or --checkpoint, found neither: try `samviz record --task recall`")
    if path is None:
        return shipped_checkpoint(str(task_name), model_name or DEFAULT_MODEL)
    found = load_checkpoint(path)
    trained_on = found.recipe["task"]["name"]
    if task_name not in (None, trained_on):
        raise ConfigError(f"{path}: was trained on {trained_on}, found --task {task_name}: leave --task out")
    if model_name not in (None, found.model_name):
        raise ConfigError(
            f"{path}: holds a model {found.model_name}, found --model {model_name}: leave --model out"
        )
    return found


def _default_trace(task_name: str, model_name: str) -> Path:
    return Path("traces") / f"{task_name}-{model_name}-{datetime.now(UTC):%Y%m%d-%H%M%S}.h5"


if __name__ == "__main__":
    main()
