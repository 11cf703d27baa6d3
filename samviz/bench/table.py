"""Rows as a table to read, in a terminal or as markdown."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from samviz.bench.row import Row
from samviz.bench.sizes import bytes_name, ratio_name, share_name, significant, size_name, time_name

NOTHING = "–"


def _seconds(value: float) -> str:
    return time_name(value * 1e6)


def _parts(value: dict[str, int]) -> str:
    return ", ".join(f"{name} {bytes_name(size)}" for name, size in value.items())


class Column(NamedTuple):
    """A column's head, the field of a row that it shows, and how."""

    head: str
    field: str
    name: Callable[[Any], str] = str

    def cell(self, row: Row) -> str:
        """What the column shows of a row."""
        value = getattr(row, self.field)
        if value is None or value in ("", {}):
            return NOTHING
        told = row.counted_steps and self.field in ("bytes", "total_bytes")
        return f"≈ {self.name(value)}" if told else self.name(value)


MODEL = Column("model", "model")
INDEX = Column("index", "index")
SLOTS = Column("slots", "slots", size_name)
BATCH = Column("batch", "batch")
STEPS = Column("steps", "steps")
PHASE = Column("phase", "phase")
WORDS = Column("words", "words")
SUBJECT = (MODEL, INDEX, SLOTS, BATCH, STEPS)
SPREAD = (
    Column("per step", "us_per_step", time_name),
    Column("least", "us_min", time_name),
    Column("most", "us_max", time_name),
    Column("wall", "wall_us_per_step", time_name),
    Column("repeats", "repeats"),
)
COLUMNS: dict[str, tuple[Column, ...]] = {
    "speed": (*SUBJECT, PHASE, *SPREAD, Column("set-up", "setup_s", _seconds)),
    "memory": (
        *SUBJECT,
        Column("above", "bytes", bytes_name),
        Column("total", "total_bytes", bytes_name),
        Column("of which once per slot", "once", _parts),
    ),
    "index": (
        *(INDEX, SLOTS, WORDS),
        Column("4 queries", "us_per_step", time_name),
        Column("recall@4", "recall", share_name),
        Column("hit@1", "hit", share_name),
        Column("scanned", "scanned", significant),
        Column("17 updates", "update_us", time_name),
        Column("build", "setup_s", _seconds),
        Column("repeats", "repeats"),
    ),
    "links": (MODEL, SLOTS, STEPS, PHASE, *SPREAD),
    "record": (*SUBJECT, PHASE, *SPREAD),
    "trace": (
        Column("question", "phase"),
        *(STEPS, SLOTS, INDEX),
        Column("median", "us_per_step", time_name),
        Column("bound", "bound_us", time_name),
        Column("least", "us_min", time_name),
        Column("most", "us_max", time_name),
        Column("wall", "wall_us_per_step", time_name),
        Column("memory", "bytes", bytes_name),
        Column("repeats", "repeats"),
    ),
}
INDEX_RATIOS = (
    *(INDEX, SLOTS, WORDS),
    Column("recall@4", "recall", share_name),
    Column("against", "against"),
    Column("its recall@4", "against_recall", share_name),
    Column("search takes", "ratio", ratio_name),
    Column("updates take", "update_ratio", ratio_name),
)
RATIOS = (
    *SUBJECT,
    Column("of", "phase"),
    Column("against", "against"),
    Column("times as much", "ratio", ratio_name),
)


class Table(NamedTuple):
    """Cells as text; the first line is the head."""

    lines: list[list[str]]

    def text(self) -> str:
        """Columns in line, two spaces apart."""
        widths = [max(len(cell) for cell in column) for column in zip(*self.lines, strict=True)]
        padded = (
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in self.lines
        )
        return "\n".join(line.rstrip() for line in padded)

    def markdown(self) -> str:
        """A table that GitHub draws."""
        head, *body = self.lines
        return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *body))


def tables(rows: Sequence[Row]) -> list[Table]:
    """A table for each benchmark among the rows, each followed by one of its ratios."""
    found = []
    for bench, columns in COLUMNS.items():
        own = [row for row in rows if row.bench == bench and not row.left_out]
        for chosen, shown in (
            ([row for row in own if row.ratio is None], columns),
            ([row for row in own if row.ratio is not None], INDEX_RATIOS if bench == "index" else RATIOS),
        ):
            if chosen:
                head = [column.head for column in shown]
                found.append(Table([head, *([column.cell(row) for column in shown] for row in chosen)]))
    return found


def left_out(rows: Sequence[Row]) -> list[str]:
    """Why rows have no figures, each reason once."""
    return list(dict.fromkeys(row.left_out for row in rows if row.left_out))
