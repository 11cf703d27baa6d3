"""Open a trace and ask it things: columns, episodes, the memory and its usage at any step."""

import bisect
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from samviz.errors import ConfigError, TraceError, TraceWarning
from samviz.trace.checks import check_commit, parse_meta
from samviz.trace.episodes import Episode
from samviz.trace.hdf5.column import FAILURES, Array, Column
from samviz.trace.hdf5.lock import LOCK
from samviz.trace.loading import Known, load
from samviz.trace.memory.accesses import last_accesses
from samviz.trace.memory.entries import Access
from samviz.trace.memory.history import History, history
from samviz.trace.memory.index import Indexes
from samviz.trace.memory.replay import last_rows
from samviz.trace.memory.slot_index import SlotIndex
from samviz.trace.memory.start import start_accesses, start_slots
from samviz.trace.schema import Dimensions

if TYPE_CHECKING:
    import pandas
    import pyarrow
    import xarray

    from samviz.trace.tables.trace_table import TableName

MEMORY_BYTES = 8 * 2**30


def open_trace(path: str | Path) -> "Trace":
    """Open a trace, finished, crashed or still being written. Raises TraceError (one line) if it is none.

    Where it shows less than it once held, a TraceWarning says so; `trace.warning` goes on saying it.
    """
    trace = Trace(path)
    if trace.warning:
        warnings.warn(TraceWarning(trace.warning), stacklevel=2)
    return trace


