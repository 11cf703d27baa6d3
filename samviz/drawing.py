"""How figures on paper look: colours all can tell apart, names at line ends; matplotlib is optional."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

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


class End(NamedTuple):
    """Where a line ends, and what it is called."""

    x: float
    y: float
    label: str
    colour: str


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


def bare(axes: Any) -> None:
    """Axes over a thin grid, without ticks and frame."""
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, pad=5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def label_ends(axes: Any, ends: Sequence[End]) -> None:
    """Each line's name right of its last point, moved up or down where names would overlap.

    Call it last: it settles the scale of the axes.
    """
    from matplotlib.patheffects import withStroke

    axes.set_xlim(axes.get_xlim())
    axes.set_ylim(axes.get_ylim())
    points = 72 / axes.get_figure().dpi
    bottom = axes.bbox.y0 * points
    for last in {end.x for end in ends}:
        group = [end for end in ends if end.x == last]
        heights = [float(axes.transData.transform((last, end.y))[1]) * points for end in group]
        for end, height, place in zip(group, heights, spread(heights, LABEL_GAP, bottom), strict=True):
            axes.annotate(
                end.label,
                (last, end.y),
                xytext=(9, place - height),
                textcoords="offset points",
                va="center",
                color=end.colour,
                annotation_clip=False,
                path_effects=[withStroke(linewidth=3, foreground=PAPER)],
                zorder=5,
            )


def spread(ends: Sequence[float], gap: float, lowest: float = -inf) -> list[float]:
    """Places at least a gap apart and not below the lowest, near the ends: a few rounds of pushing."""
    order = sorted(range(len(ends)), key=ends.__getitem__)
    places = [ends[line] for line in order]
    for _ in range(200):
        for below, above in zip(range(len(places)), range(1, len(places)), strict=False):
            overlap = gap - (places[above] - places[below])
            if overlap > 1e-6:
                places[below] -= overlap / 2
                places[above] += overlap / 2
        places[:1] = [max(place, lowest) for place in places[:1]]
    found = [0.0] * len(ends)
    for line, place in zip(order, places, strict=True):
        found[line] = place
    return found


def head(figure: Any, title: str, subtitle: str, foot: str) -> None:
    """What the figure says, under which conditions, and where it was measured."""
    figure.text(0.02, 0.96, title, fontsize=12.5, fontweight="bold", va="top")
    figure.text(0.02, 0.90, subtitle, fontsize=9.5, color=QUIET, va="top")
    figure.text(0.02, 0.02, foot, fontsize=7.5, color=QUIET, va="bottom")
