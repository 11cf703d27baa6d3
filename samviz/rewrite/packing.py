"""An archive copy: the same trace in less space, or in the place of the old one."""

import shutil
from contextlib import suppress
from pathlib import Path

from samviz.errors import TraceError
from samviz.new_file import new_file
from samviz.rewrite.pieces import kept
from samviz.rewrite.plan import Plan, plan_of
from samviz.rewrite.progress import Progress, Report, silent
from samviz.rewrite.result import Rewritten
from samviz.rewrite.source import Source, left_out, open_whole, require_same, stranger_names
from samviz.rewrite.writing import PASSES, write_new, write_verified


def repack(
    path: str | Path, new: str | Path | None = None, *, overwrite: bool = False, report: Report = silent
) -> Rewritten:
    """Copy a trace with gzip, shuffle and larger chunks; without `new` the copy takes the trace's place.

    The same uuid, status and values; a copy in another file leaves out what the format does not know. The
    copy is verified before it is given its name, so until then the trace is as it was.

    Raises:
        TraceError: the trace is being recorded or damaged, holds what its place would lose, or the copy
            cannot be written.
    """
    path = Path(path)
    with open_whole(path) as source:
        before = path.stat().st_size
        pieces = kept(source.columns, *source.columns)
        plan = plan_of(source.header, source.n_steps, source.status, pieces, packed=True)
        if new is None:
            _replace(source, plan, report)
            return Rewritten(path, plan.steps, before, path.stat().st_size)
        write_new(plan, Path(new), [path], overwrite=overwrite, report=report)
        return Rewritten(
            Path(new), plan.steps, before, Path(new).stat().st_size, notes=tuple(left_out(source))
        )


def _replace(source: Source, plan: Plan, report: Report) -> None:
    """Put the copy where the trace lies; links to it stay links to it."""
    names = stranger_names(source)
    if names:
        raise TraceError(
            f"{source.path}: expected a trace that holds nothing else, found what a packed copy leaves out "
            f"({names}); pack it into another file: samviz repack TRACE NEW"
        )
    with new_file(source.path, overwrite=True) as made:
        require_same(source)  # before the lock it could be recorded anew
        write_verified(plan, made.part, source.path, Progress(report, PASSES * plan.size))
        require_same(source)
        with suppress(OSError):
            shutil.copymode(source.path, made.part)
