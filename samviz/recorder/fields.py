"""Which field of a step goes into which dataset of the trace."""

from samviz.trace.schema import EVENTS, LINK_EVENTS

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
