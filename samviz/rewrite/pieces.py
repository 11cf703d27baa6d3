"""Cut a range of steps out of a trace: the pieces of its columns, and what is counted in steps shifted."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from samviz.recorder.steps import STEP_VALUED, shifted_steps
from samviz.rewrite.plan import Piece, Pieces, Rows, whole
from samviz.rewrite.source import Source
from samviz.trace.hdf5.column import Array
from samviz.trace.schema import CHECK, DATASETS


class Chosen:
    """Some rows of a column, read when they are asked for."""

    def __init__(self, rows: Rows, chosen: Array) -> None:
        self._rows, self._chosen = rows, chosen
        self.shape: tuple[int, ...] = (len(chosen), *rows.shape[1:])
        self.dtype: np.dtype[Any] = rows.dtype

    def __getitem__(self, key: Any) -> Array:
        return self._rows[self._chosen[key]]


def cut(source: Source, start: int, stop: int, shift: int = 0, episodes: int = 0) -> Pieces:
    """Steps [start, stop) of all per-step columns, and the rows of /check that were taken at one of them.

    Steps are counted `shift` later, episodes `episodes` later; what falls before step 0 becomes -1.
    """
    change: dict[str, Callable[[Array], Array]] = {}
    if shift:
        change |= dict.fromkeys((*STEP_VALUED, "check/step"), partial(shifted_steps, shift=shift))
    if episodes:
        change["episode"] = partial(np.add, np.int32(episodes))
    pieces = {
        name: Piece(column, start, stop, change.get(name))
        for name, column in source.columns.items()
        if DATASETS[name].per_step
    }
    for name, rows in _checks(source, start, stop).items():
        pieces[name] = Piece(rows, 0, rows.shape[0], change.get(name))
    return pieces


def kept(columns: Mapping[str, Rows], *names: str) -> Pieces:
    """The columns of those names, as far as they are there, as they are."""
    return {name: whole(columns[name]) for name in names if name in columns}


def _checks(source: Source, start: int, stop: int) -> dict[str, Chosen]:
    """/check of those steps; without all four columns, as where one is damaged, its rows mean nothing."""
    if not all(name in source.columns for name in CHECK):
        return {}
    step = source.columns["check/step"][:]
    chosen = np.flatnonzero((step >= start) & (step < stop))
    return {name: Chosen(source.columns[name], chosen) for name in CHECK} if len(chosen) else {}
