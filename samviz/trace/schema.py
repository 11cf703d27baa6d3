"""The trace format, version 1.0, as one table: every attribute, dataset, dtype and dimension.

traces/README.md is the same table in words. Sizes are named by symbols: T steps, B batch, H heads, N slots,
W word size, K reads, R read entries, E write entries, L links, I/O input and output size; the other symbols
are free, but must agree between the datasets that use them.
"""

import math
from dataclasses import dataclass
from typing import Literal

FORMAT = b"samviz-trace"
VERSION = (1, 0)
CHUNK_STEPS = 64
ROW_CHUNK_STEPS = 16
META_BYTES = 60_000
CHUNK_BYTES = 64 * 2**20
INFLATION = 200
CHECK_SLOTS = 256  # the width of /check/slot
GROWING = ("T", "C")  # axes that grow while a trace is written, one dataset after the other

STATUS = ("recording", "complete", "stopped early")

START = ("start/slot", "start/batch", "start/row", "start/last_access")
CHECK = ("check/step", "check/batch", "check/slot", "check/row")

SIGNATURE = b"\x89HDF\r\n\x1a\n"

Need = Literal["core", "own", "sdnc", "optional"]


@dataclass(frozen=True, kw_only=True)
class Dimensions:
    """The sizes of a recorded memory; an io size is 0 where the trace holds no such dataset."""

    slots: int
    word_size: int
    heads: int
    reads: int
    read_entries: int
    write_entries: int
    links: int
    batch: int
    input_size: int = 0
    output_size: int = 0
    source_size: int = 0

    def symbols(self) -> dict[str, int]:
        """Sizes that the attributes fix, by the symbol the table uses."""
        return {
            "B": self.batch,
            "H": self.heads,
            "N": self.slots,
            "W": self.word_size,
            "K": self.reads,
            "R": self.read_entries,
            "E": self.write_entries,
            "L": self.links,
        }


@dataclass(frozen=True)
class Dataset:
    """One dataset: its name (no leading slash), the dtypes allowed (the usual one first), its axes, its need.

    need: "core" in every trace; "own" in those of samviz's own models; "sdnc" where links > 0; "optional".
    """

    name: str
    dtypes: tuple[str, ...]
    axes: tuple[str | int, ...]
    need: Need

    @property
    def per_step(self) -> bool:
        """Whether the first axis counts steps and grows."""
        return self.axes[0] == "T"

    @property
    def checked(self) -> bool:
        """Whether the dataset carries a fletcher32 checksum; the commit records do not."""
        return self.name not in ("n_steps", "status")

    def step_shape(self, sizes: dict[str, int]) -> tuple[int, ...]:
        """Shape of one step (the axes after T), given the size of every symbol."""
        return tuple(axis if isinstance(axis, int) else sizes[axis] for axis in self.axes[1:])

    def chunk_steps(self, chunk_steps: int) -> int:
        """Steps in one chunk of this dataset, in a trace whose other chunks hold `chunk_steps`."""
        if self.name != "write/row" or chunk_steps <= ROW_CHUNK_STEPS:
            return chunk_steps
        return math.gcd(chunk_steps, ROW_CHUNK_STEPS)


def _table(need: Need, text: str) -> list[Dataset]:
    rows = (line.split() for line in text.strip().splitlines())
    return [
        Dataset(
            name,
            tuple(f"<{code}" if code != "u1" else code for code in dtypes.split("|")),
            tuple(int(axis) if axis.isdigit() else axis for axis in axes.split(",")),
            need,
        )
        for name, dtypes, axes in rows
    ]


DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in [
        *_table(
            "core",
            """
            n_steps                 i8      1
            status                  u1      1
            episode                 i4      T,B
            read/slot               i4      T,B,H,R
            read/weight             f4      T,B,H,R
            write/slot              i4      T,B,H,E
            write/weight            f4      T,B,H,E
            write/row               f4|f2   T,B,H,E,W
            usage/read              i4      T,B,H,R
            usage/write             i4      T,B,H,E
            """,
        ),
        *_table(
            "own",
            """
            read/query              f4      T,B,H,W
            read/word               f4      T,B,H,W
            read/score              f4      T,B,H,R
            write/word              f4      T,B,H,W
            gate/alpha              f4      T,B,H
            gate/gamma              f4      T,B,H
            gate/beta               f4      T,B,H
            io/input                f4      T,B,I
            io/output               f4      T,B,O
            io/target               f4      T,B,O
            io/mask                 u1      T,B
            io/loss                 f4      T,B
            model/weights           u1      bytes
            """,
        ),
        *_table(
            "sdnc",
            """
            gate/mode               f4      T,B,H,3
            link/precedence_slot    i4      T,B,H,L
            link/precedence_weight  f4      T,B,H,L
            link/forward_slot       i4      T,B,H,K
            link/forward_weight     f4      T,B,H,K
            link/backward_slot      i4      T,B,H,K
            link/backward_weight    f4      T,B,H,K
            """,
        ),
        *_table(
            "optional",
            """
            io/source               i4      T,B,S
            io/train_step           i8      T,B
            start/slot              i4      S0
            start/batch             i4      S0
            start/row               f4      S0,W
            start/last_access       i8      S0
            controller/hidden       f4      T,B,D
            controller/cell         f4      T,B,D
            check/step              i8      C
            check/batch             i4      C
            check/slot              i4      C,256
            check/row               f4      C,256,W
            """,
        ),
    ]
}

# name: smallest and largest lawful value
INTEGER_ATTRIBUTES: dict[str, tuple[int, int]] = {
    "slots": (1, 2**28),
    "word_size": (1, 2**20),
    "heads": (1, 2**16),
    "reads": (1, 2**28),
    "read_entries": (1, 2**28),
    "write_entries": (1, 2**28),
    "links": (0, 2**16),
    "batch": (1, 2**20),
    "chunk_steps": (1, 2**16),
    "last_write_erases": (0, 1),
}
TEXT_ATTRIBUTES = ("uuid", "created", "meta")

# what a memory did, by the names that models and recorders give it
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
