"""From a path to what a trace knows when it is open: checked header, columns, episodes."""

from pathlib import Path
from typing import NamedTuple

from samviz.trace.checks import Header, check_commit, check_datasets, check_header, dimensions
from samviz.trace.episodes import Episodes, find_episodes
from samviz.trace.hdf5.column import FAILURES, Column
from samviz.trace.hdf5.lock import LOCK
from samviz.trace.hdf5.opening import OpenFile, damaged, open_file
from samviz.trace.hdf5.safety import check_file
from samviz.trace.hdf5.tail import left_unread, readable_steps
from samviz.trace.hdf5.true_rows import count_true_rows
from samviz.trace.schema import CHECK, DATASETS, Dimensions

Columns = dict[str, Column]


class Loaded(NamedTuple):
    """An open file, checked, and what was read of it."""

    file: OpenFile
    header: Header
    status: str
    dimensions: Dimensions
    n_steps: int  # that are shown
    warning: str | None  # where there were more once
    columns: Columns
    episodes: Episodes


class Known(NamedTuple):
    """What was read of a trace when it was shorter."""

    uuid: str
    episodes: Episodes


def load(path: Path, known: Known | None = None) -> Loaded:
    """Open and check the file. Raises TraceError where it is no trace, or is damaged where this looks."""
    check_file(path)
    file = open_file(path)
    try:
        with LOCK:
            return _load(file, path, known)
    except BaseException as error:
        file.close()
        if isinstance(error, FAILURES):
            raise damaged(path, error, file) from error
        raise


def _load(file: OpenFile, path: Path, known: Known | None) -> Loaded:
    header = check_header(file, path)
    committed, status = check_commit(file, path)
    datasets = check_datasets(file, path, header, committed)
    file.remember(header.uuid)
    sizes = dimensions(header.sizes, datasets)
    held = {name: len(dataset) for name, dataset in datasets.items()}
    columns = {
        name: Column(file, dataset, name, path, committed if DATASETS[name].per_step else held[name])
        for name, dataset in datasets.items()
    }
    del datasets  # a live file's must not stay open
    n_steps, warning = _shown(path, status, columns, committed, held)
    columns = {
        name: column.first(n_steps) if DATASETS[name].per_step else column for name, column in columns.items()
    }
    if "check/step" in columns:
        columns |= _true_rows(columns, n_steps, status)
    shorter: Episodes = known.episodes if known is not None and known.uuid == header.uuid else ()
    episodes = find_episodes(path, columns["episode"], shorter)
    return Loaded(file, header, status, sizes, n_steps, warning, columns, episodes)


def _shown(
    path: Path, status: str, columns: Columns, committed: int, held: dict[str, int]
) -> tuple[int, str | None]:
    """The steps to show, and a warning where there were more once.

    Only a recording that did not end well may have a damaged end; elsewhere that is an error when read.
    """
    per_step = {name: column for name, column in columns.items() if DATASETS[name].per_step}
    if status == "complete":
        return committed, left_unread(path, per_step, committed, held)
    return readable_steps(path, per_step, committed)


def _true_rows(columns: Columns, n_steps: int, status: str) -> Columns:
    """The columns of /check, as far as they belong to committed steps."""
    checks = {name: columns[name] for name in CHECK}
    whole = count_true_rows(checks, n_steps, complete=status == "complete")
    return {name: column.first(whole) for name, column in checks.items()}
