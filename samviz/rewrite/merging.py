"""Several traces of the same kind as one, each behind the one before."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from samviz.errors import ConfigError, TraceError
from samviz.rewrite.likeness import Kind, digest, kind_of, require_alike
from samviz.rewrite.origin import Meta, shared, with_origin
from samviz.rewrite.pieces import cut, kept
from samviz.rewrite.plan import Part, Pieces, Plan, Shape, shape_of
from samviz.rewrite.progress import Report, silent
from samviz.rewrite.result import Rewritten
from samviz.rewrite.source import Source, left_out, open_source, open_whole
from samviz.rewrite.writing import write_new
from samviz.trace.checks import parse_meta
from samviz.trace.hdf5.column import Array
from samviz.trace.schema import START, STATUS

MOST = 2**31 - 1  # steps and episodes are 4 byte numbers
TOLD_SOURCES = 100
WEIGHTS = "model/weights"
COMPLETE = STATUS.index("complete")

Select = Callable[[Source], Pieces]


def merge(
    new: str | Path, paths: Sequence[str | Path], *, overwrite: bool = False, report: Report = silent
) -> Rewritten:
    """Put traces one behind the other; at each seam a new episode begins and the memory starts afresh.

    Steps, and what is counted in steps, go on from trace to trace; so do the numbers of episodes, which stay
    as they are where they are higher already. The checkpoint and the keys of `meta` are kept where they are
    the same in all traces. A new uuid; `meta` says under user.merged which traces these were.

    Raises:
        ConfigError: fewer than two traces, or too many steps.
        TraceError: a trace differs from the first in its sizes or datasets, is being recorded or damaged,
            or does not start with a fresh memory; or the new one cannot be written.
    """
    new, sources = Path(new), [Path(path) for path in paths]
    if len(sources) < 2:
        raise ConfigError(f"expected two traces or more to merge, found {len(sources)}")
    line = _Line()
    for path in sources:
        with open_whole(path) as source:
            line.add(source)
    write_new(line.plan(), new, sources, overwrite=overwrite, report=report)
    before = sum(path.stat().st_size for path in sources)
    return Rewritten(new, line.steps, before, new.stat().st_size, notes=tuple(line.notes))


class _Line:
    """The traces so far, one behind the other: the plan of what they make."""

    def __init__(self) -> None:
        self.steps = 0
        self.notes: list[str] = []
        self._first: Source | None = None
        self._kind: Kind = {}
        self._meta: Meta = {}
        self._statuses: set[int] = set()
        self._weights: set[bytes] = set()
        self._told: list[dict[str, Any]] = []
        self._last_episode: Array | None = None
        self._shapes: dict[str, Shape] = {}
        self._parts: list[Part] = []

    def add(self, source: Source) -> None:
        """Put an open trace behind the others. Raises TraceError where it does not go there."""
        self._check(source)
        stop = self.steps + source.n_steps
        self._told.append({"uuid": source.header.uuid, "steps": [self.steps, stop]})
        self._statuses.add(source.status)
        self._weights.add(digest(source.columns.get(WEIGHTS)))
        self.notes += left_out(source)
        if source.n_steps and source.start:
            self._take(source, lambda opened: kept(opened.columns, *START))
        shift, episodes = self.steps, self._episode_shift(source)
        self._take(source, partial(cut, start=0, stop=source.n_steps, shift=shift, episodes=episodes))
        self.steps = stop

    def plan(self) -> Plan:
        """The new trace."""
        assert self._first is not None
        origin = {"traces": len(self._told), "sources": self._told[:TOLD_SOURCES]}
        meta, notes = with_origin(self._meta, "merged", origin, otherwise="{}")
        self.notes += notes
        if len(self._weights) > 1:
            self.notes.append("left out /model/weights, which are not the same in all traces")
        elif self._weights != {b""}:
            self._take(self._first, lambda opened: kept(opened.columns, WEIGHTS))
        return Plan(
            header=replace(self._first.header, uuid=str(uuid4()), meta=meta),
            steps=self.steps,
            status=STATUS.index("complete" if self._statuses == {COMPLETE} else "stopped early"),
            shapes=self._shapes,
            parts=self._parts,
        )

    def _check(self, source: Source) -> None:
        kind, meta = kind_of(source), parse_meta(source.path, source.header.meta)
        if self._first is None:
            self._first, self._kind, self._meta = source, kind, meta
        require_alike(self._first.path, self._kind, source.path, kind)
        self._meta = shared(self._meta, meta)
        if self.steps and source.start:
            raise TraceError(
                f"{source.path}: expected a trace that starts with an empty memory, found /start: it begins "
                "in the middle of an episode and can only come first"
            )
        if self.steps + source.n_steps > MOST:
            raise ConfigError(f"{source.path}: expected at most {MOST:,} steps in all; merge fewer traces")

    def _episode_shift(self, source: Source) -> int:
        """How much higher the numbers of its episodes must be to follow those before."""
        if source.n_steps == 0:
            return 0
        episode = source.columns["episode"]
        first, last = episode[0].astype(np.int64), episode[source.n_steps - 1].astype(np.int64)
        shift = 0 if self._last_episode is None else max(0, int((self._last_episode + 1 - first).max()))
        self._last_episode = last + shift
        if self._last_episode.max() > MOST:
            raise ConfigError(f"{source.path}: expected episode numbers up to {MOST:,}; merge fewer traces")
        return shift

    def _take(self, source: Source, select: Select) -> None:
        for name, piece in select(source).items():
            shape = shape_of(piece)
            before = self._shapes[name].length if name in self._shapes else 0
            self._shapes[name] = shape._replace(length=before + shape.length)
        self._parts.append(partial(_opened, source.path, source.header.uuid, source.n_steps, select))


@contextmanager
def _opened(path: Path, uuid: str, n_steps: int, select: Select) -> Iterator[Pieces]:
    """One trace at a time is open, however many there are."""
    with open_source(path) as source:
        if (source.header.uuid, source.n_steps) != (uuid, n_steps):
            raise TraceError(f"{path}: became another trace while it was read; merge again")
        yield select(source)
