"""Odd files made of a sound trace: lawful HDF5 that no recorder would write, then bytes that change.

Each mutation is a function of an open file and a random generator; `mutate` applies a few of them.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from samviz.trace.schema import DATASETS, INTEGER_ATTRIBUTES, TEXT_ATTRIBUTES

Rng = np.random.Generator

NUMBERS: tuple[Any, ...] = (
    0,
    -1,
    1,
    2,
    7,
    2**20,
    2**31 - 1,
    2**63 - 1,
    -(2**63),
    np.float64("nan"),
    np.float32("inf"),
    np.float32(0.5),
    np.bool_(True),
    np.complex64(1j),
    h5py.Empty("i8"),
)
TEXTS: tuple[Any, ...] = (
    np.bytes_(b""),
    np.bytes_(b"\xff\xfe"),
    np.bytes_(b"samviz-trace"),
    np.bytes_(b'{"task": {"name": "\\ud800"}, "user": 1e400}'),
    np.bytes_(b"[" * 3000),
    np.bytes_(b'{"model": ' * 900 + b"1" + b"}" * 900),
    np.bytes_(b"9" * 5000),
    "variable",
    np.zeros(500),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
)
DTYPES: tuple[Any, ...] = (
    "i4",
    "f4",
    "u1",
    "i8",
    "f2",
    ">i4",
    ">f4",
    "f8",
    "c8",
    "?",
    "S3",
    h5py.string_dtype(),
    h5py.vlen_dtype("i4"),
    h5py.ref_dtype,
    np.dtype([("a", "i4")]),
    np.dtype(("i4", (2,))),
    h5py.enum_dtype({"A": 1}),
)


def odd_attribute(file: h5py.File, rng: Rng) -> None:
    name = _one(rng, [*INTEGER_ATTRIBUTES, *TEXT_ATTRIBUTES, "format", "version", "access_threshold"])
    value = _one(rng, [*NUMBERS, *TEXTS])
    if name == "slots" and not isinstance(value, np.generic | np.ndarray | h5py.Empty | str):
        value = min(value, 2**20)
    file.attrs[name] = value


def fewer_attributes(file: h5py.File, rng: Rng) -> None:
    names = list(file.attrs)
    if names:
        del file.attrs[_one(rng, names)]


def more_attributes(file: h5py.File, rng: Rng) -> None:
    for number in range(int(rng.integers(1, 300))):
        file.attrs[f"odd {number}"] = "x" * int(rng.integers(1, 300))


def odd_dataset(file: h5py.File, rng: Rng) -> None:
    """Another dtype, rank, length, layout or filter; never written, partly written or filled."""
    name, shape = _dataset(file, rng)
    if rng.random() < 0.5:
        shape = tuple(int(_one(rng, [0, 1, 2, 3, size, size + 1, 1300, 10**6])) for size in shape)
    if rng.random() < 0.2:
        shape = shape[:-1] if rng.random() < 0.5 else (*shape, 1)
    settings: dict[str, Any] = {}
    if shape and rng.random() < 0.7 and 0 not in shape:
        settings["chunks"] = tuple(int(rng.integers(1, min(size, 70) + 1)) for size in shape)
        settings["compression"] = _one(rng, [None, "gzip", "lzf"])
        settings["shuffle"] = bool(rng.integers(2))
        settings["fletcher32"] = bool(rng.integers(2))
        if rng.random() < 0.1:
            settings = {"chunks": settings["chunks"], "scaleoffset": 2}
    if rng.random() < 0.3:
        settings["fillvalue"] = int(rng.integers(0, 5))
    dtype = DATASETS[name].dtypes[0] if rng.random() < 0.7 else _one(rng, DTYPES)
    _remove(file, name)
    file.create_dataset(name, shape=shape, dtype=dtype, **settings)


def elsewhere(file: h5py.File, rng: Rng) -> None:
    """Data in another file, or put together of other data."""
    name, shape = _dataset(file, rng)
    _remove(file, name)
    if rng.random() < 0.5:
        file.create_dataset(name, shape=shape, dtype="i4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])
        return
    layout = h5py.VirtualLayout(shape=shape, dtype="i4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", shape=shape)
    file.create_virtual_dataset(name, layout)


def odd_link(file: h5py.File, rng: Rng) -> None:
    """A name that leads somewhere else: away, in a circle, to another's object, or to a type."""
    name = _one(rng, ["read", "write", "usage", "model", *[n for n in DATASETS if n in file]])
    target = _one(rng, ["/", "/read", "/write", "/read/slot", "/episode", "/n_steps", "/nowhere"])
    kind = int(rng.integers(4))
    new: Any = [h5py.SoftLink(target), h5py.ExternalLink("/etc/passwd", target), None, np.dtype("i4")][kind]
    if kind == 2:
        if target == "/nowhere" or target not in file:
            return
        new = file[target]
    _remove(file, name)
    file[name] = new


