"""Create a trace: every attribute and dataset, before the first step."""

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import h5py
import numpy as np
import numpy.typing as npt

from samviz.errors import ConfigError
from samviz.recorder.buffer import Arrays
from samviz.recorder.start import write_start
from samviz.trace.schema import (
    CHUNK_BYTES,
    DATASETS,
    FORMAT,
    INTEGER_ATTRIBUTES,
    META_BYTES,
    VERSION,
    Dimensions,
)

WEIGHTS_CHUNK_BYTES = 2**20

Sizes = dict[str, int]


def step_sizes(dimensions: Dimensions) -> Sizes:
    """The size of every symbol that a recorder's datasets use."""
    io = {"I": dimensions.input_size, "O": dimensions.output_size, "S": dimensions.source_size}
    return dimensions.symbols() | io


def check_settings(
    dimensions: Dimensions, chunk_steps: int, access_threshold: float, names: Iterable[str]
) -> None:
    """Refuse sizes that no trace can hold. Raises ConfigError."""
    values = {**dimensions.__dict__, "chunk_steps": chunk_steps}
    for name, value in values.items():
        low, high = INTEGER_ATTRIBUTES.get(name, (0, 2**28))
        if not low <= value <= high:
            raise ConfigError(f"{name}: expected an integer from {low} to {high}, found {value}")
    if not 0 <= access_threshold < math.inf:
        raise ConfigError(f"access_threshold: expected a finite number >= 0, found {access_threshold}")
    for name in names:
        row = DATASETS[name]
        step_bytes = math.prod(row.step_shape(step_sizes(dimensions))) * np.dtype(row.dtypes[0]).itemsize
        size = row.chunk_steps(chunk_steps) * step_bytes
        if size > CHUNK_BYTES:
            fitting = CHUNK_BYTES // step_bytes
            advice = f"use chunk_steps={fitting} or fewer" if fitting else "record fewer batch elements"
            if "E" in row.axes:
                advice += ", or a memory of fewer slots"
            raise ConfigError(f"/{name}: a chunk may hold {CHUNK_BYTES:,} bytes, found {size:,}; {advice}")


def encode_meta(meta: Mapping[str, Any] | None) -> bytes:
    """The meta attribute: strict JSON in ASCII. Raises ConfigError where it does not fit."""
    try:
        text = json.dumps(dict(meta or {}), allow_nan=False).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"meta: expected values that JSON can hold, found {error}") from None
    if len(text) > META_BYTES:
        raise ConfigError(
            f"meta: expected at most {META_BYTES:,} bytes of JSON, found {len(text):,}; shorten it"
        )
    return text


def write_header(
    file: h5py.File,
    dimensions: Dimensions,
    *,
    chunk_steps: int,
    access_threshold: float,
    last_write_erases: bool,
    meta: bytes,
    uuid: str | None = None,
    created: str | None = None,
) -> None:
    """The root attributes: numbers and fixed-length byte strings; a new uuid and the time now unless told."""
    file.attrs["format"] = np.bytes_(FORMAT)
    file.attrs["version"] = np.array(VERSION, "<u2")
    file.attrs["uuid"] = np.bytes_((uuid or str(uuid4())).encode())
    created = created or datetime.now(UTC).isoformat(timespec="seconds")
    file.attrs["created"] = np.bytes_(created.encode())
    for name, value in dimensions.__dict__.items():
        if name in INTEGER_ATTRIBUTES:
            file.attrs[name] = np.int64(value)
    file.attrs["chunk_steps"] = np.int64(chunk_steps)
    file.attrs["access_threshold"] = np.float32(access_threshold)
    file.attrs["last_write_erases"] = np.uint8(last_write_erases)
    file.attrs["meta"] = np.bytes_(meta)


def create_commit(file: h5py.File, n_steps: int = 0, status: int = 0) -> None:
    """The commit records."""
    file.create_dataset("n_steps", data=np.array([n_steps], "<i8"))
    file.create_dataset("status", data=np.array([status], "u1"))


def create_dataset(
    file: h5py.File,
    name: str,
    shape: tuple[int, ...],
    dtype: npt.DTypeLike,
    chunk: int,
    *,
    packed: bool = False,
    fill: int = 0,
) -> h5py.Dataset:
    """A dataset that can grow along its first axis, with a checksum; `chunk` rows of that axis a chunk."""
    if 0 in shape[1:]:  # HDF5 has no chunk of no bytes
        return file.create_dataset(name, shape=shape, dtype=dtype)
    return file.create_dataset(
        name,
        shape=shape,
        maxshape=(None, *shape[1:]),
        dtype=dtype,
        chunks=(chunk, *shape[1:]),
        fletcher32=DATASETS[name].checked,
        fillvalue=fill,
        **({"compression": "gzip", "compression_opts": 1, "shuffle": True} if packed else {}),
    )


def create_datasets(
    file: h5py.File,
    names: Iterable[str],
    dimensions: Dimensions,
    chunk_steps: int,
    weights: bytes | None,
    start: Arrays,
) -> dict[str, h5py.Dataset]:
    """The commit records, the checkpoint, what the memory held before the first step, and the columns.

    Returns the columns: an empty dataset for each name.
    """
    create_commit(file)
    if weights:
        data = np.frombuffer(weights, "u1")
        create_dataset(file, "model/weights", data.shape, "u1", min(len(data), WEIGHTS_CHUNK_BYTES))[:] = data
    write_start(file, start)
    created = {}
    for name in names:
        row = DATASETS[name]
        shape = (0, *row.step_shape(step_sizes(dimensions)))
        created[name] = create_dataset(file, name, shape, row.dtypes[0], row.chunk_steps(chunk_steps))
    return created
