"""Open a trace to make another out of it: its columns, and a refusal where it is not whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import h5py

from samviz.errors import TraceError
from samviz.trace import Trace
from samviz.trace.checks import Header, check_commit, check_datasets, check_header
from samviz.trace.hdf5.column import FAILURES, Column
from samviz.trace.hdf5.lock import LOCK
from samviz.trace.hdf5.opening import OpenFile, damaged, open_file
from samviz.trace.hdf5.safety import check_file
from samviz.trace.hdf5.true_rows import count_true_rows
from samviz.trace.schema import CHECK, DATASETS, INTEGER_ATTRIBUTES, STATUS, TEXT_ATTRIBUTES
from samviz.wording import printable
from samviz.writer_lock import is_being_written

ATTRIBUTES = {"format", "version", "access_threshold", *INTEGER_ATTRIBUTES, *TEXT_ATTRIBUTES}
SHOWN_NAMES = 5


class Source(NamedTuple):
    """An open trace. Per-step columns end at step `n_steps`.

    committed: the steps that it says are whole; n_steps differs where its datasets hold others.
    opened_live: the file opens only as one that is being written: its writer did not close it.
    strangers: names in the file that the format does not know (some, if there are many).
    """

    path: Path
    file: OpenFile
    header: Header
    committed: int
    n_steps: int
    status: int
    columns: dict[str, Column]
    opened_live: bool
    strangers: tuple[str, ...]

    @property
    def most_steps(self) -> int:
        """The steps that there should be."""
        return max(self.committed, self.n_steps)

    @property
    def start(self) -> dict[str, Column]:
        """The four columns of /start; none where the memory was empty before the first step."""
        columns = {name: column for name, column in self.columns.items() if name.startswith("start/")}
        return columns if columns and len(columns["start/slot"]) else {}


@contextmanager
def open_whole(path: Path) -> Iterator[Source]:
    """A trace whose recording has ended and that can be opened as any other.

    Raises:
        TraceError: it is none, is being recorded, or its writer was killed.
    """
    refuse_live(path)
    _require_trace(path)
    with open_source(path) as source:
        if STATUS[source.status] == "recording":
            raise TraceError(
                f"{path}: expected a trace whose recording has ended, found one whose writer was killed; "
                f"first make a whole trace of it: samviz repair {path} NEW"
            )
        yield source


@contextmanager
def open_source(path: Path, *, recount: bool = False) -> Iterator[Source]:
    """A trace as far as it can be read: the steps may be fewer than it says, and damaged.

    recount: of a finished recording take all steps that its datasets hold, whatever it says.

    Raises:
        TraceError: HDF5 cannot open it, or it does not say what a trace must say.
    """
    check_file(path)
    file = open_file(path)
    try:
        with LOCK:
            source = _load(file, path, recount)
    except TraceError:
        file.close()
        raise
    except FAILURES as error:
        file.close()
        raise damaged(path, error, file) from error
    try:
        yield source
    finally:
        with LOCK:
            file.close()


def require_same(source: Source) -> None:
    """Raises TraceError where another file, or other content, has taken the place of the open trace."""
    try:
        same = source.file.is_at(source.path) and not source.file.was_replaced()
    except OSError:  # it is gone
        same = False
    if not same:
        raise TraceError(printable(f"{source.path}: became another trace while it was read; try again"))


def refuse_live(path: Path) -> None:
    """Raises TraceError where somebody writes the trace."""
    if is_being_written(path):
        raise TraceError(printable(f"{path}: is being recorded; wait until that has ended"))


def _require_trace(path: Path) -> None:
    """Refuse what opens with a warning as well: what a copy of it lacks would be lost for good."""
    with Trace(path) as trace:
        if trace.warning:
            raise TraceError(f"{trace.warning}; or save what is there: samviz repair {path} NEW")


def _load(file: OpenFile, path: Path, recount: bool) -> Source:
    header = check_header(file, path)
    committed, status = check_commit(file, path)
    datasets = check_datasets(file, path, header, 0)  # a dataset that is too short is no reason to give up
    held = min(len(found) for name, found in datasets.items() if DATASETS[name].per_step)
    n_steps = held if recount and status == "complete" else min(held, committed)
    columns = {
        name: Column(file, found, name, path, n_steps if DATASETS[name].per_step else len(found))
        for name, found in datasets.items()
    }
    del datasets  # a file that opens only live must have none of them open
    if CHECK[0] in columns:
        checks = {name: columns[name] for name in CHECK}
        whole = count_true_rows(checks, n_steps, complete=status == "complete" and not recount)
        columns |= {name: column.first(whole) for name, column in checks.items()}
    strangers = tuple(islice(_strangers(file), SHOWN_NAMES + 1))
    return Source(
        path, file, header, committed, n_steps, STATUS.index(status), columns, bool(file.swmr_mode), strangers
    )


def _strangers(group: h5py.Group, prefix: str = "") -> Iterator[str]:
    """Names that the table does not have; those in a group that it does not have are not looked at."""
    yield from (f"attribute {name}" for name in group.attrs if prefix or name not in ATTRIBUTES)
    for name in group:
        full = prefix + name
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            kind = group.get(name, getclass=True)
            if full in DATASETS and kind is h5py.Dataset:
                yield from (f"attribute {attribute} of /{full}" for attribute in group[name].attrs)
                continue
            if kind is h5py.Group and any(known.startswith(full + "/") for known in DATASETS):
                yield from _strangers(group[name], full + "/")
                continue
        yield f"/{full}"


def left_out(source: Source) -> list[str]:
    """A line on what a copy does not hold, if there is such."""
    names = stranger_names(source)
    return [f"{source.path}: left out what the format does not know: {names}"] if names else []


def stranger_names(source: Source) -> str:
    """Some of the names that the format does not know, for a message; "" where there are none."""
    names = printable(", ".join(source.strangers[:SHOWN_NAMES]))
    more = " and more" if len(source.strangers) > SHOWN_NAMES else ""
    return names[:200] + more
