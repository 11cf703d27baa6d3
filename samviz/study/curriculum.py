"""Figure 3: how far a curriculum of recall takes each model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from samviz.drawing import STROKES, bare, head, label_ends
from samviz.study.curves import Curve, band, curve_of, draw_band
from samviz.study.members import Member, member
from samviz.study.tables import markdown, spread_text

STEPS = {"sam": 40_000, "sdnc": 5_000, "dam": 40_000, "ntm": 40_000, "lstm": 40_000}  # minibatches of 8
BITS = 12  # of key and value, so that there are 4,096 different keys
THRESHOLD_BITS = 4.0  # of the 12 that an answer has
WORD_SIZE = 64  # key and value come to share a word
FIRST_SEED = 3  # chosen after trials, which docs/learning.md tells
MODELS = ("sam", "sdnc", "dam", "ntm", "lstm")
SLOTS = {"sam": 8192, "sdnc": 8192, "dam": 512, "ntm": 512}  # a dense step takes time in proportion
LEVELS = {"sam": 384, "sdnc": 384, "dam": 48, "ntm": 48, "lstm": 384}  # a tenth of the keys; what slots allow


def members(folder: Path, seeds: int, models: Sequence[str] = MODELS) -> list[Member]:
    """The runs, one for each model and seed."""
    return [
        member(
            folder,
            STEPS[model],
            task="recall",
            task_settings={"bits": BITS},
            model=model,
            model_settings={"slots": SLOTS[model], "word_size": WORD_SIZE} if model in SLOTS else {},
            half_life=100_000,
            curriculum_bits=THRESHOLD_BITS,
            max_level=LEVELS[model],
            seed=seed,
        )
        for seed in range(FIRST_SEED, FIRST_SEED + seeds)
        for model in models
    ]


def results(found: Sequence[Member]) -> list[Curve]:
    """The curves of the runs."""
    return [curve_of(one, points=400) for one in found]


def figure(curves: Sequence[Curve], foot: str) -> Any:
    """The horizon against episodes, a line a model."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    drawn = Figure(figsize=(8.4, 5.0))
    axes = drawn.add_axes((0.09, 0.19, 0.74, 0.62))
    groups = {model: [c for c in curves if c.model == model] for model in MODELS}
    ends = [draw_band(axes, band(group, "horizon"), STROKES[m]) for m, group in groups.items() if group]
    bare(axes)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda level, _: f"{level:,.0f}"))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda episodes, _: f"{episodes / 1000:g}k"))
    axes.set_xlim(left=0)
    axes.set_xlabel("episodes")
    label_ends(axes, ends)
    conditions = (
        f"Recall of {BITS}-bit pairs, 1 to h of them; h doubles when 100 minibatches "
        f"take under {THRESHOLD_BITS:g} bits a sequence"
    )
    head(drawn, "How many pairs the curriculum reaches", conditions, foot)
    return drawn


def sections(curves: Sequence[Curve]) -> dict[str, str]:
    """The level that each model reached, and how long that took."""
    lines = [["", "level reached", "its steps T", "wrong bits of 12 at the end", "training, minutes"]]
    for model in MODELS:
        group = [curve for curve in curves if curve.model == model]
        if group:
            reached = [float(curve.horizon[-1]) for curve in group]
            lines.append(
                [
                    STROKES[model].name,
                    spread_text(reached, "{:,.0f}"),
                    f"{2 * max(reached) + 2:,.0f}",
                    spread_text([curve.wrong[-1] for curve in group]),
                    spread_text([curve.seconds / 60 for curve in group], "{:.0f}"),
                ]
            )
    return {"figure-3": markdown(lines)}
