"""Figure 8: trained at short episodes, asked at long ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from samviz.checkpoint import Checkpoint, load_checkpoint
from samviz.drawing import QUIET, STROKES, End, bare, head, label_ends
from samviz.session import SHIPPED, evaluate
from samviz.study import curriculum
from samviz.study.tables import NOTHING, markdown

PANELS = {"copy": "vectors", "recall": "pairs", "recall, curriculum": "pairs"}  # and what their items are
MODELS = ("sam", "sdnc", "lstm")
FACTORS = (1, 3, 10, 30, 100, 300, 1000)  # times the items trained with
STEPS_AT_MOST, SLOTS_AT_MOST = 2**18, 2**20
STEPS_ASKED = 100_000  # as many steps in episodes at each length, but 8 to 200 episodes,
ANSWERS_ASKED = 200  # and as many steps that answer: recall has but one an episode


class Asked(NamedTuple):
    """A model's error at one length."""

    panel: str
    model: str
    trained: int  # items that it was trained with, at most
    items: int
    steps: int
    slots: int  # 0 for a model without memory
    episodes: int
    error: float  # share of the bits that are wrong; chance is a half


def checkpoints(folder: Path, seeds: int) -> dict[str, list[Checkpoint]]:
    """Models by panel: those that come with samviz, and those of figure 3 that are trained."""
    found = {
        task: [load_checkpoint(SHIPPED / f"{task}-{model}") for model in ("sam", "sdnc")]
        for task in ("copy", "recall")
    }
    trained = [one for one in curriculum.members(folder, seeds, MODELS) if one.finished]
    return found | {"recall, curriculum": [one.checkpoint() for one in trained]}


def results(found: dict[str, list[Checkpoint]]) -> list[Asked]:
    """The errors at each length that the model can be asked at within reasonable time."""
    return [
        asked for panel, models in found.items() for checkpoint in models for asked in _ask(panel, checkpoint)
    ]


def _ask(panel: str, checkpoint: Checkpoint) -> list[Asked]:
    task, name, trained = checkpoint.task(), checkpoint.model_name, checkpoint.items_trained
    found = []
    for items in (factor * trained for factor in FACTORS):
        steps = 2 * items + 2
        if steps > STEPS_AT_MOST or items not in (task.levels or ()):
            break
        slots = 0 if name == "lstm" else min(max(2 ** (4 * steps).bit_length(), 256), SLOTS_AT_MOST)
        model = checkpoint.model(**({"slots": slots} if slots else {}))
        answered = int(task.sample(np.random.default_rng(0), 1, items).mask.sum())
        episodes = min(max(STEPS_ASKED // steps, ANSWERS_ASKED // answered, 8), 200)
        measured = evaluate(model, task, episodes=episodes, seed=8, level=items)
        error = round(measured.error, 5)
        found.append(Asked(panel, name, trained, items, steps, slots, episodes, error))
    return found


def figure(rows: Sequence[Asked], foot: str) -> Any:
    """A panel a task, a line a model: the share of wrong bits against the items of an episode."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter

    drawn = Figure(figsize=(11.2, 4.6))
    shown = [panel for panel in PANELS if any(row.panel == panel for row in rows)]
    width = 0.96 / len(shown)
    for place, panel in enumerate(shown):
        axes = drawn.add_axes((0.055 + place * width, 0.21, width - 0.09, 0.55))
        ends = []
        for model in MODELS:
            line = [row for row in rows if (row.panel, row.model) == (panel, model)]
            if not line:
                continue
            stroke = STROKES[model]
            x, y = [row.items for row in line], [row.error for row in line]
            axes.plot(
                x, y, color=stroke.colour, linewidth=1.6, marker="o", markersize=4, clip_on=False, zorder=3
            )
            axes.plot(x[0], y[0], "o", markersize=8, color=stroke.colour, fillstyle="none", clip_on=False)
            ends.append(End(x[-1], y[-1], stroke.name.split(",")[0], stroke.colour))
        bare(axes)
        axes.axhline(0.5, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
        beside: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate("chance", (0, 0.5), (4, 4), color=QUIET, fontsize=8.5, **beside)
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_ylim(0, 0.56)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda items, _: f"{items:,.0f}"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel(PANELS[panel])
        axes.set_title(f"{panel}: wrong bits", loc="left", fontsize=9.5, pad=8)
        label_ends(axes, ends)
    conditions = "The left-most point of a line, ringed, is the longest episode that it was trained with"
    head(drawn, "Trained short, asked long", conditions, foot)
    return drawn


def sections(rows: Sequence[Asked]) -> dict[str, str]:
    """A table a task: a line a model, a column a multiple of the trained length."""
    tables = []
    for panel in PANELS:
        lines = [[f"{panel}: wrong bits at", "trained to", *(f"{factor:,}×" for factor in FACTORS)]]
        for model in MODELS:
            line = [row for row in rows if (row.panel, row.model) == (panel, model)]
            if line:
                cells = [f"{row.error:.1%} ({row.items:,})" for row in line]
                cells += [NOTHING] * (len(FACTORS) - len(cells))
                lines.append([STROKES[model].name, f"{line[0].trained:,}", *cells])
        if len(lines) > 1:
            tables.append(markdown(lines))
    return {"figure-8": "\n\n".join(tables)}
