"""From a plan to a trace in its place: built aside, verified, renamed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from samviz.new_file import new_file
from samviz.rewrite.copying import build, verify
from samviz.rewrite.plan import Plan
from samviz.rewrite.progress import Progress, Report
from samviz.trace.schema import INFLATION

PASSES = 2  # over all data: one to write, one to compare


def write_new(plan: Plan, path: Path, sources: Sequence[Path], *, overwrite: bool, report: Report) -> None:
    """Make the trace under a name that must be free, or may be taken by anything but one of the sources.

    Raises:
        TraceError: the place is taken, a source cannot be read, or the file cannot be written.
    """
    with new_file(path, sources=sources, overwrite=overwrite) as made:
        write_verified(plan, made.part, path, Progress(report, PASSES * plan.size))


def write_verified(plan: Plan, part: Path, path: Path, progress: Progress) -> None:
    """Build `part`, which will be `path`, sync it, and compare it with the plan value for value.

    Raises:
        TraceError: a source cannot be read, the file cannot be written or holds something else.
    """
    build(plan, part, path, progress)
    if plan.packed and plan.size > INFLATION * part.stat().st_size:  # readers refuse what inflates so much
        plan = replace(plan, packed=False)
        build(plan, part, path, progress)
    verify(plan, part, path, progress)
