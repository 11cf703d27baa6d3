"""Figure 8: trained at short episodes, asked at long ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samviz.drawing import QUIET, STROKES, End, bare, head, label_ends
from samviz.session import evaluate
from samviz.study import curriculum, learning
from samviz.study.members import Member
from samviz.study.tables import NOTHING, markdown

TASKS = ("recall", "copy")
MODELS = ("sam", "sdnc", "dam", "lstm")
FACTORS = (1, 3, 10, 30, 100, 300, 1000)  # times the items trained with
STEPS_AT_MOST = {"sam": 2**18, "sdnc": 2**17, "dam": 2**12, "lstm": 2**18}
MOST_SLOTS = {"sam": 2**20, "sdnc": 2**19, "dam": 2**13}
STEPS_ASKED = 100_000  # as many steps in episodes at each length, but 8 to 200 episodes


class Asked(NamedTuple):
    """A model's error at one length."""

    task: str
    model: str
    trained: int  # items that it was trained with, at most
    items: int
    steps: int
    slots: int  # 0 for a model without memory
    episodes: int
    error: float  # share of the bits that are wrong; chance is a half


def members(folder: Path, seeds: int) -> list[Member]:
    """The first seed's runs of figures 2 and 3: what was trained there is asked here."""
    long = curriculum.members(folder / "figure-3", 1, [m for m in MODELS if m in curriculum.MODELS])
    short = learning.members(folder / "figure-2", 1, [m for m in MODELS if m in learning.MODELS])
    return [*long, *(one for one in short if one.task == "copy")]


def results(found: Sequence[Member]) -> list[Asked]:
    """The errors at each length that the model can be asked at within reasonable time."""
    return [asked for one in found for asked in _ask(one)]


def _ask(one: Member) -> list[Asked]:
    checkpoint = one.checkpoint()
    trained, levels, found = one.items_trained, checkpoint.task().levels or (), []
    for items in (factor * trained for factor in FACTORS):
        steps = 2 * items + 2
        if steps > STEPS_AT_MOST[one.model] or items not in levels:
            break
        slots = min(max(2 ** (4 * steps).bit_length(), 256), MOST_SLOTS.get(one.model, 0))
        model = checkpoint.model(**({"slots": slots} if slots else {}))
        episodes = min(max(STEPS_ASKED // steps, 8), 200)
        measured = evaluate(model, checkpoint.task(), episodes=episodes, seed=8, level=items)
        found.append(
            Asked(one.task, one.model, trained, items, steps, slots, episodes, round(measured.error, 5))
        )
    return found


def figure(rows: Sequence[Asked], foot: str) -> Any:
    """A panel a task, a line a model: the share of wrong bits against the items of an episode."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, PercentFormatter

    drawn = Figure(figsize=(10.4, 4.8))
    for place, task in enumerate(TASKS):
        axes = drawn.add_axes((0.06 + place * 0.48, 0.2, 0.36, 0.56))
        ends = []
        for model in MODELS:
            line = [row for row in rows if (row.task, row.model) == (task, model)]
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
        axes.annotate("chance", (axes.get_xlim()[0], 0.5), (4, 4), textcoords="offset points", color=QUIET)
        axes.set_xscale("log")
        axes.set_ylim(0, 0.56)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda items, _: f"{items:,.0f}"))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlabel({"recall": "pairs", "copy": "vectors"}[task])
        axes.set_title(f"{task}: wrong bits", loc="left", fontsize=9.5, pad=8)
        label_ends(axes, ends)
    conditions = "The left-most point of a line, ringed, is the longest episode that it was trained with"
    head(drawn, "Trained short, asked long", conditions, foot)
    return drawn


def sections(rows: Sequence[Asked]) -> dict[str, str]:
    """A table a task: a line a model, a column a multiple of the trained length."""
    tables = []
    for task in TASKS:
        lines = [[f"{task}: wrong bits at", "trained to", *(f"{factor:,}×" for factor in FACTORS)]]
        for model in MODELS:
            line = [row for row in rows if (row.task, row.model) == (task, model)]
            if line:
                cells = [f"{row.error:.1%} ({row.items:,})" for row in line]
                cells += [NOTHING] * (len(FACTORS) - len(cells))
                lines.append([STROKES[model].name, f"{line[0].trained:,}", *cells])
        if len(lines) > 1:
            tables.append(markdown(lines))
    return {"figure-8": "\n\n".join(tables)}
