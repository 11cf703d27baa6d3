"""Does this file say what a trace must say? Attributes, datasets, dtypes, dimensions, committed steps."""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import h5py
import numpy as np

from samviz.trace.hdf5.chunks import ChunkError, Chunks
from samviz.trace.hdf5.safety import (
    DAMAGED,
    NOT_OURS,
    check_own_objects,
    check_storage,
    find_dataset,
    refusal,
)
from samviz.trace.schema import (
    CHECK,
    DATASETS,
    FORMAT,
    GROWING,
    INFLATION,
    INTEGER_ATTRIBUTES,
    META_BYTES,
    START,
    STATUS,
    TEXT_ATTRIBUTES,
    VERSION,
    Dataset,
    Dimensions,
)

_HALF_A_LETTER = re.compile(r"\\u[dD][89a-fA-F]")  # alone it is no text


@dataclass(frozen=True, kw_only=True)
class Header:
    """The checked root attributes. `sizes` holds the integer ones by name; `meta` is still JSON text."""

    version: tuple[int, int]
    uuid: str
    created: str
    meta: str
    access_threshold: float
    sizes: dict[str, int]


def check_header(file: h5py.File, path: Path) -> Header:
    """Read and check every root attribute; the format and the version first."""
    if "format" not in file.attrs or _text(file, path, "format").encode() != FORMAT:
        found = "no such attribute" if "format" not in file.attrs else repr(_text(file, path, "format"))
        raise refusal(path, "attribute format", repr(FORMAT.decode()), found, NOT_OURS)
    version = _version(file, path)
    sizes = {name: _integer(file, path, name) for name in INTEGER_ATTRIBUTES}
    text = {name: _text(file, path, name) for name in TEXT_ATTRIBUTES}
    _check_text(path, text)
    delta = _number(file, path, "access_threshold")
    if delta.dtype.kind != "f" or delta.shape or not 0 <= float(delta) < math.inf:
        raise refusal(path, "attribute access_threshold", "a finite float >= 0", _short(delta), DAMAGED)
    return Header(version=version, access_threshold=float(delta), sizes=sizes, **text)