class Trace:
    """A read-only view of the steps that were committed when it was opened; open again to see newer ones.

    Opening reads the attributes, the commit record and the episode column; everything else is read when asked
    for. A trace never changes, and threads may share it.
    """

    def __init__(self, path: str | Path, *, known: "Trace | None" = None) -> None:
        """known: the same trace when it was shorter; what was read of it need not be read again."""
        self._path = Path(path)
        loaded = load(self._path, None if known is None else known._known())
        self._file, self._header, self._status, self._dimensions = loaded[:4]
        self._n_steps, self._warning, self._columns, self._episodes = loaded[4:]
        self._indexes: Indexes = Indexes() if known is None else Indexes(known._indexes.so_far(len(known)))

    @property
    def path(self) -> Path:
        """Where the trace lies."""
        return self._path

    @property
    def uuid(self) -> str:
        """The trace's own name, whatever its file is called."""
        return self._header.uuid

    @property
    def stamp(self) -> tuple[int, int, int, int]:
        """Inode, size in bytes, and times of change of content and inode (ns), when it was opened."""
        return self._file.stamp

    @property
    def created(self) -> str:
        """When recording began, ISO 8601, UTC."""
        return self._header.created

    @property
    def version(self) -> tuple[int, int]:
        """(major, minor) of the format it was written in."""
        return self._header.version

    @property
    def status(self) -> str:
        """One of "recording" (also: killed while recording), "complete" and "stopped early"."""
        return self._status

    @property
    def warning(self) -> str | None:
        """One line where the trace shows less than it once held; None where it is whole."""
        return self._warning

    @property
    def dimensions(self) -> Dimensions:
        """The sizes of the memory, the batch and the io columns."""
        return self._dimensions

    @property
    def access_threshold(self) -> float:
        """delta: a slot counts as accessed where a head's merged weight exceeds it."""
        return self._header.access_threshold

    @property
    def last_write_erases(self) -> bool:
        """Whether each head's last write entry is the least recently accessed slot, which was erased."""
        return bool(self._header.sizes["last_write_erases"])

    @property
    def meta(self) -> Mapping[str, Any]:
        """Model, task, seed, versions and user keys; a fresh read-only copy each time."""
        return MappingProxyType(parse_meta(self._path, self._header.meta))

    @property
    def episodes(self) -> tuple[Episode, ...]:
        """The episodes of the first batch element, in order."""
        return self._episodes[0]

    def episodes_of(self, batch: int) -> tuple[Episode, ...]:
        """The episodes of a batch element, in order."""
        self._check_batch(batch)
        return self._episodes[batch]

    def episode_at(self, t: int, batch: int = 0) -> Episode:
        """The episode that step t belongs to."""
        self._check_step(t, batch)
        episodes = self._episodes[batch]
        return episodes[bisect.bisect_right(episodes, t, key=lambda episode: episode.start) - 1]

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of the columns present, like "read/slot"."""
        return tuple(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __getitem__(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            present = ", ".join(self._columns)
            raise ConfigError(f"{self._path}: no column {name!r} here; it has {present}") from None

    def __len__(self) -> int:
        return self._n_steps

    def __bool__(self) -> bool:
        return True

    def memory(self, t: int, slots: npt.ArrayLike | None = None, batch: int = 0) -> npt.NDArray[np.float32]:
        """Rows of the memory at the end of step t: [N, W] float32, or [n, W] for the n `slots` asked for.

        The memory starts afresh (zero) with each episode; the first one from /start where the trace has it.
        """
        episode = self.episode_at(t, batch)
        wanted, inverse = self._wanted(slots)
        size = len(wanted) * self._dimensions.word_size * 4
        if size > MEMORY_BYTES:
            raise ConfigError(
                f"{self._path}: the memory at a step is {size:,} bytes; ask for some slots only"
            )
        rows, missing = last_rows(self, (episode.start, t + 1), wanted, batch)
        if episode.start == 0 and "start/slot" in self and missing.any():
            rows[missing] = self.start_memory(wanted[missing], batch)
        return rows if slots is None else rows[inverse]

    def start_memory(self, slots: npt.ArrayLike, batch: int = 0) -> npt.NDArray[np.float32]:
        """What `slots` held before the first recorded step: [n, W] float32, zero unless /start tells."""
        wanted, inverse = self._wanted(slots)
        rows = np.zeros((len(wanted), self._dimensions.word_size), np.float32)
        if "start/slot" in self and len(wanted):
            at, slot = self._start(batch)
            place = np.searchsorted(wanted, slot).clip(max=len(wanted) - 1)
            told = wanted[place] == slot
            rows[place[told]] = self["start/row"][at[told]]
        return rows[inverse]

    def usage(self, t: int, batch: int = 0) -> npt.NDArray[np.int64]:
        """The step at which each slot was last accessed, at the end of step t: [N] int64, -1 never.

        Accessed means that the weights of one head at the slot, its reads or its writes added up, exceeded
        `access_threshold`. Where /start tells of accesses before the recording, -1 - n is n steps before its
        first step, and -1 may also be an access that is not known.
        """
        episode = self.episode_at(t, batch)
        accessed = last_accesses(self, (episode.start, t + 1), batch)
        if episode.start > 0:
            return accessed
        return np.where(accessed < 0, self.start_usage(batch), accessed)

    def start_usage(self, batch: int = 0) -> npt.NDArray[np.int64]:
        """The last access of each slot before the first recorded step: [N] int64.

        -1 - n is n steps before it, so -2 the step just before; -1 is never or not known.
        """
        before = np.full(self._dimensions.slots, -1, np.int64)
        if "start/slot" in self:
            at, slot = self._start(batch)
            before[slot] = start_accesses(self._path, self["start/last_access"], at)
        return before

    def start_slots(self, batch: int = 0) -> npt.NDArray[np.int64]:
        """The slots that /start tells of, in the order of its rows: [n] int64; none without /start."""
        self._check_batch(batch)
        if "start/slot" not in self:
            return np.zeros(0, np.int64)
        place, slot = self._start(batch)
        return slot[np.argsort(place)]

    def history(self, slot: int, batch: int = 0) -> History:
        """Every erasure, write and read of a slot: arrays of steps, heads, kinds and weights, in order.

        The weight of an erasure is 1, as in the table of all accesses.
        The first question builds an index of the trace (see `index`). Raises ConfigError for a slot or batch
        element that is not there.
        """
        self._check_batch(batch)
        if not 0 <= slot < self._dimensions.slots:
            raise ConfigError(f"{self._path}: no slot {slot}; it has slots 0 to {self._dimensions.slots - 1}")
        return history(self, slot, batch)

    def index(self, kind: Access, batch: int = 0) -> SlotIndex:
        """The entries of the reads or writes sorted by slot; built once, that of a long trace on disk.

        Raises ConfigError for a batch element that is not there, TraceError where the trace is damaged.
        """
        self._check_batch(batch)
        return self._indexes.get(self, kind, batch)

    def has_index(self, kind: Access, batch: int = 0) -> bool:
        """Whether `index` would cost nothing, as it was asked for before."""
        return self._indexes.built(kind, batch) is not None

    def to_pandas(self, table: "TableName" = "accesses", **rows: Any) -> "pandas.DataFrame":
        """All accesses as one table: step, episode, head, kind (read, write, erase), slot, weight, batch.

        Or with table="steps" a row for each step: step, episode, loss, mask, gates of each head, batch.
        rows: start, stop (steps), batch, min_weight; see samviz.trace.tables.trace_table.TraceTable.
        """
        from samviz.trace.tables import trace_table

        return trace_table.to_pandas(self, table, **rows)

    def to_arrow(self, table: "TableName" = "accesses", **rows: Any) -> "pyarrow.Table":
        """The same as a pyarrow Table, `kind` as a dictionary column."""
        from samviz.trace.tables import trace_table

        return trace_table.to_arrow(self, table, **rows)

    def to_batches(self, table: "TableName" = "accesses", **rows: Any) -> "Iterator[pyarrow.RecordBatch]":
        """The same as pyarrow RecordBatches, one block of steps after the other, for tables of any length."""
        from samviz.trace.tables import trace_table

        return iter(trace_table.TraceTable(self, table, **rows))

    def to_xarray(self, datasets: Sequence[str] | None = None, **cut: Any) -> "xarray.Dataset":
        """Per-step columns (those named, or all) with named dimensions: "read/slot" becomes read_slot.

        cut: start, stop (steps), max_bytes; see samviz.trace.tables.labelled.to_xarray.
        """
        from samviz.trace.tables import labelled

        return labelled.to_xarray(self, datasets, **cut)

    def refresh(self) -> "Trace":
        """The trace as it is now: this one where nothing came to it, else a new and longer one.

        This one stays as it is, and open; close it when nobody uses it any more.
        Raises TraceError where another trace took its place, or the file is damaged.
        """
        if self._status != "recording" or self._is_as_opened():
            return self
        newer = Trace(self._path, known=self)
        if newer.uuid == self.uuid and len(newer) >= len(self):
            return newer
        newer.close()
        raise TraceError(
            f"{self._path}: expected more of trace {self.uuid}, found another one; open it again"
        )

    def _known(self) -> Known:
        return Known(self.uuid, self._episodes)

    def _is_as_opened(self) -> bool:
        """Whether the path still names this file, and its commit record says what it said."""
        with LOCK:
            try:
                commit = check_commit(self._file, self._path)
                return self._file.is_at(self._path) and commit == (self._n_steps, self._status)
            except FAILURES:
                return False

    def close(self) -> None:
        """Close the file; columns can no longer be read."""
        with LOCK:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        from samviz.trace.summary import short

        return short(self)

    def _repr_html_(self) -> str:
        from samviz.trace.summary import html_table

        return html_table(self)

    def _wanted(self, slots: npt.ArrayLike | None) -> tuple[Array, Array]:
        """Unique slots, and the place of each slot asked for among them."""
        total = self._dimensions.slots
        if slots is None:
            every = np.arange(total)
            return every, every
        asked = np.atleast_1d(np.asarray(slots))
        if asked.size == 0:
            asked = asked.astype(np.int64)
        if asked.ndim != 1 or asked.dtype.kind not in "iu":
            raise ConfigError(f"slots: expected integers [n], found {asked.dtype.name} {list(asked.shape)}")
        if asked.size and (asked.min() < 0 or asked.max() >= total):
            raise ConfigError(f"slots: expected 0 to {total - 1}, found {asked.min()} to {asked.max()}")
        wanted, inverse = np.unique(asked, return_inverse=True)
        return wanted, inverse

    def _start(self, batch: int) -> tuple[Array, Array]:
        """(places in /start, slots) of what the batch element's memory held at the start, by slot."""
        sizes = (self._dimensions.batch, self._dimensions.slots)
        told = start_slots(self._path, self["start/batch"], self["start/slot"], sizes, batch)
        return told[:, 0], told[:, 1]

    def _check_step(self, t: int, batch: int) -> None:
        if not 0 <= t < self._n_steps:
            raise ConfigError(
                f"{self._path}: no step {t}; the trace holds {self._n_steps} steps, counted from 0"
            )
        self._check_batch(batch)

    def _check_batch(self, batch: int) -> None:
        if not 0 <= batch < self._dimensions.batch:
            raise ConfigError(
                f"{self._path}: no batch element {batch}; the trace holds {self._dimensions.batch}"
            )
