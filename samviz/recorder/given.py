"""What a caller hands over: tensors, arrays or lists, by the names of the fields, as arrays [T, B, ...]."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from samviz.errors import ConfigError
from samviz.recorder.fields import MEMORY, dataset_of
from samviz.trace.schema import DATASETS, EVENTS, LINK_EVENTS

Array = npt.NDArray[Any]
Told = dict[str, Any]

EVENT_FIELDS = (*EVENTS, *LINK_EVENTS, MEMORY)


class Wording(NamedTuple):
    """How an error names what was handed over: a field of a window's events, or an array of one step."""

    prefix: str
    lifted: bool  # whether the first axis, T, is not the caller's

    def shape(self, shape: Iterable[int]) -> list[int]:
        """The shape as the caller knows it."""
        return list(shape)[self.lifted :]


WINDOW = Wording("events.", lifted=False)
STEP = Wording("", lifted=True)


def told_by(events: Any) -> Told:
    """The fields that an Events, a mapping or any object with such attributes holds; None counts as not told.

    Raises ConfigError for a field of a mapping that no trace has.
    """
    if isinstance(events, Mapping):
        refuse_unknown(events, EVENT_FIELDS, "events.")
        told = dict(events)
    else:
        told = {field: getattr(events, field, None) for field in EVENT_FIELDS}
    return {field: value for field, value in told.items() if value is not None}


def steps_of(told: Mapping[str, Any], wording: Wording) -> int:
    """T of a window [T, B, ...]. Raises ConfigError where nothing is told, or what lacks these axes."""
    for field, value in told.items():
        shape = np.shape(value if hasattr(value, "shape") else as_array(value, field))
        if len(shape) < 2:
            found = f"found shape {list(shape)}"
            raise ConfigError(f"{wording.prefix}{field}: expected axes [T, B, ...], {found}")
        return int(shape[0])
    raise ConfigError("expected what the step reads or writes, found nothing")


def refuse_unknown(told: Iterable[str], known: Iterable[str], prefix: str) -> None:
    """Raises ConfigError for the first name that is not known."""
    for field in told:
        if field not in known:
            raise ConfigError(f"{prefix}{field}: no such column; expected some of {', '.join(known)}")


def lifted(told: Mapping[str, Any]) -> Told:
    """Arrays of one step as a window of one: the axes of size 1 that were left out, and T, put in front.

    Raises ConfigError for a value with more axes than its column has.
    """
    return {field: _lifted(value, field) for field, value in told.items() if value is not None}


def as_array(value: Any, name: str) -> Array:
    """A tensor, an array or a list of either as numpy, not copied where it need not be.

    Raises ConfigError if it is none.
    """
    try:
        return _plain(value)
    except (TypeError, ValueError, RuntimeError):
        found = type(value).__name__
        raise ConfigError(
            f"{name}: expected a tensor, an array or even lists of numbers, found {found}"
        ) from None


def fitting(value: Any, name: str, shape: tuple[int, ...], dataset: str, wording: Wording = WINDOW) -> Array:
    """The value as an array of that shape and of the dataset's kind. Raises ConfigError where it is not."""
    array = as_array(value, name)
    if array.shape != shape:
        expected, found = wording.shape(shape), wording.shape(array.shape)
        raise ConfigError(f"{name}: expected shape {expected}, found {found}")
    dtype = np.dtype(DATASETS[dataset].dtypes[0])
    if dtype == np.uint8:
        array = array != 0
    else:
        require_kind(array, name, dtype)
    return array


def require_kind(array: Array, name: str, dtype: np.dtype[Any]) -> None:
    """Raises ConfigError unless the numbers are of the dtype's kind: integers, or floats."""
    if not np.can_cast(array.dtype, dtype, "same_kind") or array.dtype == bool:
        raise ConfigError(f"{name}: expected {dtype.name} or alike, found {array.dtype.name}")


def require_slots(array: Array, name: str, slots: int) -> None:
    """Raises ConfigError unless all are -1 (no entry) or the number of a slot."""
    if array.size and not -1 <= array.min() <= array.max() < slots:
        found = f"{array.min()} to {array.max()}"
        raise ConfigError(f"{name}: expected slots from -1 to {slots - 1}, found {found}")


def _lifted(value: Any, field: str) -> Any:
    axes = ("B", "N", "W") if field == MEMORY else DATASETS[dataset_of(field)].axes[1:]
    if not (field == MEMORY and hasattr(value, "reshape")):  # of a large memory some rows are copied, no more
        value = as_array(value, field)
    shape = tuple(value.shape)
    if len(shape) > len(axes):
        named = ", ".join(map(str, axes))
        raise ConfigError(f"{field}: expected one step [{named}] or fewer axes, found shape {list(shape)}")
    return value.reshape((1,) * (1 + len(axes) - len(shape)) + shape)


def _plain(value: Any) -> Array:
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        try:
            return np.asarray(value.numpy())
        except TypeError:  # bfloat16, which numpy has not
            return np.asarray(value.float().numpy())
    if isinstance(value, list | tuple) and any(hasattr(v, "__len__") or hasattr(v, "detach") for v in value):
        return np.asarray([_plain(part) for part in value])
    return np.asarray(value)
