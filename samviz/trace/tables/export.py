"""A table of a trace as a file for other tools: Parquet or CSV, a block of steps at a time."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from samviz.errors import ConfigError, TraceError
from samviz.new_file import new_file
from samviz.trace.opened import Opened
from samviz.trace.tables.extras import extra
from samviz.trace.tables.trace_table import TableName, TraceTable
from samviz.wording import first_line, printable

COMPRESSION = "zstd"


class Exported(NamedTuple):
    """What was written; fewer steps than wanted where a stop was asked for, and then there is no file."""

    steps: int
    rows: int


class _Stopped(Exception):  # noqa: N818  # no error
    """Leaves the file that is being written."""


def export_table(
    trace: Opened,
    path: Path,
    table: TableName = "accesses",
    *,
    overwrite: bool = False,
    report: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    **rows: Any,
) -> Exported:
    """Write those rows (see TraceTable) to NAME.parquet or NAME.csv, whole or not at all.

    Parquet is compressed with zstd, a row group a block of steps; its schema says which trace it is made of.
    CSV has a header line. An unknown loss is null. `report` is told of the steps of each block once written.

    Raises:
        ConfigError: the suffix or an argument does not fit, or pyarrow is missing.
        TraceError: the trace is damaged, or the file exists or cannot be written.
    """
    format_of(path)
    wanted = TraceTable(trace, table, **rows)
    steps = count = 0
    try:
        with _whole(path, trace.path, overwrite) as file, _writer(path, file, wanted.schema) as writer:
            for first, last in wanted.blocks():
                batch = wanted.record_batch(first, last)
                writer.write_batch(batch)
                steps, count = steps + last - first, count + batch.num_rows
                report(last - first)
                if stopped() and last < wanted.stop:
                    raise _Stopped
    except _Stopped:
        pass
    return Exported(steps, count)


def format_of(path: Path) -> str:
    """Parquet or csv, by the suffix. Raises ConfigError where it is another."""
    suffix = path.suffix.lower()
    if suffix not in (".parquet", ".csv"):
        found = suffix or "no ending"
        raise ConfigError(f"{path}: expected a name ending in .parquet or .csv, found {found}")
    return suffix[1:]


@contextmanager
def _whole(path: Path, source: Path, overwrite: bool) -> Iterator[BinaryIO]:
    """The open file, which is there once the block has ended well, and else never."""
    try:
        with new_file(path, overwrite=overwrite, sources=[source]) as made, made.part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        why = f"cannot be written ({first_line(error)}); make room there or choose another place"
        raise TraceError(printable(f"{path}: {why}")) from error


def _writer(path: Path, file: BinaryIO, schema: Any) -> Any:
    """A context manager with a method `write_batch`."""
    if format_of(path) == "csv":
        (csv,) = extra("pyarrow.csv", purpose="a CSV file")
        return csv.CSVWriter(file, schema)
    (parquet,) = extra("pyarrow.parquet", purpose="a Parquet file")
    return parquet.ParquetWriter(file, schema, compression=COMPRESSION)
