"""What a trace will hold: told when its recorder is made, or found in the first step.

Shape legend: T steps, B batch, H heads, N slots, R read entries, E write entries.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from samviz.errors import ConfigError
from samviz.recorder.fields import COLUMNS, INPUT, IO, OUTPUT, SOURCE, TRAINING
from samviz.recorder.layout import step_sizes
from samviz.trace.schema import DATASETS, EVENTS, LINK_EVENTS, Dimensions


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The sizes and columns of a trace; None where they are still to be found."""

    slots: int
    word_size: int
    heads: int
    batch: int
    links: int
    reads: int | None
    read_entries: int | None
    write_entries: int | None
    columns: tuple[str, ...] | None
    io: tuple[str, ...] = ()
    input_size: int = 0
    output_size: int = 0
    source_size: int = 0
    found: bool = False  # whether the columns are those of the first step

    @property
    def complete(self) -> bool:
        """Whether the trace can be made without having seen a step."""
        return None not in (self.reads, self.read_entries, self.write_entries, self.columns)

    @cached_property
    def dimensions(self) -> Dimensions:
        """The sizes; 1 stands for an entry size that is still to be found."""
        return Dimensions(
            slots=self.slots,
            word_size=self.word_size,
            heads=self.heads,
            reads=1 if self.reads is None else self.reads,
            read_entries=1 if self.read_entries is None else self.read_entries,
            write_entries=1 if self.write_entries is None else self.write_entries,
            links=self.links,
            batch=self.batch,
            input_size=self.input_size,
            output_size=self.output_size,
            source_size=self.source_size,
        )

    @cached_property
    def event_fields(self) -> dict[str, str]:
        """The fields of a step that are stored, and their datasets, in the order of the trace."""
        absent = set(COLUMNS) - set(self.columns or ())
        if self.links:
            absent.discard("mode")
        fields = EVENTS | (LINK_EVENTS if self.links else {"mode": LINK_EVENTS["mode"]})
        return {field: name for field, name in fields.items() if field not in absent}

    @cached_property
    def io_fields(self) -> dict[str, str]:
        """Likewise for inputs, outputs and what belongs to them."""
        return {field: name for field, name in IO.items() if field in self.io}

    @cached_property
    def datasets(self) -> tuple[str, ...]:
        """Names of all columns, in the order of the trace."""
        return ("episode", *self.event_fields.values(), *self.io_fields.values())

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of one step [B, ...] of every column."""
        sizes = step_sizes(self.dimensions)
        return {name: DATASETS[name].step_shape(sizes) for name in self.datasets}

    def completed(self, first: Mapping[str, Any]) -> "Plan":
        """The plan with all that the first step or window tells.

        Args:
            first: its fields as arrays [T, B, ...].

        Raises:
            ConfigError: it does not tell how many slots a read names.
        """
        reads = self._found_reads(first)
        entries = reads if self.read_entries is None else self.read_entries
        writes = self._found_writes(first) if self.write_entries is None else self.write_entries
        found = replace(self, reads=reads, read_entries=entries, write_entries=writes)
        if self.columns is not None:
            return found
        sizes = {size: _width(first, field) for field, size in _IO_SIZES.items() if field in first}
        return replace(
            found,
            found=True,
            columns=tuple(field for field in COLUMNS if field in first),
            io=tuple(field for field in IO if field in first or field in self.io or _implied(field, first)),
            **{size: length for size, length in sizes.items() if getattr(self, size) == 0},
        )

    def _found_reads(self, first: Mapping[str, Any]) -> int:
        if self.reads is not None:
            return self.reads
        if "read_slot" not in first and "read_weight" in first:
            return self.slots
        if self.read_entries is not None:
            return self.read_entries
        if "read_slot" in first:
            return _width(first, "read_slot")
        raise ConfigError(
            "reads: expected the number of slots that a head reads, as the first step reads none; "
            "make the recorder with reads=..."
        )

    def _found_writes(self, first: Mapping[str, Any]) -> int:
        if "write_slot" in first:
            return _width(first, "write_slot")
        return self.slots if "write_weight" in first else 1


def make_plan(
    *,
    columns: Collection[str] | None,
    reads: int | None,
    read_entries: int | None,
    training: bool,
    **sizes: Any,
) -> Plan:
    """The plan of a recorder's settings. Raises ConfigError for a column that no trace has."""
    unknown = sorted(set(columns or ()) - set(COLUMNS))
    if unknown:
        raise ConfigError(f"columns: expected some of {', '.join(COLUMNS)}, found {unknown[0]!r}")
    io: tuple[str, ...] = ()
    for size, fields in (("input_size", INPUT), ("output_size", OUTPUT), ("source_size", SOURCE)):
        io += tuple(fields) if sizes[size] > 0 else ()
    return Plan(
        columns=None if columns is None else tuple(columns),
        reads=reads,
        read_entries=reads if read_entries is None else read_entries,
        io=io + (tuple(TRAINING) if training else ()),
        **sizes,
    )


_IO_SIZES = {"input": "input_size", "output": "output_size", "target": "output_size", "source": "source_size"}


def _width(first: Mapping[str, Any], field: str) -> int:
    shape = np.shape(first[field])
    if not shape or shape[-1] == 0:
        raise ConfigError(f"{field}: expected at least one value in a step, found shape {list(shape)}")
    return int(shape[-1])


def _implied(field: str, first: Mapping[str, Any]) -> bool:
    return field == "mask" and "target" in first
