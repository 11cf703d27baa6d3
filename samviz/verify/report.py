"""What a verification found: one line a check, and a verdict."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from samviz.trace import Trace

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Check:
    """One question asked of a trace. detail: what was compared, what is wrong, or why it was not asked."""

    name: str
    outcome: Outcome
    detail: str

    @property
    def line(self) -> str:
        """It as a line of text."""
        return f"{self.outcome:<8} {self.name:<22} {self.detail}"


@dataclass(frozen=True)
class Report:
    """All checks of a trace."""

    trace: str
    checks: tuple[Check, ...]

    @property
    def sound(self) -> bool:
        """Whether nothing failed."""
        return all(check.outcome != "failed" for check in self.checks)

    @property
    def verdict(self) -> str:
        """The outcome in one line."""
        count = {outcome: sum(check.outcome == outcome for check in self.checks) for outcome in OUTCOMES}
        if self.sound:
            return f"sound: {count['passed']} checks passed, {count['skipped']} skipped"
        return f"NOT SOUND: {count['failed']} of {len(self.checks)} checks failed"

    def lines(self) -> list[str]:
        """It as lines of text."""
        return [self.trace, *(check.line for check in self.checks), self.verdict]

    def json(self) -> str:
        """It as one JSON object."""
        checks = [asdict(check) for check in self.checks]
        return json.dumps(
            {"trace": self.trace, "sound": self.sound, "verdict": self.verdict, "checks": checks}
        )

    @staticmethod
    def of(trace: str, checks: Iterable[Check]) -> "Report":
        """A report of these checks."""
        return Report(trace, tuple(checks))

    @staticmethod
    def from_json(text: str) -> "Report":
        """What `json` wrote. Raises ValueError or KeyError where it is something else."""
        told = json.loads(text)
        return Report(told["trace"], tuple(Check(**check) for check in told["checks"]))


def without_path(trace: "Trace", said: object) -> str:
    """What is said of a trace, whose path stands above all checks anyway."""
    return str(said).removeprefix(f"{trace.path}: ")


OUTCOMES: tuple[Outcome, ...] = ("passed", "failed", "skipped")
