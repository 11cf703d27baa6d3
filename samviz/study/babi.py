"""bAbI: the wrong answers of jointly trained models, task by task (paper table 1)."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from samviz.drawing import STROKES
from samviz.session import evaluate
from samviz.study.members import Member, members_of
from samviz.study.tables import NOTHING, markdown

MODELS = ("sam", "sdnc", "lstm")
STEPS = {"sam": 27_000, "sdnc": 27_000, "lstm": 30_000}  # minibatches of 8 stories
SLOTS = 1024
LEARNING_RATE = 0.003  # takes half the minibatches that 0.001 takes
FAILED = 0.05  # the paper counts a task as failed above


class Answered(NamedTuple):
    """A model's error on one task's published test questions."""

    model: str
    seed: int
    steps: int
    minutes: float  # of training
    group: str
    questions: int
    error: float


def members(folder: Path, seeds: int, data: str, models: Sequence[str] = MODELS) -> list[Member]:
    """The joint runs."""
    return members_of(
        folder,
        {model: STEPS[model] for model in models},
        seeds=seeds,
        slots=SLOTS,
        task="babi",
        task_settings={"data": data},
        learning_rate=LEARNING_RATE,
        half_life=20_000,
    )


def results(found: Sequence[Member]) -> list[Answered]:
    """Every model's error on the whole test set, a row a task."""
    rows = []
    for one in found:
        checkpoint = one.checkpoint()
        measured = evaluate(checkpoint.model(), checkpoint.task(), seed=0)
        training = checkpoint.recipe["training"]
        for group, asked, error in zip(
            checkpoint.task().groups, measured.score.questions, measured.failed_by_group, strict=True
        ):
            minutes = round(training["seconds"] / 60, 1)
            rows.append(
                Answered(
                    one.model, one.seed, training["step"], minutes, group, int(asked), round(float(error), 5)
                )
            )
    return rows


def sections(rows: Sequence[Answered]) -> dict[str, str]:
    """A line a task, a column a model: that model's seed with the lowest mean, as in the paper."""
    best = {model: _best([row for row in rows if row.model == model]) for model in MODELS}
    shown = [model for model in MODELS if best[model]]
    lines = [["task", *(STROKES[model].name for model in shown)]]
    for group in dict.fromkeys(row.group for row in rows):
        errors = [next((row.error for row in best[model] if row.group == group), None) for model in shown]
        lines.append([group, *(NOTHING if error is None else f"{error:.1%}" for error in errors)])
    found = [best[model] for model in shown]
    lines += [
        ["**mean error**", *(f"**{fmean(row.error for row in rows):.1%}**" for rows in found)],
        [f"failed (above {FAILED:.0%})", *(str(sum(row.error > FAILED for row in rows)) for rows in found)],
        ["stories trained on", *(f"{8 * rows[0].steps:,}" for rows in found)],
        ["training, minutes", *(f"{rows[0].minutes:.0f}" for rows in found)],
    ]
    return {"babi": markdown(lines)}


def _best(rows: list[Answered]) -> list[Answered]:
    """The rows of the seed with the lowest mean error."""
    seeds = [[row for row in rows if row.seed == seed] for seed in {row.seed for row in rows}]
    return min(seeds, key=lambda found: fmean(row.error for row in found), default=[])
