"""Which event of the model goes into which dataset of the trace."""

from collections.abc import Collection

from samviz.errors import ConfigError

EVENTS: dict[str, str] = {
    "read_slot": "read/slot",
    "read_weight": "read/weight",
    "read_score": "read/score",
    "read_query": "read/query",
    "read_word": "read/word",
    "read_usage": "usage/read",
    "write_slot": "write/slot",
    "write_weight": "write/weight",
    "write_row": "write/row",
    "write_word": "write/word",
    "write_usage": "usage/write",
    "alpha": "gate/alpha",
    "gamma": "gate/gamma",
    "beta": "gate/beta",
}
# of these a model may lack some
GATES = ("alpha", "beta", "gamma", "mode")

LINK_EVENTS: dict[str, str] = {
    "mode": "gate/mode",
    "precedence_slot": "link/precedence_slot",
    "precedence_weight": "link/precedence_weight",
    "forward_slot": "link/forward_slot",
    "forward_weight": "link/forward_weight",
    "backward_slot": "link/backward_slot",
    "backward_weight": "link/backward_weight",
}

INPUT = {"input": "io/input"}
OUTPUT = {"output": "io/output", "target": "io/target", "mask": "io/mask", "loss": "io/loss"}
SOURCE = {"source": "io/source"}
TRAINING = {"train_step": "io/train_step"}


def event_fields(links: int, gates: Collection[str]) -> dict[str, str]:
    """The fields of the events to record: all but the gates that are not given.

    Raises:
        ConfigError: a gate that no trace has.
    """
    unknown = sorted(set(gates) - set(GATES))
    if unknown:
        raise ConfigError(f"gates: expected some of {', '.join(GATES)}, found {unknown[0]!r}")
    untold = set(GATES) - set(gates)
    if links:
        untold.discard("mode")
    fields = EVENTS | (LINK_EVENTS if links else {"mode": LINK_EVENTS["mode"]})
    return {field: name for field, name in fields.items() if field not in untold}
