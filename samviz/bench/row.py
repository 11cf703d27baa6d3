"""One measured figure, and the files in which figures are kept."""

import json
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple, Self

from samviz.bench.machine import Machine
from samviz.errors import ConfigError

FORWARD, BOTH = "forward", "forward+backward"  # phases of a pass; the second includes the first


def subject_name(model: str, index: str) -> str:
    """A model and, where it has one, its index."""
    return f"{model} ({index})" if index else model


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of one subject at one size. What does not apply keeps its default and is not written.

    Times are medians over `repeats`, by the clock of the run; a row with `left_out` says why it has none.
    """

    bench: str  # speed, memory, index, links, record, trace
    model: str  # a name of the registry, or a class of the package dnc: dnc.SAM; of trace: which trace
    slots: int  # N
    batch: int = 1  # B
    index: str = ""
    steps: int = 0  # T of a window
    phase: str = ""
    repeats: int = 0
    us_per_step: float | None = None
    us_min: float | None = None
    us_max: float | None = None
    wall_us_per_step: float | None = None
    bound_us: float | None = None  # what it may take
    setup_s: float | None = None  # model, words, state and index, before anything is timed
    bytes: int | None = None  # at the peak, above what exists once per slot
    counted_steps: int = (
        0  # where not all steps fit: bytes grow evenly with steps, and were told from so many
    )
    once: dict[str, int] | None = None  # bytes of what exists once per slot, by name
    words: str = ""  # what the memory holds
    recall: float | None = None  # share of the true K nearest that was found
    hit: float | None = None  # how often the nearest of all was found
    scanned: float | None = None  # words that each query was compared with
    update_us: float | None = None  # of the rows that a step changes
    against: str = ""  # a row with a ratio: how many times as much `against` needs
    ratio: float | None = None
    against_recall: float | None = None  # what `against` found in that time
    update_ratio: float | None = None  # the same of updates
    left_out: str = ""

    @property
    def subject(self) -> str:
        """The model and, where it has one, its index."""
        return subject_name(self.model, self.index)

    @property
    def total_bytes(self) -> int | None:
        """Peak together with what exists once per slot."""
        return None if self.bytes is None else self.bytes + sum((self.once or {}).values())

    def as_dict(self) -> dict[str, Any]:
        """What was measured, as plain values."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.default is MISSING or getattr(self, field.name) != field.default
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The row back from `as_dict`.

        Raises:
            ConfigError: no row, or a name that no row has.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"expected a row of a benchmark: {error}") from None


class Report(NamedTuple):
    """Rows and where they were measured."""

    machine: Machine | None
    rows: list[Row]


def rows_json(rows: Iterable[Row]) -> str:
    """The rows as a JSON list, one row a line."""
    return "[\n" + ",\n".join(json.dumps(row.as_dict()) for row in rows) + "\n]"


def write_report(path: Path, report: Report) -> None:
    """Write a file that `read_report` reads.

    Raises:
        ConfigError: the file exists and is something else, or cannot be written.
    """
    require_replaceable(path)
    machine = json.dumps(report.machine._asdict() if report.machine else None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"machine": {machine},\n"rows": {rows_json(report.rows)}}}\n', encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def require_replaceable(path: Path) -> None:
    """Raise ConfigError if there is a file that holds no benchmark."""
    if path.exists():
        read_report(path)


def read_report(path: Path) -> Report:
    """The rows of a file: what `--out` wrote, or the list that `--json` printed.

    Raises:
        ConfigError: nothing there, or something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: expected a file of benchmark rows ({error.strerror})") from None
    except ValueError:
        raise ConfigError(f"{path}: expected benchmark rows as JSON, found something else") from None
    if isinstance(found, list):
        found = {"machine": None, "rows": found}
    try:
        machine = Machine(**found["machine"]) if found["machine"] else None
        return Report(machine, [Row.from_dict(values) for values in found["rows"]])
    except (KeyError, TypeError, ConfigError):
        raise ConfigError(f"{path}: expected benchmark rows, found other JSON") from None
