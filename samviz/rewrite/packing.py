"""An archive copy: the same trace in less space, or in the place of the old one."""

from pathlib import Path

from samviz.rewrite.new_file import new_content
from samviz.rewrite.pieces import kept
from samviz.rewrite.plan import plan_of
from samviz.rewrite.progress import Progress, Report, silent
from samviz.rewrite.result import Rewritten
from samviz.rewrite.source import left_out, open_whole
from samviz.rewrite.writing import PASSES, write_new, write_verified


def repack(
    path: str | Path, new: str | Path | None = None, *, overwrite: bool = False, report: Report = silent
) -> Rewritten:
    """Copy a trace with gzip, shuffle and larger chunks; without `new` the copy takes the trace's place.

    The same uuid, status and values; only what the format does not know is left out. The copy is verified
    before it is given its name, so until then the trace is as it was. Raises TraceError where the trace is
    being recorded or damaged, or the copy cannot be written.
    """
    path = Path(path)
    target = path if new is None else Path(new)
    with open_whole(path) as source:
        before = path.stat().st_size
        pieces = kept(source.columns, *source.columns)
        plan = plan_of(source.header, source.n_steps, source.status, pieces, packed=True)
        if new is None:
            with new_content(path) as part:
                write_verified(plan, part, path, Progress(report, PASSES * plan.size))
        else:
            write_new(plan, target, [path], overwrite=overwrite, report=report)
        return Rewritten(target, plan.steps, before, target.stat().st_size, notes=tuple(left_out(source)))
