"""The copying machine: write what a plan says into a new file, read it back, compare every value.

It holds at most 16 MiB or one chunk of a dataset at a time.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np

from samviz.errors import TraceError
from samviz.recorder.closing import close_whatever_happens
from samviz.recorder.hdf5 import new_hdf5
from samviz.recorder.layout import WEIGHTS_CHUNK_BYTES, create_commit, create_dataset, write_header
from samviz.rewrite.new_file import sync
from samviz.rewrite.plan import Piece, Plan, Shape
from samviz.rewrite.progress import Progress
from samviz.rewrite.space import require_room
from samviz.trace import open_trace
from samviz.trace.checks import dimensions
from samviz.trace.column import READ_BYTES, Array
from samviz.trace.schema import CHUNK_BYTES, DATASETS

PACKED_CHUNK_BYTES = 2**16


def build(plan: Plan, part: Path, path: Path, progress: Progress) -> None:
    """Write the file and sync it. Raises TraceError where a source or the file fails."""
    require_room(part, 0 if plan.packed else plan.size, path)
    try:
        # exclusive: nothing that somebody else has put there is lost
        file = new_hdf5(part)
        try:
            _fill(plan, file, part, path, progress)
            file.close()
        except BaseException:
            _give_up(file, part)
            raise
        sync(part)
    except (OSError, RuntimeError) as error:
        raise TraceError(f"{path}: cannot be written ({_why(error)}); choose another place") from error


def verify(plan: Plan, part: Path, path: Path, progress: Progress) -> None:
    """Open the file as a trace and compare every value, bit by bit. Raises TraceError where one differs."""
    open_trace(part).close()
    with h5py.File(part, "r") as file:
        for name, at, piece in _each_piece(plan):
            dataset = file[name]
            for place, block in _blocks(piece, at, chunk_rows(plan, name)):
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


def _fill(plan: Plan, file: h5py.File, part: Path, path: Path, progress: Progress) -> None:
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
        for place, block in _blocks(piece, at, chunk_rows(plan, name)):
            require_room(part, block.nbytes, path)
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


def _blocks(piece: Piece, at: int, chunk: int) -> Iterator[tuple[int, Array]]:
    """The piece in blocks that end where chunks of the new dataset do: (row of the new dataset, block)."""
    row_bytes = max(1, int(np.prod(piece.rows.shape[1:])) * piece.rows.dtype.itemsize)
    length = max(READ_BYTES // row_bytes // chunk, 1) * chunk
    start = piece.start
    while start < piece.stop:
        place = at + start - piece.start
        stop = min(piece.stop, start + length - place % chunk)
        yield place, piece.read(start, stop)
        start = stop


def _same_bits(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same bytes: NaN equals NaN of the same pattern, 0 is not -0."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return np.array_equal(_bytes(one), _bytes(other))


def _bytes(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _why(error: Exception) -> str:
    """What the system says, out of the many lines that HDF5 puts around it."""
    told = re.search(r"error message = '([^']+)'", str(error))
    return told[1] if told else (str(error) or type(error).__name__).splitlines()[0]


def _give_up(file: h5py.File, part: Path) -> None:
    """Close a file that nobody wants; a full disk has room again for what HDF5 still writes."""
    with suppress(OSError):
        os.truncate(part, 0)
    close_whatever_happens(file)
