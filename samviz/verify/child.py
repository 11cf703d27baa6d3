"""Verify in a process of its own: a file that crashes or hangs its reader takes that one along, not yours.

Run as `python -m samviz.verify.child SETTINGS PATH`: JSON lines on stdout, progress first, the report last.
"""

import json
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Timer
from typing import IO

from samviz.errors import ConfigError, SamvizError, TraceError
from samviz.verify.report import Check, Report
from samviz.verify.verification import Stage, verify

CPU_GRACE_S = 5
LEAST_MEMORY = 2**30
MOST_TIME_S = 10**6
MODULE = ("-m", "samviz.verify.child")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a verification may take. memory: bytes of address space; time_s: seconds of wall clock."""

    memory: int = 8 * 2**30
    time_s: float = 3600.0


def verify_apart(
    path: Path, *, equations: bool = True, limits: Limits | None = None, report: Stage = lambda *_: None
) -> Report:
    """As `verify`, in a child process under limits. A child that crashes is a check that failed.

    Raises:
        ConfigError: a limit in which nothing runs, or none at all.
        TraceError: the file cannot be opened as a trace, or it took more than the limits allow.
    """
    limits = limits or Limits()
    if not 0 < limits.time_s <= MOST_TIME_S:
        raise ConfigError(f"time limit: expected at most {MOST_TIME_S:,} seconds, found {limits.time_s:g}")
    if limits.memory < LEAST_MEMORY:
        raise ConfigError(
            f"memory limit: expected at least {LEAST_MEMORY:,} bytes, found {limits.memory:,}; "
            "the libraries alone take about as much"
        )
    settings = json.dumps(asdict(limits) | {"equations": equations})
    command = [sys.executable, *MODULE, settings]
    overdue = Event()
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, str(path)], text=True, **pipe) as child:  # type: ignore[call-overload]

        def end() -> None:
            overdue.set()
            child.kill()

        late = Timer(limits.time_s, end)
        late.start()
        try:
            told = _listen(child.stdout, report)
            child.wait()
        finally:
            late.cancel()
            child.kill()
    if "report" in told:
        return Report.from_json(told["report"])
    if "refused" in told:
        raise TraceError(told["refused"])
    return _without_report(path, child.returncode, limits, overdue.is_set())


def _listen(lines: IO[str], report: Stage) -> dict[str, str]:
    """Pass progress on; what the last line says."""
    for line in lines:
        with suppress(ValueError):
            told = json.loads(line)
            if "stage" not in told:
                return told  # type: ignore[no-any-return]
            report(told["stage"], told["done"], told["total"])
    return {}


def _without_report(path: Path, code: int, limits: Limits, overdue: bool) -> Report:
    if overdue:
        raise TraceError(
            f"{path}: expected to be verified within {limits.time_s:g} s, took longer; "
            "allow more with --time-limit"
        )
    if -code in (signal.SIGKILL, signal.SIGXCPU):
        raise TraceError(
            f"{path}: expected a report, verification was ended from outside (signal {-code}); "
            "the machine may lack memory: try --no-equations"
        )
    if code < 0:
        detail = f"reading the file killed the reader (signal {-code}): do not open it elsewhere"
        return Report.of(str(path), [Check("reading", "failed", detail)])
    raise TraceError(f"{path}: expected a report, verification ended with exit code {code}; please report it")


def main(arguments: list[str]) -> None:
    """The child: limit itself, verify, say what was found."""
    settings = json.loads(arguments[0])
    _confine(int(settings["memory"]), float(settings["time_s"]))
    try:
        found = verify(arguments[1], equations=bool(settings["equations"]), report=_progress())
        _say({"report": found.json()})
    except SamvizError as error:
        _say({"refused": str(error)})
    except MemoryError:
        allowed = f"{settings['memory']:,} bytes of memory"
        advice = "took more; allow more with --memory-limit"
        _say({"refused": f"{arguments[1]}: expected to be verified within {allowed}, {advice}"})


def _progress() -> Stage:
    said: dict[str, int] = {}

    def say(stage: str, done: int, total: int) -> None:
        percent = 100 * done // max(total, 1)
        if said.get(stage) != percent:
            said[stage] = percent
            _say({"stage": stage, "done": done, "total": total})

    return say


def _say(told: dict[str, object]) -> None:
    print(json.dumps(told), flush=True)


def _confine(memory: int, time_s: float) -> None:
    with suppress(ImportError):  # no POSIX: the parent's clock is all there is
        import resource

        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        seconds = int(time_s) + CPU_GRACE_S
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(sys.argv[1:])
