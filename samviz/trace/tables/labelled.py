"""A trace as an xarray Dataset: the per-step columns with named dimensions."""

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from samviz.errors import ConfigError
from samviz.trace.hdf5.column import Array
from samviz.trace.memory.entries import read_slots, read_weights
from samviz.trace.opened import Opened
from samviz.trace.schema import DATASETS
from samviz.trace.tables.extras import extra
from samviz.trace.tables.selection import step_range
from samviz.trace.tables.step_rows import MODES

if TYPE_CHECKING:
    import xarray


XARRAY_BYTES = 8 * 2**30

# the dimension of each symbol of the schema; 3 is the axis of /gate/mode
DIMENSIONS: dict[str | int, str] = {
    "T": "step",
    "B": "batch",
    "H": "head",
    "R": "read_entry",
    "E": "write_entry",
    "W": "word",
    "K": "read",
    "L": "link",
    "I": "input",
    "O": "output",
    "S": "source",
    "D": "unit",
    3: "mode",
}


def to_xarray(
    trace: Opened,
    datasets: Sequence[str] | None = None,
    *,
    start: int = 0,
    stop: int | None = None,
    max_bytes: int = XARRAY_BYTES,
) -> "xarray.Dataset":
    """Per-step columns of steps [start, stop) as variables: "read/slot" becomes read_slot, and so on.

    datasets: the names wanted, as in `trace.datasets`; all that have a step axis by default. `episode` always
    comes along, as a coordinate, beside step, batch, head and mode. The header is in the attributes, meta as
    JSON. Raises ConfigError where a name or a step is not there, where the data exceed `max_bytes`, or where
    xarray is missing; TraceError where the file is damaged.
    """
    first, last = step_range(trace, start, stop)
    names = _names(trace, datasets)
    _check_size(trace, names, last - first, max_bytes)
    (library,) = extra("xarray", purpose="to_xarray()")
    variables = {name.replace("/", "_"): _variable(trace, name, first, last) for name in names}
    coordinates: dict[str, Any] = {
        "step": range(first, last),
        "batch": range(trace.dimensions.batch),
        "head": range(trace.dimensions.heads),
        "episode": variables.pop("episode"),
    }
    if "gate/mode" in names:
        coordinates["mode"] = list(MODES)
    labelled: xarray.Dataset = library.Dataset(variables, coordinates, _attributes(trace))
    return labelled


def _names(trace: Opened, datasets: Sequence[str] | None) -> list[str]:
    """The datasets asked for, `episode` first, each once."""
    if isinstance(datasets, str):
        raise ConfigError(f"datasets: expected a list of names, found {datasets!r}; put it in brackets")
    if datasets is None:
        datasets = [name for name in trace.datasets if DATASETS[name].per_step]
    for name in datasets:
        column = trace[name]  # which refuses a name that is not there
        if not DATASETS[name].per_step:
            raise ConfigError(
                f"{trace.path}: datasets: expected names with a step axis, found {name!r}; "
                f"read it with trace[{column.name!r}]"
            )
    return list(dict.fromkeys(["episode", *datasets]))


def _check_size(trace: Opened, names: list[str], steps: int, max_bytes: int) -> None:
    sizes = {name: steps * math.prod(trace[name].shape[1:]) * trace[name].dtype.itemsize for name in names}
    total = sum(sizes.values())
    if total > max_bytes:
        largest = max(names, key=sizes.__getitem__)
        raise ConfigError(
            f"{trace.path}: expected at most {max_bytes:,} bytes (max_bytes), found {total:,}, "
            f"{sizes[largest]:,} of them in {largest}; ask for fewer steps (start, stop) or "
            "name the datasets you need"
        )


def _variable(
    trace: Opened, name: str, start: int, stop: int
) -> tuple[tuple[str, ...], Array, dict[str, str]]:
    """Its dimensions, values and attributes."""
    dimensions = tuple(DIMENSIONS[axis] for axis in DATASETS[name].axes)
    return dimensions, _values(trace, name, start, stop), {"dataset": f"/{name}"}


def _values(trace: Opened, name: str, start: int, stop: int) -> Array:
    everyone = slice(0, trace.dimensions.batch)
    if name.endswith("slot"):
        return read_slots(trace.path, trace[name], start, stop, trace.dimensions.slots, everyone)
    if name.endswith("weight"):
        return read_weights(trace.path, trace[name], start, stop, everyone)
    return trace[name][start:stop]


def _attributes(trace: Opened) -> dict[str, str | int | float]:
    """The header, in types that netCDF can hold."""
    return {
        "trace": trace.path.name,
        "uuid": trace.uuid,
        "created": trace.created,
        "version": "{}.{}".format(*trace.version),
        "status": trace.status,
        **trace.dimensions.__dict__,
        "access_threshold": trace.access_threshold,
        "last_write_erases": int(trace.last_write_erases),
        "meta": json.dumps(dict(trace.meta)),
    }
