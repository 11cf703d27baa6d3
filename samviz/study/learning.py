"""Figure 2: how fast each model learns copy, recall and sort, with the same episodes for all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samviz.drawing import STROKES, bare, head, label_ends
from samviz.study.curves import Curve, band, curve_of, draw_band
from samviz.study.members import Member, members_of
from samviz.study.tables import markdown, spread_text


class Budget(NamedTuple):
    """What every model gets on a task."""

    steps: int  # minibatches
    batch: int
    slots: int  # four a step, or a sparse memory erases what it will be asked for

    @property
    def episodes(self) -> int:
        """Episodes in all."""
        return self.steps * self.batch


BUDGETS = {
    "copy": Budget(5_000, 8, 256),
    "recall": Budget(20_000, 16, 64),  # at 8 the plateau before anything is recalled lasts twice as long
    "sort": Budget(8_000, 8, 256),
}
MODELS = ("sam", "sdnc", "dam", "ntm", "lstm")


def members(folder: Path, seeds: int, models: Sequence[str] = MODELS) -> list[Member]:
    """The runs, cheap ones first."""
    cheap_first = sorted(models, key=("lstm", "sam", "sdnc", "dnc", "dam", "ntm").index)
    return [
        one
        for task, budget in BUDGETS.items()
        for one in members_of(
            folder,
            dict.fromkeys(cheap_first, budget.steps),
            seeds=seeds,
            slots=budget.slots,
            task=task,
            batch=budget.batch,
            half_life=20_000,
        )
    ]


def results(found: Sequence[Member]) -> list[Curve]:
    """The curves of the runs."""
    return [curve_of(one) for one in found]


def figure(curves: Sequence[Curve], foot: str) -> Any:
    """A panel a task, a line a model: the median of the seeds, and from the lowest to the highest."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    drawn = Figure(figsize=(11.2, 4.6))
    tasks = [task for task in BUDGETS if any(curve.task == task for curve in curves)]
    width = 0.93 / len(tasks)
    for place, task in enumerate(tasks):
        axes = drawn.add_axes((0.055 + place * width, 0.21, width - 0.105, 0.55))
        ends = []
        for model in MODELS:
            group = [curve for curve in curves if (curve.task, curve.model) == (task, model)]
            if not group:
                continue
            ends.append(draw_band(axes, band(group, "wrong"), STROKES[model]))
        bare(axes)
        axes.set_xlim(0, BUDGETS[task].episodes)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda episodes, _: f"{episodes / 1000:g}k"))
        axes.set_xlabel("episodes", labelpad=4)
        axes.set_title(f"{task}: wrong bits a sequence", loc="left", fontsize=9.5, pad=8)
        label_ends(axes, ends)
    counts = [sum((c.task, c.model) == (a.task, a.model) for c in curves) for a in curves]
    seeds = f"{max(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    conditions = f"Training error, the same episodes for all; median of {seeds} runs, all within the shade"
    head(drawn, "How fast they learn", conditions, foot)
    return drawn


def sections(curves: Sequence[Curve]) -> dict[str, str]:
    """What each model makes wrong at the end, and how long its training took."""
    lines = [
        ["", *(f"{task}: wrong bits" for task in BUDGETS), *(f"{task}: ms a minibatch" for task in BUDGETS)]
    ]
    for model in MODELS:
        groups = [[c for c in curves if (c.task, c.model) == (task, model)] for task in BUDGETS]
        if any(groups):
            ends = [spread_text([c.wrong[-1] for c in group]) for group in groups]
            each = [[1000 * c.seconds / BUDGETS[c.task].steps for c in group] for group in groups]
            times = [spread_text(one, "{:.0f}") for one in each]
            lines.append([STROKES[model].name, *ends, *times])
    return {"figure-2": markdown(lines)}
