"""Make a demo trace: run the scripted memory window by window, and record it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samviz.demo.answers import input_size, io_columns, task_meta, value_bits
from samviz.demo.memory import (
    begin_next,
    empty_journal,
    events_of,
    fresh_memory,
    item_bytes,
    no_answers,
    no_candidates,
    no_items,
    physical_bytes,
    shortened,
    slot_bytes,
)
from samviz.demo.script import scripts
from samviz.errors import ConfigError
from samviz.kernels.rows import rows_after
from samviz.kernels.scripted import EXACT_BELOW, scripted_window
from samviz.recorder import Recorder
from samviz.trace.schema import Dimensions
from samviz.versions import library_versions

WINDOW_STEPS = 1024
DELTA = 0.005
MOST_STEPS = 2**31 - 1  # steps are kept in four bytes


@dataclass(frozen=True, kw_only=True)
class Demo:
    """How large the memory is, how long it is watched, and the seed that determines it all.

    Raises:
        ConfigError: sizes that no memory can have.
    """

    steps: int = 2000
    slots: int = 1024
    word_size: int = 32
    heads: int = 4
    reads: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"steps": 1, "heads": 1, "reads": 1, "slots": max(self.heads, self.reads), "word_size": 4}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise ConfigError(f"{name} must be at least {low}, found {getattr(self, name)}")
        if self.steps > MOST_STEPS:
            raise ConfigError(f"steps must be at most {MOST_STEPS:,}, found {self.steps:,}")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed must be from 0 to 2^63 - 1, found {self.seed}")

    @property
    def dimensions(self) -> Dimensions:
        """The sizes of the trace."""
        bits = value_bits(self.word_size)
        return Dimensions(
            slots=self.slots,
            word_size=self.word_size,
            heads=self.heads,
            reads=self.reads,
            read_entries=self.reads,
            write_entries=self.reads + 1,
            links=0,
            batch=1,
            input_size=input_size(bits),
            output_size=bits,
            source_size=1,
        )


def generate(
    demo: Demo,
    path: Path,
    *,
    overwrite: bool = False,
    report: Callable[[int], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Write the trace of one long episode; returns its steps, fewer where `stop()` said so.

    report: told how many steps were just added.

    Raises:
        ConfigError: a memory that is too large to record, or more than this machine can hold.
        TraceError: the trace cannot be written.
    """
    _require_memory(demo)
    sizes = demo.dimensions
    settings: dict[str, Any] = {
        "meta": _meta(demo),
        "access_threshold": DELTA,
        "last_write_erases": True,
        "overwrite": overwrite,
    }
    with Recorder(path, **sizes.__dict__, **settings) as recorder:
        memory, items = fresh_memory(sizes), no_items(demo.steps, sizes)
        room, candidates = empty_journal(min(WINDOW_STEPS, demo.steps), sizes), no_candidates(sizes)
        rows = np.zeros((*room.write_slot.shape, sizes.word_size), np.float32)
        fixed = np.uint64(demo.seed), np.float32(DELTA)
        done = 0
        for script in scripts(demo.seed, demo.steps, sizes.heads, WINDOW_STEPS):
            if stop():
                break
            steps = len(script.kind)
            journal, answers = shortened(room, steps), no_answers(steps, sizes.output_size)
            scripted_window(memory, journal, script, items, answers, candidates, *fixed, done)
            rows_after(memory, journal, rows[:steps])
            events: Any = events_of(journal, rows[:steps])
            recorder.append(events, episode=0, first_step=done, **io_columns(script, answers)._asdict())
            begin_next(room, steps)
            done += steps
            report(steps)
    return done


def _require_memory(demo: Demo) -> None:
    """Refuse before anything is made what does not fit into the machine: the slots, and an item each step."""
    step, slot = item_bytes(demo.heads), slot_bytes(demo.word_size)
    needed, there = demo.steps * step + demo.slots * slot, physical_bytes()
    if needed > there:
        advice = "ask for fewer slots" if demo.slots * slot > demo.steps * step else "ask for fewer steps"
        raise ConfigError(
            f"expected a demo that fits into this machine's memory of {there:,} bytes, found one that needs "
            f"{needed:,} ({demo.steps:,} steps of {step} bytes, {demo.slots:,} slots of {slot}); {advice}"
        )


def _meta(demo: Demo) -> dict[str, Any]:
    sizes = ("slots", "word_size", "heads", "reads", "steps")
    return {
        "model": {"class": "demo memory", "config": {name: getattr(demo, name) for name in sizes}},
        "task": task_meta(value_bits(demo.word_size)),
        "seed": demo.seed,
        "index": "exact" if demo.slots <= EXACT_BELOW else "scripted",
        "output_kind": "bits",
        "versions": library_versions(),
        "git_commit": None,
        "user": {},
    }
