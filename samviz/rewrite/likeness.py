"""Which traces can become one: those of the same sizes, rules and datasets."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from samviz.errors import TraceError
from samviz.rewrite.source import Source
from samviz.trace.hdf5.column import READ_BYTES, Column
from samviz.trace.schema import DATASETS

Kind = dict[str, Any]


def kind_of(source: Source) -> Kind:
    """What traces must have in common, by name: sizes, threshold, rule, the form of each per-step dataset."""
    sizes = {name: size for name, size in source.header.sizes.items() if name != "chunk_steps"}
    datasets = {
        f"/{name}": f"{column.dtype.name} {list(column.shape[1:])} a step"
        for name, column in source.columns.items()
        if DATASETS[name].per_step
    }
    return {**sizes, "access_threshold": np.float32(source.header.access_threshold), **datasets}


def require_alike(first: Path, expected: Kind, path: Path, found: Kind) -> None:
    """Raises TraceError naming the first difference between the first trace and another."""
    for name in [*expected, *found]:
        have, want = found.get(name, "none"), expected.get(name, "none")
        if have != want:
            raise TraceError(
                f"{path}: {name}: expected {want} as in {first}, found {have}; "
                "merge traces of the same sizes and datasets"
            )


def digest(column: Column | None) -> bytes:
    """A checksum of a column of bytes; empty where there is none."""
    if column is None:
        return b""
    summed = hashlib.sha256()
    for start in range(0, len(column), READ_BYTES):
        summed.update(column[start : start + READ_BYTES].tobytes())
    return summed.digest()
