"""Learning curves: what a run's metrics say, in a hundred points, and the middle of several seeds."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np

from samviz.drawing import End, Stroke
from samviz.errors import CheckpointError
from samviz.study.members import Member
from samviz.training import read_metrics

POINTS = 100


class Curve(NamedTuple):
    """Means over stretches of a run. All lists have one entry a stretch."""

    task: str
    model: str
    seed: int
    batch: int
    seconds: float  # of training, on one core
    episodes: list[int]  # trained at the end of the stretch
    loss_bits: list[float]
    wrong: list[float]
    error: list[float]
    horizon: list[int]  # under a curriculum; empty without


class Band(NamedTuple):
    """Several seeds: the median of them, the lowest and the highest, at each number of episodes."""

    episodes: list[int]
    middle: list[float]
    low: list[float]
    high: list[float]


def curve_of(one: Member, points: int = POINTS) -> Curve:
    """The curve of a run over its first `run.steps` minibatches.

    Raises:
        CheckpointError: the run has fewer.
    """
    rows = read_metrics(one.run.out)[: one.run.steps]
    if len(rows) < one.run.steps:
        raise CheckpointError(f"{one.run.out}: expected {one.run.steps:,} minibatches, found {len(rows):,}")
    stretches = [stretch for stretch in np.array_split(np.arange(len(rows)), points) if len(stretch)]
    training = one.checkpoint().recipe["training"]
    return Curve(
        one.task,
        one.model,
        one.seed,
        one.run.config.batch,
        round(training["seconds"] * one.run.steps / training["step"], 1),
        [int(stretch[-1] + 1) * one.run.config.batch for stretch in stretches],
        [_mean(rows, "loss_bits", stretch) for stretch in stretches],
        [_mean(rows, "wrong", stretch) for stretch in stretches],
        [_mean(rows, "error", stretch) for stretch in stretches],
        [rows[stretch[-1]]["horizon"] for stretch in stretches if "horizon" in rows[0]],
    )


def band(curves: Sequence[Curve], field: str) -> Band:
    """The band of several seeds of one model on one task, all of the same length."""
    values = np.array([getattr(curve, field) for curve in curves])  # [seeds, points]
    return Band(
        curves[0].episodes,
        np.median(values, axis=0).tolist(),
        values.min(axis=0).tolist(),
        values.max(axis=0).tolist(),
    )


def draw_band(axes: Any, line: Band, stroke: Stroke) -> End:
    """The median as a line, the rest as a shade around it; where the line ends, for its name."""
    axes.fill_between(line.episodes, line.low, line.high, color=stroke.colour, alpha=0.15, linewidth=0)
    axes.plot(line.episodes, line.middle, color=stroke.colour, linewidth=1.6)
    return End(line.episodes[-1], line.middle[-1], stroke.name.split(",")[0], stroke.colour)


def _mean(rows: list[dict[str, Any]], name: str, stretch: Any) -> float:
    return round(fmean(rows[place][name] for place in stretch), 5)
