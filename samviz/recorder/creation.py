"""Make the file of a trace: alone on its path, with room for it, under its name once it can be opened."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py

from samviz.new_file import NewFile, cannot_be_created
from samviz.recorder.closing import close_whatever_happens
from samviz.recorder.hdf5 import new_hdf5
from samviz.space import OVERHEAD_BYTES, Space

Datasets = dict[str, h5py.Dataset]


class Created(NamedTuple):
    """An open file in SWMR mode, its per-step datasets, its room and its place, which is locked."""

    file: h5py.File
    datasets: Datasets
    space: Space
    place: NewFile


def create(
    path: Path,
    build: Callable[[h5py.File], Datasets],
    *,
    overwrite: bool,
    size_limit: int | None,
    first_bytes: int,
) -> Created:
    """Make the file. `build` fills in what exists before the first step, `first_bytes` of data.

    Raises:
        TraceError: it exists, is being recorded, or there is no room or no right to make it.
    """
    place = NewFile(path, overwrite=overwrite)
    space = None
    try:
        space = Space(place.path.parent, size_limit)
        if space.data_left(0) < first_bytes + OVERHEAD_BYTES:
            raise OSError(space.shortage(0))
        file, datasets = _build(place, build)
    except BaseException as error:
        if space is not None:
            space.close()
        place.discard()
        place.release()
        if isinstance(error, OSError | RuntimeError):
            raise cannot_be_created(path, error) from error
        raise
    return Created(file, datasets, space, place)


def _build(place: NewFile, build: Callable[[h5py.File], Datasets]) -> tuple[h5py.File, Datasets]:
    file = new_hdf5(place.part)
    try:
        datasets = build(file)
        file.swmr_mode = True
        place.name()
    except BaseException:
        close_whatever_happens(file)
        raise
    return file, datasets
