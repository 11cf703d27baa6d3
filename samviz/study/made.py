"""What a study found, with where and how it was made, as a JSON file beside the page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from samviz.bench.machine import Machine, this_machine
from samviz.errors import ConfigError


class Made(NamedTuple):
    """The results of a study."""

    command: str
    machine: str  # date, processor, threads, versions in one line
    rows: list[dict[str, Any]]


def make(command: str, rows: Sequence[Any]) -> Made:
    """Results of today on this machine; the rows are named tuples."""
    return Made(command, _summary(this_machine(1, "wall", "fresh")), [row._asdict() for row in rows])


def write_made(path: Path, made: Made) -> None:
    """Write results, a row a line.

    Raises:
        ConfigError: the disk refused.
    """
    rows = ",\n".join(json.dumps(row) for row in made.rows)
    head = json.dumps({"command": made.command, "machine": made.machine}, indent=1)[:-2]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{head},\n "rows": [\n{rows}\n]}}\n')
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror})") from None


def read_made(path: Path) -> Made:
    """Results that were written.

    Raises:
        ConfigError: no such file, or something else.
    """
    try:
        found = json.loads(path.read_text())
        return Made(str(found["command"]), str(found["machine"]), list(found["rows"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: expected the results of a study, found none ({error})") from None


def _summary(machine: Machine) -> str:
    named = ", ".join(f"{name} {machine.versions[name]}" for name in ("samviz", "torch"))
    return f"{machine.date}, {machine.processor}, {machine.cores} cores, one process a core, {named}"