def odd_chunk(file: h5py.File, rng: Rng) -> None:
    """Bytes where a stored chunk should be: short, long, packed too well, or with filters left out."""
    names = [name for name in DATASETS if name in file and getattr(file[name], "chunks", None)]
    if not names:
        return
    dataset = file[_one(rng, names)]
    if 0 in dataset.shape:
        return
    whole = int(np.prod(dataset.chunks)) * dataset.dtype.itemsize
    size = int(_one(rng, [0, 1, 2, 3, 4, 5, whole // 2, whole, whole + 4, whole + 8, 10 * whole]))
    data = bytes(size) if rng.random() < 0.5 else rng.bytes(size)
    if rng.random() < 0.5:
        data = zlib.compress(data * int(_one(rng, [1, 1, 100])))
    corner = tuple(
        int(rng.integers(-(-length // part))) * part
        for length, part in zip(dataset.shape, dataset.chunks, strict=True)
    )
    if data:
        dataset.id.write_direct_chunk(corner, data, int(rng.integers(8)))


def odd_length(file: h5py.File, rng: Rng) -> None:
    names = [
        name for name in DATASETS if name in file and getattr(file[name], "maxshape", (0,))[:1] == (None,)
    ]
    if names:
        file[_one(rng, names)].resize(int(_one(rng, [0, 1, 63, 64, 1024, 1201, 5000, 10**7])), axis=0)


def odd_commit(file: h5py.File, rng: Rng) -> None:
    file["n_steps"][0] = int(_one(rng, [-1, 0, 1, 63, 64, 65, 1024, 1199, 1200, 1201, 2**62]))
    file["status"][0] = int(rng.integers(5))


def odd_values(file: h5py.File, rng: Rng) -> None:
    """Slots, steps, episodes and weights that cannot be."""
    name, _ = _dataset(file, rng)
    dataset = file[name]
    if dataset.size and dataset.dtype.kind in "iuf" and dataset.size < 10**6:
        values = dataset[...]
        wrong = [-2, -(2**31), 2**31 - 1, 12, 1200] if values.dtype.kind == "i" else [np.nan, np.inf, -1e30]
        flat = values.reshape(-1)
        with np.errstate(all="ignore"):
            flat[int(rng.integers(flat.size))] = np.array(_one(rng, wrong)).astype(values.dtype)
        dataset[...] = values


def odd_start(file: h5py.File, rng: Rng) -> None:
    """/start and /check, lawful or not."""
    rows = int(_one(rng, [0, 1, 5, 12, 13]))
    words = int(_one(rng, [3, 3, 3, 4]))
    for name in ("start", "check"):
        _remove(file, name)
    file["start/slot"] = (
        rng.integers(-1, 14, rows, dtype="i4") if rng.random() < 0.5 else np.arange(rows, dtype="i4")
    )
    file["start/batch"] = np.full(rows, _one(rng, [0, 0, 0, 1, -1]), "i4")
    file["start/row"] = rng.normal(size=(rows, words)).astype("f4")
    file["start/last_access"] = rng.integers(-9, 1, rows)
    file["check/step"] = rng.integers(-1, 1300, rows)
    if rng.random() < 0.7:
        file["check/batch"] = np.zeros(rows, "i4")
        file["check/slot"] = rng.integers(-1, 14, (rows, 256), dtype="i4")
        file["check/row"] = np.zeros((rows, 256, words), "f4")


Mutation = Callable[[h5py.File, Rng], None]
MUTATIONS: tuple[Mutation, ...] = (
    odd_attribute,
    fewer_attributes,
    more_attributes,
    odd_dataset,
    elsewhere,
    odd_link,
    odd_chunk,
    odd_length,
    odd_commit,
    odd_values,
    odd_start,
)


def mutate(path: Path, rng: Rng) -> str:
    """Change the file in place and say how."""
    done = []
    if rng.random() < 0.85:
        try:
            with h5py.File(path, "r+") as file:
                for _ in range(int(rng.integers(1, 4))):
                    mutation = MUTATIONS[int(rng.integers(len(MUTATIONS)))]
                    done.append(mutation.__name__)
                    mutation(file, rng)
        except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
            done.append("given up")  # HDF5 itself refuses to write that, or to open a killed recorder's file
    if done in ([], ["given up"]) or rng.random() < 0.3:
        done.append(change_bytes(path, rng))
    return ", ".join(done)


def change_bytes(path: Path, rng: Rng) -> str:
    """Flip bits, overwrite a stretch, take one out, or cut the file short."""
    data = bytearray(path.read_bytes())
    at = int(rng.integers(len(data)))
    kind = int(rng.integers(4))
    if kind == 0:
        for _ in range(int(rng.integers(1, 9))):
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        stretch = data[at : at + int(rng.integers(1, 200))]
        data[at : at + len(stretch)] = bytes(len(stretch)) if rng.random() < 0.5 else rng.bytes(len(stretch))
    elif kind == 2:
        del data[at : at + int(rng.integers(1, 200))]
    else:
        del data[max(at, 1) :]
    path.write_bytes(data)
    return ("flipped", "overwritten", "taken out", "cut short")[kind]


def _dataset(file: h5py.File, rng: Rng) -> tuple[str, tuple[int, ...]]:
    names = [name for name in DATASETS if isinstance(file.get(name), h5py.Dataset) and file[name].shape]
    name = _one(rng, names)
    return name, tuple(file[name].shape)


def _remove(file: h5py.File, name: str) -> None:
    if name in file:
        del file[name]


def _one(rng: Rng, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]
