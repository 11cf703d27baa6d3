"""Lines over the size of the memory, on two logarithmic axes, and the paper's own points."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from samviz.bench.sizes import size_name
from samviz.drawing import INK, PAPER, QUIET, End, Stroke, bare, label_ends


class Line(NamedTuple):
    """Measured points in order of N."""

    stroke: Stroke
    label: str
    slots: list[int]
    values: list[float]
    told: list[bool]  # not measured, but told from a shorter window


def prepare(axes: Any, lines: Sequence[Line], name: Callable[[float], str], base: int = 10) -> None:
    """Two logarithmic axes over a thin grid: the measured N below, quantities by their names at the left."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sorted({size for line in lines for size in line.slots})))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda slots, _: size_name(round(slots))))
    axes.yaxis.set_major_locator(LogLocator(base=base, numticks=12))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: name(value)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    bare(axes)
    axes.set_xlabel("memory slots N", labelpad=6)


def draw_lines(axes: Any, lines: Sequence[Line]) -> None:
    """Lines with their measured points."""
    for line in lines:
        axes.plot(
            line.slots,
            line.values,
            color=line.stroke.colour,
            linestyle=line.stroke.dashes,
            linewidth=1.8,
            marker="o",
            markersize=4.5,
            markeredgecolor=PAPER,
            markeredgewidth=0.8,
            zorder=3,
        )
        told = [point for point, is_told in enumerate(line.told) if is_told]
        axes.plot(
            [line.slots[point] for point in told],
            [line.values[point] for point in told],
            "o",
            markersize=2.2,
            markeredgewidth=0,
            color=PAPER,
            zorder=4,
        )


def label_lines(axes: Any, lines: Sequence[Line]) -> None:
    """Each line's name right of its last point. Call it last: it settles the scale of the axes."""
    label_ends(axes, [End(line.slots[-1], line.values[-1], line.label, line.stroke.colour) for line in lines])


def note_paper(axes: Any, slots: float, value: float, text: str, offset: tuple[float, float]) -> None:
    """A hollow point: what the paper measured, on its own machine."""
    axes.plot([slots], [value], "o", markersize=7, color=INK, markerfacecolor=PAPER, zorder=4, clip_on=False)
    axes.annotate(
        text,
        (slots, value),
        xytext=offset,
        textcoords="offset points",
        ha="right" if offset[0] < 0 else "left",
        va="center",
        fontsize=8.5,
        color=QUIET,
    )
