"""Record a sparse memory: the model's events in, a trace out."""

import math
import os
import warnings
import weakref
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import h5py
import numpy as np
import numpy.typing as npt

from samviz.errors import ConfigError, RecordingStopped, TraceError
from samviz.recorder.buffer import BlockBuffer, to_array
from samviz.recorder.fields import INPUT, LINK_EVENTS, OUTPUT, SOURCE, TRAINING, event_fields
from samviz.recorder.file import COMMIT_STEPS, TraceFile
from samviz.recorder.layout import check_settings, create_datasets, encode_meta, step_sizes, write_header
from samviz.trace.schema import CHUNK_STEPS, DATASETS, Dimensions

if TYPE_CHECKING:  # any object with these arrays will do: recording needs no torch
    from samviz.model.events import Events

Array = npt.NDArray[Any]

# what stands for "not told": an answer without a known target must not look like a wrong one
_UNKNOWN: dict[str, float] = {"target": math.nan, "loss": math.nan, "source": -1}


class Recorder:
    """Writes one trace, window by window, while it can already be read. Use it as a context manager.

    path: the new file (its folder is made where missing); one that exists is refused unless `overwrite`.
    slots, word_size, heads, reads, links, batch: N, W, H, K, L, B. read_entries (R) defaults to reads,
    write_entries (E) to R + 1. input_size, output_size, source_size: 0 for a trace without such io columns.
    training: whether to store the optimizer's step with each window (a trace made while weights change).
    gates: those that the model has, of alpha, gamma, beta and mode (always there where links > 0).
    meta: JSON-able description of model and task. weights: the checkpoint's safetensors bytes.
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
        heads: int,
        reads: int,
        read_entries: int | None = None,
        write_entries: int | None = None,
        links: int = 0,
        batch: int = 1,
        input_size: int = 0,
        output_size: int = 0,
        source_size: int = 0,
        training: bool = False,
        access_threshold: float = 0.005,
        last_write_erases: bool = True,
        gates: Collection[str] = ("alpha", "gamma", "beta"),
        meta: Mapping[str, Any] | None = None,
        weights: bytes | None = None,
        chunk_steps: int = CHUNK_STEPS,
        overwrite: bool = False,
        fsync_s: float = 5.0,
        size_limit: int | None = None,
        on_stop: Callable[[str], None] | None = None,
    ) -> None:
        if size_limit is not None and size_limit <= 0:
            raise ConfigError(f"size_limit: expected a number of bytes > 0, found {size_limit}")
        read_entries = reads if read_entries is None else read_entries
        self._dimensions = Dimensions(
            slots=slots,
            word_size=word_size,
            heads=heads,
            reads=reads,
            read_entries=read_entries,
            write_entries=read_entries + 1 if write_entries is None else write_entries,
            links=links,
            batch=batch,
            input_size=input_size,
            output_size=output_size,
            source_size=source_size,
        )
        self._events = event_fields(links, gates)
        self._io = self._io_fields() | (TRAINING if training else {})
        names = ["episode", *self._events.values(), *self._io.values()]
        check_settings(self._dimensions, chunk_steps, access_threshold, names)
        encoded = encode_meta(meta)

        def build(file: h5py.File) -> dict[str, h5py.Dataset]:
            write_header(
                file,
                self._dimensions,
                chunk_steps=chunk_steps,
                access_threshold=access_threshold,
                last_write_erases=last_write_erases,
                meta=encoded,
            )
            return create_datasets(file, names, self._dimensions, chunk_steps, weights)

        self._shapes = {name: DATASETS[name].step_shape(step_sizes(self._dimensions)) for name in names}
        self._buffer = BlockBuffer(self._shapes, chunk_steps, COMMIT_STEPS)
        self._file = TraceFile(
            Path(path),
            build,
            overwrite=overwrite,
            fsync_s=fsync_s,
            size_limit=size_limit,
            first_bytes=len(weights or b""),
        )
        self._episode = 0
        self._on_stop = on_stop or _warn
        self._stopped: str | None = None
        self._closed = False
        # a program that ends without closing its recorder loses nothing, either
        self._finalizer = weakref.finalize(self, _close_forgotten, self._file, self._buffer, os.getpid())

    @property
    def path(self) -> Path:
        """Where the trace lies."""
        return self._file.path

    @property
    def n_steps(self) -> int:
        """Steps recorded; those not yet in the file are written by `close` at the latest."""
        return self._file.committed if self._stopped else self._buffer.stop

    @property
    def stopped(self) -> str | None:
        """Why recording stopped early; None while all is well."""
        return self._stopped

    def append(
        self,
        events: "Events",
        *,
        episode: int,
        first_step: int = 0,
        input: Any = None,
        output: Any = None,
        target: Any = None,
        mask: Any = None,
        loss: Any = None,
        source: Any = None,
        train_step: int | None = None,
    ) -> None:
        """Append one window of T steps; everything is copied, so the caller may go on to change it.

        episode: its number, never below the last one; the memory starts afresh where it changes.
        first_step: the model's step counter at the window's first step; usage and `source` count like it.
        input, output, target, mask, loss, source: tensors or arrays [T, B, ...] of the sizes told at the
        start; a target, loss or source that is not known may be left out (NaN, NaN, -1).
        train_step: the optimizer's step that the window was recorded at.
        Raises ConfigError where something does not fit (the window is not recorded then), TraceError after
        `close`.
        """
        if self._closed:
            raise TraceError(f"{self.path}: the recorder is closed; record into a new file")
        steps = len(events.read_slot)
        window = self._check_events(events, steps)
        told = {
            "input": input,
            "output": output,
            "target": target,
            "mask": mask,
            "loss": loss,
            "source": source,
            "train_step": None
            if train_step is None
            else np.full((steps, self._dimensions.batch), train_step),
        }
        window |= self._check_io(told, steps)
        window["episode"] = self._check_episode(episode, steps)
        shift = self.n_steps - first_step
        for name in ("usage/read", "usage/write", "io/source"):
            if name in window:
                window[name] = _shifted(window[name], shift)
        self._unless_stopped(lambda: self._take_in(window, steps))
        self._episode = episode

    def commit(self) -> None:
        """Let readers see all steps that fill whole chunks: all there are where chunk_steps is 1."""
        self._unless_stopped(self._commit)

    def close(self) -> None:
        """Write what is left, mark the trace complete and close it. A second call does nothing."""
        self._close(complete=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._close(complete=kind is None)

    def _close(self, *, complete: bool) -> None:
        if self._closed:
            return
        self._unless_stopped(lambda: self._file.close(self._buffer.rest(), complete=complete))
        self._closed = True
        self._finalizer.detach()

    def _unless_stopped(self, write: Callable[[], None]) -> None:
        """Write, unless recording has stopped; where that fails it stops, and the program goes on."""
        if self._stopped is not None:
            return
        try:
            write()
        except TraceError as error:
            self._stopped = str(error)
            self._on_stop(self._stopped)

    def _take_in(self, window: dict[str, Array], steps: int) -> None:
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

    def _io_fields(self) -> dict[str, str]:
        sizes = self._dimensions
        given = ((sizes.input_size, INPUT), (sizes.output_size, OUTPUT), (sizes.source_size, SOURCE))
        return {field: name for size, fields in given if size > 0 for field, name in fields.items()}

    def _check_events(self, events: "Events", steps: int) -> dict[str, Array]:
        window = {}
        for field, name in self._events.items():
            value = getattr(events, field, None)
            if value is None:
                told = f"links={self._dimensions.links}" if field in LINK_EVENTS else "gates names it"
                raise ConfigError(f"events.{field}: expected a tensor, as {told}, found none")
            array = to_array(value, f"events.{field}", (steps, *self._shapes[name]), name)
            if (
                field.endswith("_slot")
                and array.size
                and not -1 <= array.min() <= array.max() < self._dimensions.slots
            ):
                found = f"{array.min()} to {array.max()}"
                raise ConfigError(
                    f"events.{field}: expected slots from -1 to {self._dimensions.slots - 1}, found {found}"
                )
            window[name] = array
        return window

    def _check_io(self, told: dict[str, Any], steps: int) -> dict[str, Array]:
        surplus = [field for field, value in told.items() if value is not None and field not in self._io]
        if surplus:
            raise ConfigError(
                f"{surplus[0]}: expected none, as the recorder was made without its size; give the size"
            )
        if told["mask"] is None:
            told["mask"] = np.full((steps, self._dimensions.batch), told["target"] is not None)
        window = {}
        for field, name in self._io.items():
            shape = (steps, *self._shapes[name])
            value = told[field]
            if value is None:
                if field not in _UNKNOWN:
                    raise ConfigError(f"{field}: expected shape {list(shape)}, found none")
                value = np.full(shape, _UNKNOWN[field], DATASETS[name].dtypes[0])
            window[name] = to_array(value, field, shape, name)
        return window

    def _check_episode(self, episode: int, steps: int) -> Array:
        if not self._episode <= episode < 2**31:
            raise ConfigError(f"episode: expected a number from {self._episode} on, found {episode}")
        return np.full((steps, self._dimensions.batch), episode, np.int32)


def _shifted(steps: Array, shift: int) -> Array:
    """Model steps as trace steps; -1 (never, none) stays, a step before the recording becomes -1."""
    moved = steps.astype(np.int64) + shift
    return np.where((steps >= 0) & (moved >= 0), moved, -1)


def _warn(reason: str) -> None:
    warnings.warn(reason, RecordingStopped, stacklevel=4)


def _close_forgotten(file: TraceFile, buffer: BlockBuffer, process: int) -> None:
    """Close a recorder that nobody can close any more; not in a fork, whose parent goes on with the file."""
    if os.getpid() == process:
        with suppress(TraceError):
            file.close(buffer.rest(), complete=False)
