"""The paper's figures 1a, 1b and 7, drawn from rows that were measured."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from samviz.bench.machine import Machine
from samviz.bench.row import BOTH, Row
from samviz.bench.sizes import bytes_name, ratio_name, size_name, time_name
from samviz.bench.style import Line, draw_lines, label_lines, note_paper, prepare
from samviz.drawing import INK, QUIET, STROKES, Stroke, canvas, head, save
from samviz.errors import ConfigError

GIB, MIB = 2**30, 2**20
PAPER_SLOTS = 2048  # of its figure 7
PAPER_POINTS = "Filled: measured here. Hollow: the paper's own figures (Rae et al. 2016), on its machine."
PAPER_RATIOS = "The paper's ratios (Rae et al. 2016, figure 7) are for 2,048 slots, on its machine."
WIDE, PAIR = (8.4, 5.2), (9.6, 4.7)


def draw(rows: Sequence[Row], machine: Machine | None, folder: Path) -> list[Path]:
    """Draw the figures for which there are rows; the paths written.

    Raises:
        ConfigError: matplotlib is not installed, or there are no rows for any figure.
    """
    where = "" if machine is None else machine.summary()
    drawn = []
    with canvas():
        for name, figure_of in (
            ("figure-1a.svg", figure_1a),
            ("figure-1b.svg", figure_1b),
            ("figure-7.svg", figure_7),
        ):
            figure = figure_of(rows, where)
            if figure is not None:
                drawn.append(save(figure, folder / name))
    if not drawn:
        raise ConfigError("nothing to draw: expected rows of `samviz bench speed` or `samviz bench memory`")
    return drawn


def figure_1a(rows: Sequence[Row], where: str) -> Any:
    """Time of one step against N, at the largest batch; None without such rows."""
    timed = [row for row in rows if row.bench == "speed" and row.phase == BOTH and row.us_per_step]
    if not timed:
        return None
    batch = max(row.batch for row in timed)
    lines = lines_of((row for row in timed if row.batch == batch), "us_per_step")
    figure, axes = _single()
    prepare(axes, lines, time_name)
    draw_lines(axes, lines)
    if batch == 8:
        note_paper(axes, MIB, 12e6, "paper: NTM, 12 s", (-10, 0))
        note_paper(axes, MIB, 7e3, "paper: SAM with k-d tree, 7 ms", (-10, 0))
    label_lines(axes, lines)
    conditions = f"Time of one step, forward and backward, batch {batch}, one thread, all slots live"
    head(figure, "Time of a step against memory size", conditions, _foot(PAPER_POINTS, lines, where))
    return figure


def figure_1b(rows: Sequence[Row], where: str) -> Any:
    """Bytes of a window above what exists once per slot, against N; None without such rows."""
    counted = [row for row in rows if row.bench == "memory" and row.bytes and row.ratio is None]
    if not counted:
        return None
    steps = max(row.steps for row in counted)
    lines = lines_of((row for row in counted if row.steps == steps), "bytes")
    figure, axes = _single()
    prepare(axes, lines, bytes_name, base=32)
    draw_lines(axes, lines)
    if steps == 100:
        note_paper(axes, 64 * 1024, 29 * GIB, "paper: NTM, 29 GiB", (-10, 0))
        note_paper(axes, 64 * 1024, 7.8 * MIB, "paper: SAM, 7.8 MiB", (-10, 0))
    label_lines(axes, lines)
    conditions = f"Memory over {steps} steps, forward and backward, batch 1, above what exists once per slot"
    head(figure, "Bytes of a window against memory size", conditions, _foot(PAPER_POINTS, lines, where))
    return figure


def figure_7(rows: Sequence[Row], where: str) -> Any:
    """SDNC against DNC, both with all their links: time of a step and all memory; None without such rows."""
    compared = [row for row in rows if row.model in ("sdnc", "dnc") and row.ratio is None]
    timed = [row for row in compared if row.bench == "speed" and row.phase == BOTH and row.us_per_step]
    counted = [row for row in compared if row.bench == "memory" and row.bytes]
    batch = min((row.batch for row in timed), default=1)
    steps = min((row.steps for row in counted), default=0)
    time_lines = _exact_pair([row for row in timed if row.batch == batch], "us_per_step")
    byte_lines = _exact_pair([row for row in counted if row.steps == steps], "total_bytes")
    if len(time_lines) < 2 or len(byte_lines) < 2:
        return None
    figure, (left, right) = _pair()
    for axes, lines, name, base, paper, title in (
        (left, time_lines, time_name, 10, 440, f"time of a step, batch {batch}"),
        (right, byte_lines, bytes_name, 4, 240, f"all memory of {steps} steps, batch 1"),
    ):
        prepare(axes, lines, name, base)
        draw_lines(axes, lines)
        _gap(axes, lines, paper)
        label_lines(axes, lines)
        axes.set_title(title, loc="left", fontsize=9.5, color=INK, pad=8)
    foot = _foot(PAPER_RATIOS, time_lines, where)
    head(figure, "Sparse links against all links", "SDNC and DNC, forward and backward, one thread", foot)
    return figure


def lines_of(rows: Iterable[Row], field: str) -> list[Line]:
    """A line for each model and index."""
    found: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        found.setdefault((row.model, row.index), {})[row.slots] = row
    lines = []
    for (model, index), points in found.items():
        stroke = STROKES.get(model, Stroke(QUIET, model))
        several = sum(other == model for other, _ in found) > 1
        slots = sorted(points)
        lines.append(
            Line(
                stroke=stroke,
                label=f"{stroke.name}, {index}" if several else stroke.name,
                slots=slots,
                values=[getattr(points[size], field) for size in slots],
                told=[points[size].counted_steps > 0 for size in slots],
            )
        )
    return lines


def _exact_pair(rows: list[Row], field: str) -> list[Line]:
    """SDNC, with an exact index where there is one, and DNC, at the sizes that both have."""
    exact = [row for row in rows if row.model == "dnc" or row.index == "exact"]
    chosen = exact if any(row.model == "sdnc" for row in exact) else rows
    both = {row.slots for row in chosen if row.model == "sdnc"} & {
        row.slots for row in chosen if row.model == "dnc"
    }
    return lines_of([row for row in chosen if row.slots in both], field)


def _gap(axes: Any, lines: list[Line], paper: int) -> None:
    """The ratio at the largest size, beside what the paper says for 2,048 slots."""
    low, high = sorted(line.values[-1] for line in lines)
    slots = lines[0].slots[-1]
    axes.annotate(
        "",
        (slots, low),
        xytext=(slots, high),
        arrowprops={"arrowstyle": "<->", "color": QUIET, "linewidth": 0.9, "shrinkA": 6, "shrinkB": 6},
    )
    middle, beside = (slots, (low * high) ** 0.5), {"textcoords": "offset points", "ha": "right"}
    ratio = f"{ratio_name(high / low)} at {size_name(slots)}"
    axes.annotate(ratio, middle, xytext=(-9, 3), va="bottom", color=INK, fontweight="bold", **beside)
    if slots == PAPER_SLOTS:
        axes.annotate(f"paper: {paper}×", middle, xytext=(-9, -3), va="top", color=QUIET, **beside)


def _foot(about_paper: str, lines: Sequence[Line], where: str) -> str:
    """What the marks mean, and where this was measured."""
    package = "Dashed: the package dnc. " if any(line.stroke.dashes != "-" for line in lines) else ""
    told = "White core: told from a shorter window. " if any(any(line.told) for line in lines) else ""
    return f"{about_paper}\n{package}{told}{where}"


def _single() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=WIDE)
    return figure, figure.add_axes((0.09, 0.18, 0.73, 0.66))


def _pair() -> tuple[Any, tuple[Any, Any]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=PAIR)
    return figure, (figure.add_axes((0.07, 0.21, 0.37, 0.57)), figure.add_axes((0.56, 0.21, 0.37, 0.57)))
