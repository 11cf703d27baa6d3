"""Make a finished run one of the models that come with samviz: weights, recipe, measured error, in words."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samviz.checkpoint import RECIPE, WEIGHTS, Checkpoint, load_checkpoint
from samviz.errors import ConfigError
from samviz.session import SHIPPED, Measured, evaluate
from samviz.study.tables import markdown
from samviz.training import TrainingConfig

EPISODES, SEED = 1000, 1_000_000  # as `samviz eval` asks by itself


class Shipped(NamedTuple):
    """A model that comes with samviz, and its errors on fresh episodes."""

    task: str
    model: str
    wrong: float  # bits of a sequence
    error: float  # share of all bits
    loss_bits: float
    all_right: float  # share of the sequences


def ship(run: Path, folder: Path = SHIPPED) -> Path:
    """Copy a run's latest weights and recipe, with what it makes wrong; the folder written.

    Raises:
        CheckpointError: no run.
        ConfigError: the disk refused.
    """
    checkpoint = load_checkpoint(run)
    task = checkpoint.task()
    measured = evaluate(checkpoint.model(), task, episodes=EPISODES, seed=SEED)
    name = f"{task.name}-{checkpoint.model_name}"
    recipe = checkpoint.recipe | {"measured": as_written(checkpoint, measured)}
    recipe["training"] = {key: value for key, value in recipe["training"].items() if key != "curriculum"}
    try:
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / WEIGHTS).write_bytes(checkpoint.weights)
        (folder / name / RECIPE).write_text(json.dumps(recipe, indent=2) + "\n")
        (folder / name / "README.md").write_text(story(recipe, task.description))
    except OSError as error:
        raise ConfigError(f"{folder / name}: cannot be written ({error.strerror})") from None
    return folder / name


def as_written(checkpoint: Checkpoint, measured: Measured) -> dict[str, Any]:
    """What a recipe says about its errors."""
    task, model = checkpoint.recipe["task"]["name"], checkpoint.model_name
    return {
        "episodes": measured.episodes,
        "loss_bits": measured.loss_bits,
        "wrong_bits": measured.wrong,
        "bits_wrong": measured.error,
        "all_right": 1 - measured.failed,
        "seed": SEED,
        "command": f"samviz eval --task {task} --model {model} --episodes {EPISODES} --seed {SEED}",
    }


def story(recipe: dict[str, Any], description: str) -> str:
    """The README beside a shipped model."""
    training, measured = recipe["training"], recipe["measured"]
    model, task = recipe["model"]["class"], recipe["task"]["name"]
    error = f"{measured['wrong_bits']:.3f} wrong bits ({measured['bits_wrong']:.2%} of them)"
    right = f"{measured['all_right']:.1%} of the sequences"
    return f"""# {model}, trained on {task}

{description[0].upper()}{description[1:]} {recipe["model"]["config"]["slots"]} slots.

Over {measured["episodes"]:,} fresh episodes it makes {error} and
{measured["loss_bits"]:.3f} bits of cross-entropy a sequence; {right} have no error. Measured by

    {measured["command"]}

Made in {training["seconds"] / 60:.0f} minutes on one core by

    {command_of(training)}

`config.json` holds the recipe (settings, seed, library versions) and the measured error,
`model.safetensors` the weights. Another processor may round differently and so give other weights from
the same seed.
"""


def command_of(training: dict[str, Any]) -> str:
    """The `samviz train` that a recipe's training stands for; what is at its default is left out."""
    default = TrainingConfig(task=training["task"])
    words = ["samviz train", f"--task {training['task']}", f"--model {training['model']}"]
    settings = training["task_settings"] | training["model_settings"]
    words += [f"--{name.replace('_', '-')} {value}" for name, value in settings.items()]
    for name in (
        "batch",
        "optimizer",
        "learning_rate",
        "warm_up",
        "half_life",
        "clip_norm",
        "max_level",
        "seed",
    ):
        if training[name] != getattr(default, name):
            words.append(f"--{name.replace('_', '-')} {training[name]}")
    if training["curriculum_bits"]:
        words.append(f"--curriculum {training['curriculum_bits']}")
    return " ".join(
        [*words, f"--steps {training['step']}", f"--out runs/{training['task']}-{training['model']}"]
    )


def measure(folder: Path = SHIPPED) -> list[Shipped]:
    """The errors of all models that come with samviz, measured now."""
    return [
        _measure(load_checkpoint(entry)) for entry in sorted(folder.iterdir()) if (entry / RECIPE).is_file()
    ]


def _measure(checkpoint: Checkpoint) -> Shipped:
    task = checkpoint.task()
    found = evaluate(checkpoint.model(), task, episodes=EPISODES, seed=SEED)
    return Shipped(
        task.name,
        checkpoint.model_name,
        found.wrong,
        found.error,
        found.loss_bits,
        1 - found.failed,
    )


def sections(rows: Sequence[Shipped]) -> dict[str, str]:
    """A line a model."""
    lines = [["model", "wrong bits a sequence", "of all bits", "cross-entropy, bits", "without an error"]]
    for row in rows:
        lines.append(
            [
                f"{row.model.upper()}, {row.task}",
                f"{row.wrong:.3f}",
                f"{row.error:.2%}",
                f"{row.loss_bits:.3f}",
                f"{row.all_right:.1%}",
            ]
        )
    return {"shipped": markdown(lines)}
