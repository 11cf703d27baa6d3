"""Figure 2: how fast each model learns copy, recall and sort, with the same episodes for all."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samviz.drawing import STROKES, bare, head, label_ends
from samviz.study.curves import Curve, band, curve_of, draw_band
from samviz.study.members import Member, member
from samviz.study.tables import markdown, spread_text

STEPS = {"copy": 5_000, "recall": 20_000, "sort": 8_000}  # minibatches of 8 episodes
MODELS = ("sam", "sdnc", "dam", "ntm", "lstm")
SLOTS = 256  # sort's 37 steps take 148 slots; with fewer a sparse memory erases what it will be asked for


def members(folder: Path, seeds: int, models: Sequence[str] = MODELS) -> list[Member]:
    """The runs, cheap ones first."""
    return [
        member(
            folder,
            steps,
            task=task,
            model=model,
            model_settings={} if model == "lstm" else {"slots": SLOTS},
            half_life=20_000,
            seed=seed,
        )
        for model in sorted(models, key=("lstm", "sam", "sdnc", "dnc", "dam", "ntm").index)
        for seed in range(seeds)
        for task, steps in STEPS.items()
    ]


def results(found: Sequence[Member]) -> list[Curve]:
    """The curves of the runs."""
    return [curve_of(one) for one in found]


def figure(curves: Sequence[Curve], foot: str) -> Any:
    """A panel a task, a line a model: the median of the seeds, and from the lowest to the highest."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    drawn = Figure(figsize=(11.2, 4.6))
    tasks = [task for task in STEPS if any(curve.task == task for curve in curves)]
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
        axes.set_xlim(0, STEPS[task] * 8)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda episodes, _: f"{episodes / 1000:g}k"))
        axes.set_xlabel("episodes", labelpad=4)
        axes.set_title(f"{task}: wrong bits a sequence", loc="left", fontsize=9.5, pad=8)
        label_ends(axes, ends)
    seeds = max(sum((c.task, c.model) == (a.task, a.model) for c in curves) for a in curves)
    of_seeds = "one seed" if seeds == 1 else f"median of {seeds} seeds, all within the shade"
    conditions = f"Training error, the same episodes for all; {of_seeds}"
    head(drawn, "How fast they learn", conditions, foot)
    return drawn


def sections(curves: Sequence[Curve]) -> dict[str, str]:
    """What each model makes wrong at the end, and how long its training took."""
    lines = [["", *(f"{task}: wrong bits" for task in STEPS), *(f"{task}: ms a minibatch" for task in STEPS)]]
    for model in MODELS:
        groups = [[c for c in curves if (c.task, c.model) == (task, model)] for task in STEPS]
        if any(groups):
            ends = [spread_text([c.wrong[-1] for c in group]) for group in groups]
            each = [[1000 * c.seconds / STEPS[c.task] for c in group] for group in groups]
            times = [spread_text(one, "{:.0f}") for one in each]
            lines.append([STROKES[model].name, *ends, *times])
    return {"figure-2": markdown(lines)}
