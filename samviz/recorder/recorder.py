"""Record a memory step by step: what a model did to it in, a trace out."""

import operator
import os
import warnings
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from samviz.errors import ConfigError, RecordingStopped, TraceError
from samviz.new_file import check_target
from samviz.recorder.buffer import BlockBuffer
from samviz.recorder.check import CHECK_STEPS, check_fits, check_rows
from samviz.recorder.fields import COLUMNS, IO, USAGE
from samviz.recorder.file import TraceFile
from samviz.recorder.given import (
    STEP,
    WINDOW,
    Array,
    Told,
    Wording,
    lifted,
    refuse_unknown,
    steps_of,
    told_by,
)
from samviz.recorder.layout import encode_meta
from samviz.recorder.making import Making
from samviz.recorder.plan import Plan, make_plan
from samviz.recorder.start import start_rows
from samviz.recorder.steps import STEP_VALUED
from samviz.recorder.usage import LastAccesses
from samviz.recorder.window import Window, checked_window, earlier_steps
from samviz.trace.schema import CHUNK_STEPS, LINK_EVENTS


class Recorder:
    """Writes one trace, in steps or windows, while it can already be read. Use it as a context manager.

    Any network whose memory has slots can be recorded; what a model does not know is left out, and the trace
    holds no column for it. `step` takes the arrays of one step, `append` those of a window.

    path: the new file (its folder is made where missing); one that exists is refused unless `overwrite`.
    slots, word_size, heads, batch: N, W, H, B.
    reads (K): slots that a head reads; all of them where weights over all slots are recorded.
    read_entries (R): entries of a read in the trace, by default K; of fewer, the largest weights are kept.
    write_entries (E): entries of a head's write. links (L): links of a slot, in an SDNC.
    columns: what the trace holds besides reads and writes, of read_score, read_query, read_word, write_word,
    alpha, gamma, beta and mode (always there where links > 0).
    input_size, output_size, source_size, training: which columns of io it holds, and how wide.
    All that is not told is found in the first step, and the file is made then; it is made at once where
    reads, write_entries and columns are told.
    access_threshold: a slot counts as accessed where the weights of one head there add up to more.
    last_write_erases: whether the last entry of a head's write is a slot that was erased first.
    start_memory: [B, N, W], what the memory held before the first step, if it was not all zero.
    meta: JSON-able description of model and task. weights: the checkpoint's safetensors bytes.
    checks: whether rows of the live memory are stored now and then, for `samviz verify` (see `append`).
    chunk_steps: steps that become readable together; 1 to 16 suits a slow source that is watched live.
    fsync_s: seconds between syncs to disk (for power loss; a killed process loses nothing committed).
    size_limit: bytes that the file may grow to. Where it, or the disk, is full, recording stops with what is
    whole; `on_stop` is called once with the reason (default: a RecordingStopped warning), and the program
    goes on: what is appended later is dropped.
    Raises TraceError where the file cannot be made, ConfigError where the settings do not fit.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        slots: int,
        word_size: int,
        heads: int = 1,
        reads: int | None = None,
        read_entries: int | None = None,
        write_entries: int | None = None,
        links: int = 0,
        batch: int = 1,
        columns: Collection[str] | None = None,
        input_size: int = 0,
        output_size: int = 0,
        source_size: int = 0,
        training: bool = False,
        access_threshold: float = 0.005,
        last_write_erases: bool = False,
        start_memory: Any = None,
        meta: Mapping[str, Any] | None = None,
        weights: bytes | None = None,
        checks: bool = False,
        chunk_steps: int = CHUNK_STEPS,
        overwrite: bool = False,
        fsync_s: float = 5.0,
        size_limit: int | None = None,
        on_stop: Callable[[str], None] | None = None,
    ) -> None:
        if size_limit is not None and size_limit <= 0:
            raise ConfigError(f"size_limit: expected a number of bytes > 0, found {size_limit}")
        self._path = Path(path)
        self._plan = make_plan(
            slots=slots,
            word_size=word_size,
            heads=heads,
            batch=batch,
            links=links,
            reads=reads,
            read_entries=read_entries,
            write_entries=write_entries,
            columns=columns,
            input_size=input_size,
            output_size=output_size,
            source_size=source_size,
            training=training,
        )
        self._making: Making | None = Making(  # none once the file is made
            meta=encode_meta(meta),
            start={} if start_memory is None else start_rows(start_memory, batch, slots, word_size),
            weights=weights,
            checks=checks and check_fits(word_size),
            chunk_steps=chunk_steps,
            access_threshold=access_threshold,
            last_write_erases=last_write_erases,
            overwrite=overwrite,
            fsync_s=fsync_s,
            size_limit=size_limit,
        )
        self._starts_full = bool(self._making.start)
        self._next_check = 0 if self._making.checks else None
        self._episode = 0
        self._left_out = 0.0
        self._on_stop = on_stop or _warn
        self._stopped: str | None = None
        self._closed = False
        self._process = os.getpid()
        self._usage: LastAccesses | None = None
        self._follow = partial(LastAccesses, batch, slots, access_threshold)
        if self._plan.complete:
            self._make(self._plan)
        else:
            self._making.check(self._plan)
            check_target(self._path, overwrite)

    @property
    def path(self) -> Path:
        """Where the trace lies."""
        return self._path

    @property
    def n_steps(self) -> int:
        """Steps recorded; those not yet in the file are written by `close` at the latest."""
        if self._making is not None:
            return 0
        return self._file.committed if self._stopped else self._buffer.stop

    @property
    def stopped(self) -> str | None:
        """Why recording stopped early; None while all is well."""
        return self._stopped

    @property
    def left_out(self) -> float:
        """The largest weight that one read of one head lost, as the trace holds its largest entries alone."""
        return self._left_out

    def step(
        self,
        *,
        read_weight: Any = None,
        read_slot: Any = None,
        write_weight: Any = None,
        write_slot: Any = None,
        write_row: Any = None,
        memory: Any = None,
        episode: int | None = None,
        **columns: Any,
    ) -> None:
        """Append one step; everything is copied, so the caller may go on to change it.

        Tensors, arrays or numbers. Leading axes may be left out where they are 1: B, or B and H. A step
        writes, then reads.

        read_weight, read_slot: [B, H, n] the slots that each head read, with their weights. Without slots the
        weights are those of slots 0, 1, 2, ...: dense attention, over all slots or those there are so far.
        write_weight, write_slot: likewise what was written. A head axis of 1: all is written by head 0.
        write_row: [B, H, n, W] the content of the slots written, at the end of the step; or
        memory: [B, N, W] all of it at the end of the step, of which the rows written are taken.
        episode: its number, never below the last one, which it is by default. The memory starts afresh, all
        zero, where it changes; a memory that lives on stays in one episode.
        columns: what else is known. read_query, read_word, write_word [B, H, W]; read_score, as read_weight;
        alpha, gamma, beta [B, H]; mode [B, H, 3]; input [B, I]; output, target [B, O]; mask, loss [B];
        source [B, S], earlier steps of the trace; train_step, a number. Those of the first step come with
        every step, but target, mask, loss and source may be missing where they are not known.
        Raises ConfigError where something does not fit (the step is not recorded then), TraceError after
        `close`, or where the file cannot be made.
        """
        reads = {"read_slot": read_slot, "read_weight": read_weight}
        writes = {"write_slot": write_slot, "write_weight": write_weight, "write_row": write_row}
        events = reads | writes | {"memory": memory}
        refuse_unknown(columns, (*events, *COLUMNS, *(LINK_EVENTS if self._plan.links else ()), *IO), "")
        train_step = columns.pop("train_step", None)
        io = lifted({field: columns.pop(field) for field in IO if field in columns})
        told = lifted(events | columns)
        self._add(told, io, STEP, episode, first_step=self.n_steps, train_step=train_step)

    def append(
        self,
        events: Any,
        *,
        episode: int | None = None,
        first_step: int = 0,
        input: Any = None,
        output: Any = None,
        target: Any = None,
        mask: Any = None,
        loss: Any = None,
        source: Any = None,
        train_step: int | None = None,
        check: Any = None,
    ) -> None:
        """Append one window of T steps; everything is copied, so the caller may go on to change it.

        events: the model's Events, a mapping, or any object with such attributes: the arrays of `step` with a
        first axis T, and all other axes. A model that keeps the last access of its slots itself tells it as
        read_usage and write_usage; then slots, weights and rows are expected as the trace holds them.
        episode: its number, never below the last one, which it is by default.
        first_step: the model's step counter at the window's first step; usage and `source` count like it.
        input, output, target, mask, loss, source: tensors or arrays [T, B, ...]; a target, mask, loss or
        source that is not known may be left out (NaN, 0, NaN, -1).
        train_step: the optimizer's step that the window was recorded at.
        check: [B, N, W], the model's memory at the end of the window. Some of its rows are stored, every 256
        steps, if the recorder was made with `checks`.
        Raises ConfigError where something does not fit (the window is not recorded then), TraceError after
        `close`, or where the file cannot be made.
        """
        io = {
            "input": input,
            "output": output,
            "target": target,
            "mask": mask,
            "loss": loss,
            "source": source,
        }
        io = {field: value for field, value in io.items() if value is not None}
        told = told_by(events)
        self._add(told, io, WINDOW, episode, first_step=first_step, train_step=train_step, check=check)

    def _add(
        self,
        told: Told,
        io: Told,
        wording: Wording,
        episode: int | None,
        *,
        first_step: int,
        train_step: int | None,
        check: Any = None,
    ) -> None:
        """Check a window, make the file if it is the first, and let the window in."""
        if self._closed:
            raise TraceError(f"{self.path}: the recorder is closed; record into a new file")
        if self._stopped is not None or self._is_a_fork():
            return
        steps = steps_of(told | io, wording)
        if train_step is not None:
            io = io | {"train_step": np.full((steps, self._plan.batch), train_step)}
        first = self.n_steps
        plan = self._plan if self._making is None else self._plan.completed(told | io)
        usage = self._usage
        if first == 0:
            usage = None if set(USAGE) <= told.keys() else self._follow()
        window, left_out = checked_window(told, io, plan, steps, wording, usage_told=usage is None)
        number = self._episode if episode is None else _whole(episode)
        window["episode"] = self._check_episode(number, steps)
        for name in STEP_VALUED:
            if name in window:
                window[name] = earlier_steps(window[name], first - first_step, first, name, wording)
        rows = self._true_rows(check, window, first + steps - 1, plan)
        if self._making is not None:
            self._make(plan)
        with self._ending_where_interrupted():
            if usage is not None:
                if number != self._episode:
                    usage.forget()
                window |= usage.follow(window, first)
            self._usage, self._episode, self._left_out = usage, number, max(self._left_out, left_out)
            self._unless_stopped(lambda: self._take_in(window, steps, rows))

    def commit(self) -> None:
        """Let readers see all steps that fill whole chunks: all there are where chunk_steps is 1."""
        self._unless_stopped(self._commit)

    def close(self) -> None:
        """Write what is left, mark the trace complete and close it. A second call does nothing.

        Where the file was to be made at the first step, and there was none, there is no file.
        """
        self._close(complete=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._close(complete=kind is None)

    def _make(self, plan: Plan) -> None:
        assert self._making is not None
        self._buffer, self._file = self._making.make(self._path, plan)
        self._plan, self._making = plan, None
        # a program that ends without closing its recorder loses nothing, either
        self._finalizer = weakref.finalize(self, _close_forgotten, self._file, self._buffer, self._process)

    def _close(self, *, complete: bool) -> None:
        if self._closed or self._is_a_fork():
            return
        self._unless_stopped(lambda: self._file.close(self._buffer.rest(), complete=complete))
        self._closed = True
        if self._making is None:
            self._finalizer.detach()

    def _unless_stopped(self, write: Callable[[], None]) -> None:
        """Write, unless recording has stopped; where that fails it stops, and the program goes on."""
        if self._stopped is not None or self._making is not None:
            return
        try:
            write()
        except TraceError as error:
            self._stopped = str(error)
            self._on_stop(self._stopped)

    @contextmanager
    def _ending_where_interrupted(self) -> Iterator[None]:
        """Ctrl-C may have let in a part of a window: that is kept, and nothing can follow it."""
        try:
            yield
        except BaseException:
            if self._stopped is None:
                self._stopped = f"{self.path}: recording was interrupted; record into a new file"
                with suppress(TraceError):
                    self._file.close(self._buffer.rest(), complete=False)
            raise

    def _is_a_fork(self) -> bool:
        """Whether this is a child that was forked while its parent records: the file is the parent's."""
        return os.getpid() != self._process

    def _true_rows(self, memory: Any, window: Window, last: int, plan: Plan) -> Window | None:
        """What /check is to hold of the memory at the end of the window, if it is time to."""
        if memory is None or self._next_check is None or last < self._next_check:
            return None
        sizes = plan.dimensions
        return check_rows(memory, window["write/slot"], last, (sizes.batch, sizes.slots, sizes.word_size))

    def _take_in(self, window: Window, steps: int, rows: Window | None) -> None:
        if rows is not None:  # before the steps: what the next commit counts is there
            self._file.append_rows(rows)
            self._next_check = int(rows["check/step"][-1]) + CHECK_STEPS
        for block in self._buffer.add(window, steps):
            self._file.write(block)
        if self._file.overdue:
            self._write_whole_chunks()

    def _commit(self) -> None:
        self._write_whole_chunks()
        self._file.commit()

    def _write_whole_chunks(self) -> None:
        for block in self._buffer.whole_chunks():
            self._file.write(block)

    def _check_episode(self, episode: int, steps: int) -> Array:
        if not self._episode <= episode < 2**31:
            raise ConfigError(f"episode: expected a number from {self._episode} on, found {episode}")
        if self._starts_full and self.n_steps and episode != self._episode:
            raise ConfigError(
                f"episode: expected {self._episode} to the end, found {episode}: start_memory holds for one "
                "episode, later ones begin with an empty memory; record each into a trace of its own"
            )
        return np.full((steps, self._plan.batch), episode, np.int32)


def _whole(episode: int) -> int:
    try:
        return operator.index(episode)
    except TypeError:
        raise ConfigError(f"episode: expected a whole number, found {episode!r}") from None


def _warn(reason: str) -> None:
    warnings.warn(reason, RecordingStopped, stacklevel=5)


def _close_forgotten(file: TraceFile, buffer: BlockBuffer, process: int) -> None:
    """Close a recorder that nobody can close any more; not in a fork, whose parent goes on with the file."""
    if os.getpid() == process:
        with suppress(TraceError):
            file.close(buffer.rest(), complete=False)
