"""A whole trace out of one whose writer was killed, or whose data are damaged from some step on."""

from contextlib import ExitStack
from pathlib import Path

from samviz.errors import TraceError
from samviz.new_file import new_file
from samviz.rewrite.damage import Damage, column_bytes, find_damage
from samviz.rewrite.pieces import cut, kept
from samviz.rewrite.plan import Plan, plan_of
from samviz.rewrite.progress import Progress, Report, silent
from samviz.rewrite.result import Rewritten
from samviz.rewrite.source import Source, left_out, open_source, refuse_live
from samviz.rewrite.writing import PASSES, write_verified
from samviz.trace.schema import START, STATUS
from samviz.wording import first_line


def repair(
    path: str | Path, new: str | Path, *, overwrite: bool = False, report: Report = silent
) -> Rewritten:
    """Copy the steps that were committed and can be read into a new file, which says that it stopped early.

    Every dataset is cut before the first step that one of them has lost. The checkpoint and /check are left
    out where they cannot be read. A trace that says it is complete, and has lost nothing but its proper end,
    stays complete.

    Raises:
        TraceError: the trace is being recorded, has nothing wrong with it or cannot be repaired, or the copy
            cannot be written.
    """
    path, new = Path(path), Path(new)
    refuse_live(path)
    with ExitStack() as opened:
        source = _open(path, opened)
        made = opened.enter_context(new_file(new, sources=[path], overwrite=overwrite))
        size = sum(map(column_bytes, source.columns.values()))
        progress = Progress(report, (1 + PASSES) * size)
        damage = find_damage(source, progress)
        _require_use(source, damage)
        plan = _plan(source, damage)
        write_verified(plan, made.part, new, progress)
    lost = source.most_steps - damage.steps
    told = f"lost the last {lost:,} of {source.most_steps:,} steps" if lost else "kept them all"
    notes = [f"{path}: {told}: {damage.reason}"] if damage.reason else []
    notes += [f"{path}: left out /{name}, which is damaged" for name in damage.unread]
    notes += left_out(source)
    return Rewritten(
        new, damage.steps, path.stat().st_size, new.stat().st_size, lost=lost, notes=tuple(notes)
    )


def _open(path: Path, opened: ExitStack) -> Source:
    try:
        return opened.enter_context(open_source(path, recount=True))
    except TraceError as error:
        if error.__cause__ is None:  # the file can be read, but is no such trace
            raise
        why = first_line(error.__cause__)
        raise TraceError(
            f"{path}: cannot be repaired: HDF5 cannot open it ({why[:200]}); restore it or record it again"
        ) from error


def _require_use(source: Source, damage: Damage) -> None:
    """Refuse a trace that needs no repair, and one of which nothing right would be left."""
    if STATUS[source.status] != "recording" and not (damage.reason or damage.unread or source.opened_live):
        raise TraceError(
            f"{source.path}: expected a damaged trace or one whose writer was killed, found nothing wrong "
            f"with its {source.n_steps:,} steps; use it as it is"
        )
    if damage.steps == 0:
        why = damage.reason or "its writer was killed before it had committed one"
        raise TraceError(
            f"{source.path}: cannot be repaired: no step can be kept ({why}); restore it or record it again"
        )
    missing = [name for name in damage.unread if name.startswith("start/")]
    if missing:
        raise TraceError(
            f"{source.path}: cannot be repaired: /{missing[0]}, without which the memory would be wrong, is "
            "damaged; restore it or record it again"
        )


def _plan(source: Source, damage: Damage) -> Plan:
    columns = {name: column for name, column in source.columns.items() if name not in damage.unread}
    pieces = cut(source._replace(columns=columns), 0, damage.steps)
    pieces |= kept(columns, "model/weights", *START)
    whole = STATUS[source.status] == "complete" and damage.steps == source.most_steps
    status = STATUS.index("complete" if whole else "stopped early")
    return plan_of(source.header, damage.steps, status, pieces)
