"""How figures look: colours that everybody can tell apart, labels at line ends; matplotlib is optional."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from samviz.bench.sizes import size_name
from samviz.errors import ConfigError

INK, QUIET, GRID, PAPER = "#1f2328", "#59636e", "#e4e8ec", "#ffffff"
SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "samviz",  # the same rows make the same file
    "svg.fonttype": "path",  # no reader has to have the font
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9.5,
    "axes.edgecolor": GRID,
    "axes.labelcolor": QUIET,
    "text.color": INK,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
}
LABEL_GAP = 12.5  # points between the labels of two lines


class Stroke(NamedTuple):
    """How a model's line is drawn, and what it is called."""

    colour: str
    name: str
    dashes: str | tuple[int, tuple[float, float]] = "-"


OF_THE_PACKAGE = (0, (4.0, 2.0))
STROKES = {  # Okabe and Ito's colours, darkened where white shone through
    "sam": Stroke("#0072b2", "SAM"),
    "sdnc": Stroke("#d55e00", "SDNC"),
    "dam": Stroke("#a0522d", "DAM"),
    "ntm": Stroke("#b0508c", "NTM"),
    "dnc": Stroke("#00845f", "DNC"),
    "lstm": Stroke("#6e7781", "LSTM, no memory"),
    "dnc.SAM": Stroke("#0072b2", "SAM of dnc", OF_THE_PACKAGE),
    "dnc.SDNC": Stroke("#d55e00", "SDNC of dnc", OF_THE_PACKAGE),
    "dnc.DNC": Stroke("#00845f", "DNC of dnc", OF_THE_PACKAGE),
}


class Line(NamedTuple):
    """Measured points in order of N."""

    stroke: Stroke
    label: str
    slots: list[int]
    values: list[float]
    told: list[bool]  # not measured, but told from a shorter window


@contextmanager
def canvas() -> Iterator[Any]:
    """matplotlib with these settings.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise ConfigError(
            "drawing needs matplotlib: install it with `pip install samviz[bench]`, "
            "or keep the rows and draw later"
        ) from None
    with mpl.rc_context(SETTINGS):
        yield mpl


def save(figure: Any, path: Path) -> Path:
    """Write a figure as SVG; the same figure gives the same bytes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None
    return path


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
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
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
    """Each line's name right of its last point, moved up or down where names would overlap.

    Call it last: it settles the scale of the axes.
    """
    from matplotlib.patheffects import withStroke

    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    points = 72 / axes.get_figure().dpi
    for last in {line.slots[-1] for line in lines}:
        group = [line for line in lines if line.slots[-1] == last]
        ends = [float(axes.transData.transform((last, line.values[-1]))[1]) * points for line in group]
        for line, end, place in zip(group, ends, spread(ends, LABEL_GAP), strict=True):
            axes.annotate(
                line.label,
                (last, line.values[-1]),
                xytext=(9, place - end),
                textcoords="offset points",
                va="center",
                color=line.stroke.colour,
                annotation_clip=False,
                path_effects=[withStroke(linewidth=3, foreground=PAPER)],
                zorder=5,
            )


def spread(ends: Sequence[float], gap: float) -> list[float]:
    """Places at least a gap apart, as near to the ends as a few rounds of pushing bring them."""
    order = sorted(range(len(ends)), key=ends.__getitem__)
    places = [ends[line] for line in order]
    for _ in range(200):
        for below, above in zip(range(len(places)), range(1, len(places)), strict=False):
            overlap = gap - (places[above] - places[below])
            if overlap > 1e-6:
                places[below] -= overlap / 2
                places[above] += overlap / 2
    found = [0.0] * len(ends)
    for line, place in zip(order, places, strict=True):
        found[line] = place
    return found


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


def head(figure: Any, title: str, subtitle: str, foot: str) -> None:
    """What the figure says, under which conditions, and where it was measured."""
    figure.text(0.02, 0.96, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(0.02, 0.90, subtitle, fontsize=9.5, color=QUIET, va="top")
    figure.text(0.02, 0.02, foot, fontsize=7.5, color=QUIET, va="bottom")
