"""A window as the trace holds it: every column checked, what is not known said to be unknown."""

import math
from typing import Any

import numpy as np

from samviz.errors import ConfigError
from samviz.recorder.entries import with_entries
from samviz.recorder.fields import COLUMNS, IO, TRAINING, USAGE
from samviz.recorder.given import Array, Told, Wording, fitting, require_slots
from samviz.recorder.plan import Plan
from samviz.recorder.steps import shifted_steps
from samviz.trace.schema import DATASETS, EVENTS, LINK_EVENTS

Window = dict[str, Array]

# what stands for "not told": an answer without a known target must not look like a wrong one
_UNKNOWN: dict[str, float] = {"target": math.nan, "loss": math.nan, "source": -1}


def checked_window(
    told: Told, io: Told, plan: Plan, steps: int, wording: Wording, *, usage_told: bool
) -> tuple[Window, float]:
    """The columns of a window [T, B, ...] by dataset, and the largest weight that one read lost.

    usage_told: the model tells when its slots were last accessed, and all else as the trace holds it.

    Raises:
        ConfigError: a column is missing, does not fit, or is none of the trace's.
    """
    left_out = 0.0
    _refuse_surplus(told, io, plan)
    one_sided = set(USAGE) & told.keys()
    if not usage_told and one_sided:
        expected = "from the first step on, both or none"
        raise ConfigError(f"{wording.prefix}{min(one_sided)}: expected {' and '.join(USAGE)} {expected}")
    if not usage_told:
        told, left_out = with_entries(told, plan.dimensions, steps, wording)
    window = _events(told, plan, steps, wording, computed=() if usage_told else USAGE)
    return window | _io(io, plan, steps, wording), left_out


def earlier_steps(steps: Array, shift: int, first: int, name: str, wording: Wording) -> Array:
    """Steps of the model, told of a window whose first step is `first`, as steps of the trace.

    Raises:
        ConfigError: one is not earlier than the step that names it.
    """
    moved = shifted_steps(steps, shift)
    own = np.arange(first, first + len(moved)).reshape(-1, *[1] * (moved.ndim - 1))
    late = moved >= own
    if late.any():
        at = tuple(int(part) for part in np.argwhere(late)[0])
        field = next(field for field, dataset in (EVENTS | IO).items() if dataset == name)
        label = (wording.prefix if field in EVENTS else "") + field
        raise ConfigError(
            f"{label}: expected steps before their own, found {steps[at]} at the model's step "
            f"{at[0] + first - shift}; tell first_step where the model does not count from 0"
        )
    return moved


def _events(told: Told, plan: Plan, steps: int, wording: Wording, computed: tuple[str, ...]) -> Window:
    """What the memory did, but for the fields that the recorder computes."""
    window = {}
    for field, name in plan.event_fields.items():
        if field in computed:
            continue
        label = wording.prefix + field
        if field not in told:
            reason = (
                f"links={plan.links}" if field in LINK_EVENTS and plan.links else "the trace has this column"
            )
            raise ConfigError(f"{label}: expected a tensor, as {reason}, found none")
        array = fitting(told[field], label, (steps, *plan.shapes[name]), name, wording)
        if field.endswith("_slot"):
            require_slots(array, label, plan.slots)
        if field.endswith("_weight") and not np.isfinite(array).all():
            found = array[~np.isfinite(array)][0]
            raise ConfigError(f"{label}: expected finite weights, found {found}")
        window[name] = array
    return window


def _io(told: Told, plan: Plan, steps: int, wording: Wording) -> Window:
    """Inputs, outputs and what belongs to them."""
    if "mask" not in told:
        told = told | {"mask": np.full((steps, plan.batch), "target" in told)}
    window = {}
    for field, name in plan.io_fields.items():
        shape = (steps, *plan.shapes[name])
        value: Any = told.get(field)
        if value is None:
            if field not in _UNKNOWN:
                raise ConfigError(f"{field}: expected shape {wording.shape(shape)}, found none")
            value = np.full(shape, _UNKNOWN[field], DATASETS[name].dtypes[0])
        window[name] = fitting(value, field, shape, name, wording)
    return window


def _refuse_surplus(told: Told, io: Told, plan: Plan) -> None:
    """Refuse what was not there from the first step on, or what the recorder was not made for."""
    for field in (*told, *io):
        if field in plan.event_fields or field in plan.io_fields:
            continue
        reason = None
        if field in LINK_EVENTS and field not in COLUMNS:
            reason = "as the recorder was made without links; give links=..."
        elif plan.found and (field in COLUMNS or field in io):
            reason = "as the first step had none; give it from the first step on"
        elif field in TRAINING:
            reason = "as the recorder was made without it; give training=True"
        elif field in io:
            reason = "as the recorder was made without its size; give the size"
        if reason:
            raise ConfigError(f"{field}: expected none, {reason}")
