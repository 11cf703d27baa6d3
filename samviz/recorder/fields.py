"""Which field of a step goes into which dataset of the trace."""

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
IO = INPUT | OUTPUT | SOURCE | TRAINING

# The whole memory [N, W]: not stored, the rows written are taken out of it.
MEMORY = "memory"
USAGE = ("read_usage", "write_usage")

# What a model may lack. Samviz's own have all but some of the gates.
UNGATED_COLUMNS = ("read_score", "read_query", "read_word", "write_word")
OWN_COLUMNS = (*UNGATED_COLUMNS, "alpha", "gamma", "beta")
COLUMNS = (*OWN_COLUMNS, "mode")


def dataset_of(field: str) -> str:
    """The dataset that a field is stored in."""
    return (EVENTS | LINK_EVENTS | IO)[field]
