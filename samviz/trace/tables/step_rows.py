"""The table "steps": a row for every step and batch element, with what the trace holds one number of.

Columns that the trace lacks are absent. A gate has a column for each head, alpha_0 for the first; an unknown
loss is NaN here, and null in Arrow.
"""

import numpy as np

from samviz.trace.hdf5.column import Array
from samviz.trace.opened import Opened

MODES = ("backward", "content", "forward")  # the order of /gate/mode


def step_rows(trace: Opened, start: int, stop: int, batch: slice) -> dict[str, Array]:
    """Steps [start, stop) as columns of one length. Raises TraceError where the file is damaged."""
    episode = trace["episode"][start:stop, batch]  # [n, B]
    step, element = np.indices(episode.shape, np.int32)
    columns: dict[str, Array] = {"step": np.asarray(step + np.int64(start)), "episode": episode}
    for name in ("loss", "mask", "train_step"):
        if f"io/{name}" in trace:
            values = trace[f"io/{name}"][start:stop, batch]
            columns[name] = values == 1 if name == "mask" else values
    for name in ("alpha", "gamma", "beta"):
        if f"gate/{name}" in trace:
            columns |= _by_head(name, trace[f"gate/{name}"][start:stop, batch])
    if "gate/mode" in trace:
        mode = trace["gate/mode"][start:stop, batch]  # [n, B, H, 3]
        for index, name in enumerate(MODES):
            columns |= _by_head(f"mode_{name}", mode[..., index])
    columns["batch"] = batch.start + element
    return {name: values.ravel() for name, values in columns.items()}


def _by_head(name: str, gate: Array) -> dict[str, Array]:
    """A gate [n, B, H] as a column [n, B] for each head."""
    return {f"{name}_{head}": gate[..., head] for head in range(gate.shape[-1])}