def parse_meta(path: Path, text: str) -> dict[str, Any]:
    """The meta attribute as a dict; its numbers must be finite, and its text can always be encoded."""
    try:
        meta = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        if _HALF_A_LETTER.search(text):
            meta = json.loads(json.dumps(meta, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise refusal(path, "attribute meta", "valid JSON", error, DAMAGED) from None
    if not isinstance(meta, dict):
        raise refusal(path, "attribute meta", "a JSON object", type(meta).__name__, DAMAGED)
    return meta


def check_commit(file: h5py.File, path: Path) -> tuple[int, str]:
    """The number of whole steps and the status. Read them before the datasets: a live writer goes on."""
    values = []
    for name in ("n_steps", "status"):
        dataset = _require(file, path, name)
        _check_type(dataset, path, DATASETS[name])
        _check_shape(dataset, path, DATASETS[name], {})
        values.append(_only_value(dataset, path, name))
    n_steps, status = values
    if n_steps < 0:
        raise refusal(path, "/n_steps", "a count of steps", n_steps, DAMAGED)
    if status >= len(STATUS):
        raise refusal(path, "/status", f"0 to {len(STATUS) - 1}", status, DAMAGED)
    return n_steps, STATUS[status]


def check_datasets(file: h5py.File, path: Path, header: Header, n_steps: int) -> dict[str, h5py.Dataset]:
    """Every dataset of the table that the file holds, checked against it. A required one must be there."""
    sizes = dict(dimensions(header.sizes, {}).symbols())
    found: dict[str, h5py.Dataset] = {}
    for name, row in DATASETS.items():
        if name in ("n_steps", "status"):
            continue
        required = row.need == "core" or (row.need == "sdnc" and header.sizes["links"] > 0)
        dataset = _require(file, path, name) if required else find_dataset(file, path, name)
        if dataset is None:
            continue
        if file.swmr_mode:  # HDF5 may remember it from another trace of this process
            dataset.refresh()
        _check_type(dataset, path, row)
        _check_shape(dataset, path, row, sizes)
        if row.per_step and dataset.shape[0] < n_steps:
            found_steps = f"{dataset.shape[0]} steps"
            raise refusal(path, f"/{name}", f"at least the {n_steps} steps of /n_steps", found_steps, DAMAGED)
        found[name] = dataset
    check_own_objects(file, path, ["n_steps", "status", *found])
    _check_groups(path, found, sizes)
    declared = sum(dataset.size * dataset.dtype.itemsize for dataset in found.values())
    on_disk = path.stat().st_size
    if declared > INFLATION * on_disk:
        limit = f"data of at most {INFLATION} times its {on_disk:,} bytes"
        raise refusal(path, "file", limit, f"{declared:,} bytes declared", "do not open this file")
    return found


def dimensions(sizes: dict[str, int], datasets: dict[str, h5py.Dataset]) -> Dimensions:
    """The trace's dimensions: the attributes, and the io sizes off the datasets themselves."""
    last = {name: int(dataset.shape[-1]) for name, dataset in datasets.items()}
    named = {name: size for name, size in sizes.items() if name in Dimensions.__dataclass_fields__}
    return Dimensions(
        **named,
        input_size=last.get("io/input", 0),
        output_size=last.get("io/output", last.get("io/target", 0)),
        source_size=last.get("io/source", 0),
    )


def _require(file: h5py.File, path: Path, name: str) -> h5py.Dataset:
    dataset = find_dataset(file, path, name)
    if dataset is None:
        raise refusal(path, f"/{name}", "this dataset", "none", DAMAGED)
    return dataset


def _check_type(dataset: h5py.Dataset, path: Path, row: Dataset) -> None:
    check_storage(dataset, path, row.name)
    if dataset.dtype not in [np.dtype(code) for code in row.dtypes]:
        expected = "dtype " + " or ".join(np.dtype(code).name for code in row.dtypes)
        found = dataset.dtype.name + (" big-endian" if dataset.dtype.byteorder == ">" else "")
        raise refusal(path, f"/{row.name}", expected, found, DAMAGED)


def _check_shape(dataset: h5py.Dataset, path: Path, row: Dataset, sizes: dict[str, int]) -> None:
    shape = dataset.shape if dataset.shape is not None else ()
    expected = [
        axis if isinstance(axis, int) or axis in GROWING else sizes.get(axis, axis) for axis in row.axes
    ]
    fits = len(shape) == len(expected) and all(
        isinstance(want, str) or want == have for want, have in zip(expected, shape, strict=True)
    )
    if not fits:
        wanted = "shape (" + ", ".join(map(str, expected)) + ")"
        raise refusal(path, f"/{row.name}", wanted, shape, DAMAGED)
    # a free symbol is fixed by the first dataset that uses it
    sizes.update({axis: have for axis, have in zip(row.axes, shape, strict=True) if axis not in GROWING})  # type: ignore[misc]


def _only_value(dataset: h5py.Dataset, path: Path, name: str) -> int:
    try:
        Chunks(dataset).check(dataset, (slice(0, 1),))
    except ChunkError as error:
        raise refusal(path, f"/{name}", "one number", error, DAMAGED) from None
    return int(dataset[0])


def _check_groups(path: Path, found: dict[str, h5py.Dataset], sizes: dict[str, int]) -> None:
    for group, names in (("start", START), ("check", CHECK)):
        missing = [name for name in names if name not in found]
        if 0 < len(missing) < len(names):
            expected = f"all four datasets of /{group} or none"
            raise refusal(path, f"/{missing[0]}", expected, "none", DAMAGED)
    most = sizes["B"] * sizes["N"]
    if "start/slot" in found and len(found["start/slot"]) > most:
        held = f"{len(found['start/slot']):,}"
        raise refusal(path, "/start/slot", f"at most {most:,} rows, one a slot", held, DAMAGED)


def _version(file: h5py.File, path: Path) -> tuple[int, int]:
    value = _number(file, path, "version")
    if value.shape != (2,) or value.dtype.kind not in "iu":
        raise refusal(path, "attribute version", "two integers", _short(value), DAMAGED)
    major, minor = (int(part) for part in value)
    if major != VERSION[0]:
        advice = "migrate it: samviz migrate TRACE NEW" if major < VERSION[0] else "install a newer samviz"
        raise refusal(path, "attribute version", f"{VERSION[0]}.x", f"{major}.{minor}", advice)
    return major, minor


def _integer(file: h5py.File, path: Path, name: str) -> int:
    value = _number(file, path, name)
    low, high = INTEGER_ATTRIBUTES[name]
    if value.shape or value.dtype.kind not in "iu" or not low <= int(value) <= high:
        raise refusal(path, f"attribute {name}", f"an integer from {low} to {high}", _short(value), DAMAGED)
    return int(value)


def _number(file: h5py.File, path: Path, name: str) -> np.ndarray[Any, Any]:
    attribute = _attribute(file, path, name)
    if attribute.get_type().get_class() not in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) or attribute.shape not in [
        (),
        (2,),
    ]:
        raise refusal(path, f"attribute {name}", "a number", "another type", DAMAGED)
    value = np.empty(attribute.shape, attribute.dtype)
    attribute.read(value)
    return value


def _text(file: h5py.File, path: Path, name: str) -> str:
    attribute = _attribute(file, path, name)
    kind = attribute.get_type()
    fixed = isinstance(kind, h5py.h5t.TypeStringID) and not kind.is_variable_str() and attribute.shape == ()
    if not fixed:
        raise refusal(path, f"attribute {name}", "a fixed-length byte string", "another type", DAMAGED)
    if kind.get_size() > META_BYTES:
        raise refusal(
            path, f"attribute {name}", f"at most {META_BYTES:,} bytes", f"{kind.get_size():,}", DAMAGED
        )
    value = np.empty((), f"S{kind.get_size()}")
    attribute.read(value, mtype=kind)
    try:
        return bytes(value[()]).decode()
    except UnicodeDecodeError:
        raise refusal(path, f"attribute {name}", "UTF-8 text", "other bytes", DAMAGED) from None


def _attribute(file: h5py.File, path: Path, name: str) -> h5py.h5a.AttrID:
    if name not in file.attrs:
        raise refusal(path, f"attribute {name}", "this attribute", "none", DAMAGED)
    return file.attrs.get_id(name)


def _check_text(path: Path, text: dict[str, str]) -> None:
    for name, parse in (("uuid", UUID), ("created", datetime.fromisoformat)):
        try:
            parse(text[name])
        except ValueError:
            wanted = "a UUID" if name == "uuid" else "an ISO 8601 time"
            raise refusal(path, f"attribute {name}", wanted, repr(text[name]), DAMAGED) from None
    parse_meta(path, text["meta"])


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_constant(text)


def _no_constant(name: str) -> float:
    raise ValueError(f"the number {name}")


def _short(value: np.ndarray[Any, Any]) -> str:
    return f"{value.dtype.name} {value.tolist()}"
