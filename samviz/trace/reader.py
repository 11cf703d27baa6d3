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
from samviz.trace.accesses import last_accesses
from samviz.trace.checks import check_commit, check_datasets, check_header, dimensions, parse_meta
from samviz.trace.column import FAILURES, LOCK, Array, Column
from samviz.trace.entries import Access
from samviz.trace.episodes import Episode, Episodes, find_episodes
from samviz.trace.history import History, history
from samviz.trace.index import Indexes, SlotIndex
from samviz.trace.opening import damaged, open_file
from samviz.trace.replay import last_rows
from samviz.trace.safety import check_file
from samviz.trace.schema import CHECK, DATASETS, Dimensions
from samviz.trace.start import start_accesses, start_slots
from samviz.trace.tail import left_unread, readable_steps
from samviz.trace.true_rows import count_true_rows

if TYPE_CHECKING:
    import pandas
    import pyarrow
    import xarray

    from samviz.trace.tables import TableName

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
        self._indexes: Indexes = Indexes() if known is None else Indexes(known._indexes.so_far(len(known)))
        self._episodes: Episodes = ()
        self._warning: str | None = None
        check_file(self._path)
        self._file = open_file(self._path)
        try:
            with LOCK:
                self._load(known)
        except BaseException as error:
            self._file.close()
            if isinstance(error, FAILURES):
                raise damaged(self._path, error, self._file) from error
            raise

    def _load(self, known: "Trace | None") -> None:
        self._header = check_header(self._file, self._path)
        n_steps, self._status = check_commit(self._file, self._path)
        datasets = check_datasets(self._file, self._path, self._header, n_steps)
        self._file.remember(self._header.uuid)
        self._dimensions = dimensions(self._header.sizes, datasets)
        held = {name: len(dataset) for name, dataset in datasets.items()}
        columns = {
            name: Column(
                self._file, dataset, name, self._path, n_steps if DATASETS[name].per_step else held[name]
            )
            for name, dataset in datasets.items()
        }
        del datasets  # a live file's must not stay open
        self._n_steps, self._warning = self._shown(columns, n_steps, held)
        self._columns = {
            name: column.first(self._n_steps) if DATASETS[name].per_step else column
            for name, column in columns.items()
        }
        if "check/step" in self._columns:
            self._columns |= self._true_rows()
        shorter: Episodes = known._episodes if known is not None and known.uuid == self.uuid else ()
        self._episodes = find_episodes(self._path, self._columns["episode"], shorter)

    def _shown(
        self, columns: dict[str, Column], n_steps: int, held: dict[str, int]
    ) -> tuple[int, str | None]:
        """The steps to show, and a warning where there were more once.

        Only a recording that did not end well may have a damaged end; elsewhere that is an error when read.
        """
        per_step = {name: column for name, column in columns.items() if DATASETS[name].per_step}
        if self._status == "complete":
            return n_steps, left_unread(self._path, per_step, n_steps, held)
        return readable_steps(self._path, per_step, n_steps)

    def _true_rows(self) -> dict[str, Column]:
        """The columns of /check, as far as they belong to committed steps."""
        columns = {name: self._columns[name] for name in CHECK}
        whole = count_true_rows(columns, self._n_steps, complete=self._status == "complete")
        return {name: column.first(whole) for name, column in columns.items()}

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
        rows: start, stop (steps), batch, min_weight; see samviz.trace.tables.TraceTable.
        """
        from samviz.trace import tables

        return tables.to_pandas(self, table, **rows)

    def to_arrow(self, table: "TableName" = "accesses", **rows: Any) -> "pyarrow.Table":
        """The same as a pyarrow Table, `kind` as a dictionary column."""
        from samviz.trace import tables

        return tables.to_arrow(self, table, **rows)

    def to_batches(self, table: "TableName" = "accesses", **rows: Any) -> "Iterator[pyarrow.RecordBatch]":
        """The same as pyarrow RecordBatches, one block of steps after the other, for tables of any length."""
        from samviz.trace import tables

        return iter(tables.TraceTable(self, table, **rows))

    def to_xarray(self, datasets: Sequence[str] | None = None, **cut: Any) -> "xarray.Dataset":
        """Per-step columns (those named, or all) with named dimensions: "read/slot" becomes read_slot.

        cut: start, stop (steps), max_bytes; see samviz.trace.labelled.to_xarray.
        """
        from samviz.trace import labelled

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
