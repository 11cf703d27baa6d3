"""What a new trace shall hold: pieces of old columns, one after the other."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from samviz.trace.checks import Header
from samviz.trace.hdf5.column import Array


class Rows(Protocol):
    """Anything that is read by slices of its first axis: a column, a numpy array, an h5py dataset."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __getitem__(self, key: Any, /) -> Array: ...


class Piece(NamedTuple):
    """Rows [start, stop) of a column; `change` makes of a block of them what the new trace holds instead."""

    rows: Rows
    start: int
    stop: int
    change: Callable[[Array], Array] | None = None

    def read(self, start: int, stop: int) -> Array:
        """Rows [start, stop) as the new trace holds them, in the column's own type."""
        block = self.rows[start:stop]
        return block if self.change is None else self.change(block).astype(block.dtype, copy=False)


class Shape(NamedTuple):
    """What a dataset of the new trace looks like: its length, the shape of one row, its type."""

    length: int
    row: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row, at least 1."""
        return max(1, prod(self.row) * self.dtype.itemsize)

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self.length * prod(self.row) * self.dtype.itemsize


Pieces = dict[str, Piece]
Part = Callable[[], AbstractContextManager[Pieces]]  # opens what its pieces are read from


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A new trace: its attributes, the steps it counts, the shape of every dataset, and where the rows are.

    The rows of a dataset are its pieces in all parts, in their order. packed: an archive copy.
    """

    header: Header
    steps: int
    status: int
    shapes: dict[str, Shape]
    parts: Sequence[Part]
    packed: bool = False

    @property
    def size(self) -> int:
        """Bytes of all datasets, unpacked."""
        return sum(shape.size for shape in self.shapes.values())


def plan_of(header: Header, steps: int, status: int, pieces: Pieces, *, packed: bool = False) -> Plan:
    """A trace in which every dataset is one piece, of columns that are open."""
    shapes = {name: shape_of(piece) for name, piece in pieces.items()}
    parts = [lambda: nullcontext(pieces)]
    return Plan(header=header, steps=steps, status=status, shapes=shapes, parts=parts, packed=packed)


def shape_of(piece: Piece) -> Shape:
    """The shape of a dataset that is made of this piece alone."""
    return Shape(piece.stop - piece.start, tuple(piece.rows.shape[1:]), np.dtype(piece.rows.dtype))


def whole(rows: Rows | npt.NDArray[Any]) -> Piece:
    """All rows of a column, as they are."""
    return Piece(rows, 0, rows.shape[0])
