"""The page of benchmarks: its text is written by hand, what stands between its markers by the command."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from samviz.bench.machine import Machine
from samviz.bench.row import BOTH, Row
from samviz.bench.sizes import bytes_name, ratio_name, size_name, time_name
from samviz.bench.table import Column, Table, left_out, tables
from samviz.sections import fill_sections, require_sections

SECTIONS = ("machine", "speed", "memory", "index", "links", "record", "left-out")
RATIOS_ARE = "How many times as much another needs:"
TIME = Column("", "us_per_step", time_name)
ABOVE = Column("", "bytes", bytes_name)
TOTAL = Column("", "total_bytes", bytes_name)
RATIO = Column("", "ratio", ratio_name)


def require_page(path: Path) -> str:
    """The page's text.

    Raises:
        ConfigError: there is none, or it lacks the markers of a section.
    """
    return require_sections(path, "bench", SECTIONS)


def fill_page(path: Path, machine: Machine, rows: Sequence[Row]) -> None:
    """Put fresh tables between the page's markers; everything else stays."""
    require_page(path)
    fill_sections(path, "bench", sections(machine, rows))


def sections(machine: Machine, rows: Sequence[Row]) -> dict[str, str]:
    """What stands in each section, as markdown."""
    speed = [row for row in rows if row.bench == "speed" and row.phase == BOTH]
    memory = [row for row in rows if row.bench == "memory"]
    return {
        "machine": "\n".join(f"- {line}" for line in machine.lines()),
        "speed": _joined(
            [("One step, forward and backward:", pivot(speed, TIME)), (RATIOS_ARE, pivot(speed, RATIO))]
        ),
        "memory": _joined(
            (caption, pivot([row for row in memory if row.phase == phase], shown))
            for caption, phase, shown in (
                ("Above what exists once per slot:", BOTH, ABOVE),
                (RATIOS_ARE, "above", RATIO),
                ("In all:", BOTH, TOTAL),
                (RATIOS_ARE, "total", RATIO),
            )
        ),
        **{
            name: _joined(("", table) for table in tables([row for row in rows if row.bench == name]))
            for name in ("index", "links", "record")
        },
        "left-out": "\n".join(f"- {reason}" for reason in left_out(rows)) or "Nothing.",
    }


def pivot(rows: Iterable[Row], shown: Column) -> Table | None:
    """One line per subject, one column per size, of the rows that have the field shown."""
    cells = {
        (_subject(row), _size(row)): shown.cell(row) for row in rows if getattr(row, shown.field) is not None
    }
    if not cells:
        return None
    sizes = sorted({size for _, size in cells})
    several = {part: len({size[part] for size in sizes}) > 1 for part in range(3)}
    lines = [["", *(_size_name(size, several) for size in sizes)]]
    for subject in dict.fromkeys(subject for subject, _ in cells):
        lines.append([subject, *(cells.get((subject, size), "") for size in sizes)])
    return Table(lines)


def _subject(row: Row) -> str:
    return f"{row.against} / {row.subject}" if row.against else row.subject


def _size(row: Row) -> tuple[int, int, int]:
    """Steps tell sizes apart only where memory is counted: a step's time does not depend on the window."""
    return (row.steps if row.bench == "memory" else 0), row.batch, row.slots


def _size_name(size: tuple[int, int, int], several: dict[int, bool]) -> str:
    steps, batch, slots = size
    parts = [size_name(slots)]
    parts += [f"batch {batch}"] if several[1] else []
    parts += [f"{steps} steps"] if several[0] else []
    return ", ".join(parts)


def _joined(found: Iterable[tuple[str, Table | None]]) -> str:
    """The tables that there are, each below its caption."""
    parts = (f"{caption}\n\n{table.markdown()}".strip() for caption, table in found if table)
    return "\n\n".join(parts) or "Not measured."
