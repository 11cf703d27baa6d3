"""A trace as tidy tables, built a block of steps at a time: Arrow record batches, an Arrow table, pandas."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from samviz.errors import ConfigError
from samviz.trace.hdf5.column import Array
from samviz.trace.opened import Opened
from samviz.trace.tables.access_rows import KINDS, access_rows, most_rows
from samviz.trace.tables.extras import extra
from samviz.trace.tables.selection import batch_cut, step_range
from samviz.trace.tables.step_rows import step_rows

if TYPE_CHECKING:
    import pandas
    import pyarrow


TableName = Literal["accesses", "steps"]

BLOCK_ROWS = 2**18
TABLE_BYTES = 8 * 2**30


class TraceTable:
    """Some rows of a table of a trace; iterating gives them as Arrow record batches, oldest steps first.

    table: "accesses" (a row for each slot that a head read, wrote or erased: columns step, episode, head,
    kind, slot, weight, batch; see access_rows.py) or "steps" (a row for each step and batch element: step,
    episode, then loss, mask, train_step and each head's gates where the trace holds them, batch).
    start, stop: steps [start, stop) only. batch: that batch element only.
    min_weight: accesses of at least that weight only.
    A record batch has at most BLOCK_ROWS rows, or those of one step, so memory stays bounded.
    Raises ConfigError where an argument does not fit or pyarrow is missing, TraceError where the file is
    damaged.
    """

    def __init__(
        self,
        trace: Opened,
        table: TableName = "accesses",
        *,
        start: int = 0,
        stop: int | None = None,
        batch: int | None = None,
        min_weight: float | None = None,
    ) -> None:
        if table not in get_args(TableName):
            raise ConfigError(f'table: expected "accesses" or "steps", found {table!r}')
        if min_weight is not None and table == "steps":
            raise ConfigError('min_weight: expected none, as the table "steps" has no weights; leave it out')
        if min_weight is not None and not abs(min_weight) <= float(np.finfo(np.float32).max):
            raise ConfigError(
                f"min_weight: expected a finite number, found {min_weight}; "
                "weights are numbers of 4 bytes, up to 3.4e+38"
            )
        self._trace = trace
        self._table = table
        self.start, self.stop = step_range(trace, start, stop)
        self._batch = batch_cut(trace, batch)
        self._min_weight = min_weight
        (self._arrow,) = extra("pyarrow", purpose="a table of a trace")
        self.schema: pyarrow.Schema = self._empty_schema()

    def blocks(self) -> Iterator[tuple[int, int]]:
        """Cut the steps into blocks [start, stop) of one record batch each, along the chunks of the file."""
        elements = self._batch.stop - self._batch.start
        rows = elements * (most_rows(self._trace) if self._table == "accesses" else 1)
        length = 2 ** max(0, (BLOCK_ROWS // rows).bit_length() - 1)
        first = self.start
        while first < self.stop:
            last = min(self.stop, first - first % length + length)
            yield first, last
            first = last

    def record_batch(self, start: int, stop: int) -> "pyarrow.RecordBatch":
        """The rows of steps [start, stop)."""
        columns = self._columns(start, stop)
        arrays = [self._array(name, values) for name, values in columns.items()]
        return self._arrow.RecordBatch.from_arrays(arrays, schema=self.schema)

    def __iter__(self) -> "Iterator[pyarrow.RecordBatch]":
        return (self.record_batch(start, stop) for start, stop in self.blocks())

    def _columns(self, start: int, stop: int) -> dict[str, Array]:
        if self._table == "accesses":
            return access_rows(self._trace, start, stop, self._batch, self._min_weight)
        return step_rows(self._trace, start, stop, self._batch)

    def _array(self, name: str, values: Array) -> Any:
        if name == "kind":
            return self._arrow.DictionaryArray.from_arrays(self._arrow.array(values), list(KINDS))
        return self._arrow.array(values, from_pandas=name == "loss")  # which makes NaN, unknown, null

    def _empty_schema(self) -> Any:
        """The columns and their types, and which trace they come from."""
        trace = self._trace
        facts = {
            "table": self._table,
            "steps": f"{self.start}:{self.stop}",
            "uuid": trace.uuid,
            "slots": trace.dimensions.slots,
            "access_threshold": np.float32(trace.access_threshold),
            "last_write_erases": int(trace.last_write_erases),
        }
        columns = self._columns(self.start, self.start)
        fields = [(name, self._array(name, values).type) for name, values in columns.items()]
        metadata = {f"samviz.{name}": str(fact) for name, fact in facts.items()}
        return self._arrow.schema(fields, metadata=metadata)


def to_arrow(trace: Opened, table: TableName = "accesses", **rows: Any) -> "pyarrow.Table":
    """Those rows (see TraceTable) as one Arrow table. Raises ConfigError where it exceeds 8 GiB, too."""
    wanted = TraceTable(trace, table, **rows)
    batches, size = [], 0
    for start, stop in wanted.blocks():
        batches.append(wanted.record_batch(start, stop))
        size += batches[-1].nbytes
        if size > TABLE_BYTES:
            raise ConfigError(
                f"{trace.path}: expected a table of at most {TABLE_BYTES:,} bytes, found more at step "
                f"{stop - 1}; ask for fewer steps (start, stop), go through to_batches(), "
                "or write a file: samviz export"
            )
    if not batches:  # which would know no categories
        batches = [wanted.record_batch(wanted.start, wanted.start)]
    (arrow,) = extra("pyarrow", purpose="to_arrow()")
    return arrow.Table.from_batches(batches, schema=wanted.schema)


def to_pandas(trace: Opened, table: TableName = "accesses", **rows: Any) -> "pandas.DataFrame":
    """Likewise as a pandas DataFrame, `kind` as a categorical."""
    extra("pandas", purpose="to_pandas()")
    return to_arrow(trace, table, **rows).to_pandas(split_blocks=True, self_destruct=True)
