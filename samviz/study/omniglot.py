"""Figure 4: naming characters never seen before, against how many of them an episode has."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samviz.drawing import QUIET, STROKES, End, bare, head, label_ends
from samviz.session import evaluate
from samviz.study.members import Member, members_of
from samviz.study.tables import NOTHING, markdown

MODELS = ("sam", "sdnc", "lstm")
STEPS = {"sam": 27_000, "sdnc": 27_000, "lstm": 20_000}  # minibatches
BATCH = 16
LEARNING_RATE = 0.003  # leaves the plateau of guessing after 2,500 minibatches, 0.001 after 6,000
FEWEST = 2  # characters, where the curriculum begins; five at once stay on the plateau
LABELS = 10  # and the most characters
THRESHOLD_BITS = 0.85  # of a label, the first ones of which can only be guessed
SLOTS = 256
HIDDEN_SIZE = 200  # as in Santoro et al.
CHARACTERS = (2, 3, 4, 5, 7, 10)
EPISODES = 100
SHOWN = (0, 1, 4, 9)  # presentations in the table


class Named(NamedTuple):
    """A model's errors with so many characters, none of which it was trained on."""

    model: str
    seed: int
    steps: int
    minutes: float  # of training
    trained: int  # characters of an episode in training, at most
    characters: int
    error: float  # share of wrong labels over all presentations
    by_presentation: list[float]


def members(folder: Path, seeds: int, data: str, models: Sequence[str] = MODELS) -> list[Member]:
    """The runs."""
    return members_of(
        folder,
        {model: STEPS[model] for model in models},
        seeds=seeds,
        slots=SLOTS,
        sizes={"hidden_size": HIDDEN_SIZE},
        task="omniglot",
        task_settings={"data": data, "max_items": FEWEST, "labels": LABELS},
        batch=BATCH,
        learning_rate=LEARNING_RATE,
        half_life=20_000,
        curriculum_bits=THRESHOLD_BITS,
        max_level=LABELS,
    )


def results(found: Sequence[Member]) -> list[Named]:
    """The errors on held-out characters."""
    return [_ask(one, characters) for one in found for characters in CHARACTERS]


def _ask(one: Member, characters: int) -> Named:
    checkpoint = one.checkpoint()
    training = checkpoint.recipe["training"]
    measured = evaluate(checkpoint.model(), checkpoint.task(), episodes=EPISODES, seed=4, level=characters)
    return Named(
        one.model,
        one.seed,
        training["step"],
        round(training["seconds"] / 60, 1),
        checkpoint.items_trained,
        characters,
        round(measured.error, 5),
        [round(float(error), 5) for error in measured.failed_by_group],
    )


def figure(rows: Sequence[Named], foot: str) -> Any:
    """The error after the first presentation against the number of characters, a line a model."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    drawn = Figure(figsize=(8.4, 5.0))
    axes = drawn.add_axes((0.09, 0.19, 0.74, 0.62))
    chance = [1 - 1 / characters for characters in CHARACTERS]
    axes.plot(CHARACTERS, chance, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
    ends = [End(CHARACTERS[-1], chance[-1], "chance", QUIET)]
    for model in MODELS:
        line = [(row.characters, late_error(row)) for row in rows if (row.model, row.seed) == (model, 0)]
        if line:
            stroke = STROKES[model]
            axes.plot(
                *zip(*line, strict=True), color=stroke.colour, linewidth=1.6, marker="o", markersize=4.5
            )
            ends.append(End(*line[-1], stroke.name.split(",")[0], stroke.colour))
    bare(axes)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlabel("characters of an episode")
    label_ends(axes, ends)
    conditions = "Wrong labels from the second presentation on; characters that no model was trained on"
    head(drawn, "Naming characters after one look", conditions, foot)
    return drawn


def late_error(row: Named) -> float:
    """The error over all presentations but the first, at which nobody can know the label."""
    return sum(row.by_presentation[1:]) / max(len(row.by_presentation) - 1, 1)


def sections(rows: Sequence[Named]) -> dict[str, str]:
    """A line a model and number of characters, a column a presentation."""
    lines = [["model, characters", *(f"presentation {place + 1}" for place in SHOWN), "2 to 10", "chance"]]
    for row in rows:
        cells = [_percent(row.by_presentation, place) for place in SHOWN]
        lines.append(
            [
                f"{STROKES[row.model].name}, {row.characters}",
                *cells,
                f"{late_error(row):.1%}",
                f"{1 - 1 / row.characters:.1%}",
            ]
        )
    return {"figure-4": markdown(lines)}


def _percent(errors: Sequence[float], place: int) -> str:
    return f"{errors[place]:.1%}" if place < len(errors) else NOTHING
