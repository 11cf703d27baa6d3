"""What several commands share: their options, the checkpoint they ask for, and how they end."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from samviz.errors import ConfigError
from samviz.terminal import warn

if TYPE_CHECKING:
    from samviz.checkpoint import Checkpoint

TASK_NAMES = click.Choice(["copy", "recall", "sort", "follow", "babi", "omniglot"])
MODEL_NAMES = click.Choice(["sam", "sdnc", "dam", "ntm", "dnc", "lstm"])
INDEX_NAMES = click.Choice(["auto", "exact", "pages", "faiss"])
DEFAULT_MODEL = "sam"
AT_LEAST_1 = click.IntRange(min=1)
SHOWN = 40  # letters of what was typed
AT_LEAST_0 = click.IntRange(min=0)

Command = Callable[..., None]


class NumbersType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """Numbers and ranges with commas between, such as 1,4-6."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found: list[int] = []
        for part in value.split(","):
            first, _, last = part.partition("-")
            if not all(re.fullmatch(r"\s*\d{1,4}\s*", each, re.ASCII) for each in (first, last or first)):
                self.fail(f"expected numbers such as 1,4-6, found {value!r}", param, ctx)
            found.extend(range(int(first), int(last or first) + 1))
        return tuple(found)


class RangeType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A range such as 100:200, 100: or :200; the end is not part of it."""

    name = "first:end"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"\s*(\d{0,18})\s*:\s*(\d{0,18})\s*", value, re.ASCII)
        if found is None:
            shown = value if len(value) <= SHOWN else value[:SHOWN] + "..."
            self.fail(f"expected a range such as 100:200, 100: or :200, found {shown!r}", param, ctx)
        return tuple(int(part) if part else None for part in found.groups())


class SizeType(click.ParamType):  # type: ignore[type-arg]  # generic in new versions of click only
    """A number of bytes, such as 500MB or 2GB."""

    name = "size"
    units = MappingProxyType({"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12})

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"(\d{1,18}(?:\.\d+)?) ?([kmgt]?)b?", value.strip().lower())
        size = int(float(found[1]) * self.units[found[2]]) if found else 0
        if size < 1:
            self.fail(f"expected a size such as 500MB or 2GB, found {value!r}", param, ctx)
        return size


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Several options as one decorator; `--help` lists them in this order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


size_limit_option = click.option(
    "--size-limit", type=SizeType(), help="Stop recording when the trace has grown to this, such as 2GB."
)

# What is not given stays as it was trained, or at its default.
task_options = with_options(
    click.option("--data", help="Of babi and omniglot: the folder (or zip file) with the published files."),
    click.option(
        "--babi-tasks",
        "tasks",
        type=NumbersType(),
        help="Which of the 20 bAbI tasks, such as 1,4-6; default: all.",
    ),
    click.option(
        "--min-items", type=AT_LEAST_1, help="Items (omniglot: characters) of an episode, at least."
    ),
    click.option("--max-items", type=AT_LEAST_1, help="Items (omniglot: characters) of an episode, at most."),
)

checkpoint_options = with_options(
    click.option("--task", "task_name", type=TASK_NAMES, help="Default: what the checkpoint was trained on."),
    click.option(
        "--model",
        "model_name",
        type=MODEL_NAMES,
        help=f"Default: what the checkpoint holds; without one, {DEFAULT_MODEL}.",
    ),
    click.option(
        "--checkpoint",
        type=click.Path(path_type=Path),
        help="A training run or checkpoint folder; default: the model that comes with samviz.",
    ),
)


def given(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given."""
    return {name: value for name, value in settings.items() if value is not None}


def find_checkpoint(path: Path | None, task_name: str | None, model_name: str | None) -> "Checkpoint":
    """The checkpoint that `checkpoint_options` ask for.

    Raises:
        CheckpointError: there is none.
        ConfigError: it is for another task or model.
    """
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


def exit_if_stopped(done: int, asked: int, unit: str, advice: str = "") -> None:
    """Exit with 130 where a stop was asked for before the end."""
    if done < asked:
        warn(f"stopped after {unit} {done:,} of {asked:,}{advice}")
        sys.exit(130)
