"""The copying machine: write what a plan says into a new file, read it back, compare every value.

It holds at most 16 MiB or one chunk of a dataset at a time.
"""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from samviz.errors import TraceError
from samviz.new_file import sync
from samviz.recorder.closing import close_whatever_happens
from samviz.recorder.hdf5 import new_hdf5
from samviz.recorder.layout import WEIGHTS_CHUNK_BYTES, create_commit, create_dataset, write_header
from samviz.rewrite.plan import Piece, Plan, Shape
from samviz.rewrite.progress import Progress
from samviz.space import Space
from samviz.trace import open_trace
from samviz.trace.checks import dimensions
from samviz.trace.hdf5.column import READ_BYTES, Array
from samviz.trace.schema import CHUNK_BYTES, DATASETS
from samviz.wording import first_line

PACKED_CHUNK_BYTES = 2**16
MARGIN_BYTES = 2**20  # for the headers of all datasets, which are written at once


def build(plan: Plan, part: Path, path: Path, progress: Progress) -> None:
    """Write the file and sync it. Raises TraceError where a source or the file fails."""
    try:
        with closing(Space(part.parent)) as space:
            room = _Room(space, part, path)
            room.require(0 if plan.packed else plan.size)
            file = new_hdf5(part)
            try:
                _fill(plan, file, room, progress)
                file.close()
            except BaseException:
                _give_up(file, part)
                raise
        sync(part)
    except (OSError, RuntimeError) as error:
        raise TraceError(f"{path}: cannot be written ({first_line(error)}); choose another place") from error


def verify(plan: Plan, part: Path, path: Path, progress: Progress) -> None:
    """Open the file as a trace and compare every value, bit by bit. Raises TraceError where one differs."""
    open_trace(part).close()
    with h5py.File(part, "r") as file:
        for name, at, piece in _each_piece(plan):
            dataset = file[name]
            for place, block in _blocks(piece, at, chunk_rows(plan, name), f"{path}: /{name}"):
                if not _same_bits(dataset[place : place + len(block)], block):
                    raise TraceError(
                        f"{path}: /{name}: what was written differs from its source at rows {place} to "
                        f"{place + len(block) - 1}; nothing was replaced: check the disk and try again"
                    )
                progress.advance(block.nbytes)
        lengths = {name: len(file[name]) for name in plan.shapes}
    for name, shape in plan.shapes.items():
        if lengths[name] != shape.length:
            raise TraceError(f"{path}: /{name}: expected {shape.length} rows, found {lengths[name]}")


def chunk_rows(plan: Plan, name: str) -> int:
    """Rows in one chunk: the recording's, or in an archive copy so many that a chunk is worth packing."""
    shape, row = plan.shapes[name], DATASETS[name]
    if plan.packed and row.per_step:
        fitting = PACKED_CHUNK_BYTES // shape.row_bytes
        return max(1, min(2 ** (fitting.bit_length() - 1) if fitting else 1, shape.length))
    if row.per_step:
        wanted = row.chunk_steps(plan.header.sizes["chunk_steps"])
        return max(1, min(wanted, CHUNK_BYTES // shape.row_bytes))
    return max(1, min(WEIGHTS_CHUNK_BYTES // shape.row_bytes, shape.length))


class _Room(NamedTuple):
    """The room for a file that is made at `part` and will be `path`."""

    space: Space
    part: Path
    path: Path

    def require(self, more: int) -> None:
        """Raises TraceError where so many bytes more do not fit: HDF5 must never meet a full disk."""
        size = self.part.stat().st_size
        if self.space.data_left(size) < more + MARGIN_BYTES:
            raise TraceError(
                f"{self.path}: cannot be written: expected room for {more:,} more bytes, found that "
                f"{self.space.shortage(size)}; free some space or choose another disk"
            )


def _fill(plan: Plan, file: h5py.File, room: _Room, progress: Progress) -> None:
    write_header(
        file,
        dimensions(plan.header.sizes, {}),
        chunk_steps=plan.header.sizes["chunk_steps"],
        access_threshold=plan.header.access_threshold,
        last_write_erases=bool(plan.header.sizes["last_write_erases"]),
        meta=plan.header.meta.encode(),
        uuid=plan.header.uuid,
        created=plan.header.created,
    )
    create_commit(file, plan.steps, plan.status)
    for name, shape in plan.shapes.items():
        _create(plan, file, name, shape)
    for name, at, piece in _each_piece(plan):
        dataset = file[name]
        for place, block in _blocks(piece, at, chunk_rows(plan, name), f"{room.path}: /{name}"):
            room.require(block.nbytes)
            dataset[place : place + len(block)] = block
            file.flush()  # what waits in memory needs room, too
            progress.advance(block.nbytes)


def _create(plan: Plan, file: h5py.File, name: str, shape: Shape) -> None:
    rows = chunk_rows(plan, name)
    create_dataset(file, name, (shape.length, *shape.row), shape.dtype, rows, packed=plan.packed)


def _each_piece(plan: Plan) -> Iterator[tuple[str, int, Piece]]:
    """(dataset, its row where the piece begins, piece) of all parts, each part open while it is used."""
    at = dict.fromkeys(plan.shapes, 0)
    for opened in plan.parts:
        with opened() as pieces:
            for name, piece in pieces.items():
                yield name, at[name], piece
                at[name] += piece.stop - piece.start


def _blocks(piece: Piece, at: int, chunk: int, what: str) -> Iterator[tuple[int, Array]]:
    """The piece in blocks that end where chunks of the new dataset do: (row of the new dataset, block).

    Raises TraceError where the source has lost rows since the plan was made; `what` is named in it.
    """
    row_bytes = max(1, int(np.prod(piece.rows.shape[1:])) * piece.rows.dtype.itemsize)
    length = max(READ_BYTES // row_bytes // chunk, 1) * chunk
    start = piece.start
    while start < piece.stop:
        place = at + start - piece.start
        stop = min(piece.stop, start + length - place % chunk)
        block = piece.read(start, stop)
        if len(block) != stop - start:
            raise TraceError(
                f"{what}: expected rows {start} to {stop - 1} of its source, found {len(block)} of them: "
                "the source was changed while it was read; try again"
            )
        yield place, block
        start = stop


def _same_bits(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same bytes: NaN equals NaN of the same pattern, 0 is not -0."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return np.array_equal(_bytes(one), _bytes(other))


def _bytes(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _give_up(file: h5py.File, part: Path) -> None:
    """Close a file that nobody wants; a full disk has room again for what HDF5 still writes."""
    with suppress(OSError):
        os.truncate(part, 0)
    close_whatever_happens(file)
