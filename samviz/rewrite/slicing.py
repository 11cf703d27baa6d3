"""A range of steps or episodes as a trace of its own."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from samviz.errors import ConfigError
from samviz.rewrite.origin import with_origin
from samviz.rewrite.pieces import cut, kept
from samviz.rewrite.plan import plan_of
from samviz.rewrite.progress import Report, silent
from samviz.rewrite.result import Rewritten
from samviz.rewrite.source import left_out, open_whole
from samviz.rewrite.start import start_pieces
from samviz.rewrite.writing import write_new
from samviz.trace import Trace, open_trace
from samviz.trace.schema import START

Range = tuple[int | None, int | None]  # first, and the one after the last; None: from the first, to the last


def slice_trace(
    path: str | Path,
    new: str | Path,
    *,
    steps: Range | None = None,
    episodes: Range | None = None,
    overwrite: bool = False,
    report: Report = silent,
) -> Rewritten:
    """Copy steps [start, stop), or the episodes with numbers [start, stop), into a new trace.

    Episodes are those of the first batch element; those of others may begin or end elsewhere.

    Where it begins in the middle of an episode, /start tells what the memory held, so that the memory and
    its usage are those of the source at every step. Steps are counted from the new beginning, episodes keep
    their numbers. A new uuid; `meta` says under user.sliced which steps of which trace these are.

    Raises:
        ConfigError: not one of steps and episodes, or a range that the trace does not hold.
        TraceError: the trace is being recorded or damaged, or the new one cannot be written.
    """
    path, new = Path(path), Path(new)
    with open_whole(path) as source, open_trace(path) as trace:
        start, stop = _step_range(trace, steps, episodes)
        origin = {"uuid": trace.uuid, "steps": [start, stop]}
        meta, notes = with_origin(dict(trace.meta), "sliced", origin, otherwise=source.header.meta)
        pieces = cut(source, start, stop, shift=-start) | kept(source.columns, "model/weights")
        pieces |= start_pieces(trace, start) if start else kept(source.start, *START)
        header = replace(source.header, uuid=str(uuid4()), meta=meta)
        plan = plan_of(header, stop - start, source.status, pieces)
        write_new(plan, new, [path], overwrite=overwrite, report=report)
        notes += _lost_links(trace, start)
        notes += left_out(source)
        return Rewritten(new, plan.steps, path.stat().st_size, new.stat().st_size, notes=tuple(notes))


def _step_range(trace: Trace, steps: Range | None, episodes: Range | None) -> tuple[int, int]:
    if (steps is None) == (episodes is None):
        raise ConfigError("expected a range of steps or one of episodes, found both or neither: give one")
    if len(trace) == 0:
        raise ConfigError(f"{trace.path}: has no steps, so there is nothing to slice")
    if steps is not None:
        return _inside(trace, "steps", steps, 0, len(trace))
    assert episodes is not None
    numbers = [episode.number for episode in trace.episodes]
    first, end = _inside(trace, "episodes", episodes, numbers[0], numbers[-1] + 1)
    chosen = [episode for episode in trace.episodes if first <= episode.number < end]
    if not chosen:
        raise ConfigError(f"{trace.path}: no episode has a number from {first} to {end - 1}")
    return chosen[0].start, chosen[-1].stop


def _inside(trace: Trace, unit: str, wanted: Range, first: int, end: int) -> tuple[int, int]:
    start = first if wanted[0] is None else wanted[0]
    stop = end if wanted[1] is None else wanted[1]
    if not first <= start < stop <= end:
        raise ConfigError(
            f"{trace.path}: expected {unit} within {first}:{end} (the end is not part of it), "
            f"found {start}:{stop}"
        )
    return start, stop


def _lost_links(trace: Trace, start: int) -> list[str]:
    """The memory goes with a slice, its links do not."""
    if not trace.dimensions.links or start == 0:
        return []
    if all(trace.episode_at(start, b).start == start for b in range(trace.dimensions.batch)):
        return []
    return [
        f"{trace.path}: step {start} lies within an episode: the links made before it are not in the slice; "
        "slice by --episodes to have them"
    ]
